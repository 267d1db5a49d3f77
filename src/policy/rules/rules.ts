/**
 * The access rules of one account, parsed from its config. `config/` makes them; a change of the
 * config makes new ones.
 *
 * The entries of the config that apply to a place are combined once for each entry and policy.
 */

import { pathTo } from "../../core/config_file.ts";
import type { ChannelId, GuildId, UserId } from "../../core/discord/ids.ts";
import type { GuildPlace, TriggerKind } from "../../core/inbound/inbound.ts";
import { NO_THREADS, type ThreadRules } from "../../core/outbound/outbound.ts";
import type { ToolGate } from "../../core/tool_names.ts";
import type { AllowEntry } from "./allowlist.ts";
import {
  channelName,
  channelPins,
  entryAt,
  findKey,
  findKeyById,
  GUILD_PINS,
  guildName,
  isNameKey,
  type RecordCheck,
  recordNothing,
} from "./checks.ts";

/** The keys of an `intentFilter`, as a level writes them. An absent one is inherited. */
export interface IntentKeys {
  /** Whether the filter decides. */
  readonly enabled?: boolean;
  /** The classifier: `"lightweight"`. */
  readonly model?: string;
  /** Score from which on the bot answers, from 0 to 1. */
  readonly respondThreshold?: number;
  /** Whether mentions need no score. */
  readonly alwaysRespondToMentions?: boolean;
}

/** The values of keys that no level writes. */
export const INTENT_DEFAULTS: Required<IntentKeys> = {
  enabled: false,
  model: "lightweight",
  respondThreshold: 0.7,
  alwaysRespondToMentions: true,
};

/** The filter of a place: each key with the config path that sets it. */
export type IntentRules = {
  readonly [Key in keyof IntentKeys]-?: {
    readonly value: Required<IntentKeys>[Key];
    readonly rule: string;
  };
};

/** An entry that may have an `intentFilter`, with its config path. */
interface IntentLevel {
  readonly rules: { readonly intentFilter?: IntentKeys };
  readonly path: string;
}

/** The level of an account's own filter, from which guilds inherit. */
function accountLevel(intentFilter: IntentKeys | undefined): IntentLevel {
  return { rules: { intentFilter }, path: "channels.discord" };
}

/**
 * Combines levels, the most specific first.
 *
 * @param home Config path of the entry at which to write a key that no level has.
 */
function combineIntent(levels: readonly IntentLevel[], home: string): IntentRules {
  function find<Key extends keyof IntentKeys>(name: Key): IntentRules[Key];
  function find(name: keyof IntentKeys): IntentRules[keyof IntentKeys] {
    for (const { rules: { intentFilter }, path } of levels) {
      const value = intentFilter?.[name];
      if (value !== undefined) return { value, rule: intentPath(path, name) };
    }
    return { value: INTENT_DEFAULTS[name], rule: intentPath(home, name) };
  }
  return {
    enabled: find("enabled"),
    model: find("model"),
    respondThreshold: find("respondThreshold"),
    alwaysRespondToMentions: find("alwaysRespondToMentions"),
  };
}

function intentPath(path: string, name: string): string {
  return pathTo(pathTo(path, "intentFilter"), name);
}

export type { CommandNeeds } from "../../core/inbound/inbound.ts";

/** The part of one account's `channels.discord` that decides which messages it answers. */
export interface AccessPolicy {
  readonly dm: DmRules;
  /**
   * Access to guilds. `allowlist`: only listed ones. `open`: all, if none are listed. `disabled`:
   * none.
   */
  readonly groupPolicy: "allowlist" | "open" | "disabled";
  /** Set if the config has no `channels.discord` (P6). */
  readonly hasNoSection?: true;
  /** Config path that sets `groupPolicy`, or that would set it. */
  readonly groupPolicyRule: string;
  /**
   * Guild entries by their key in the config: id, slug, name or `"*"`. Absent if the config has no
   * `guilds`.
   */
  readonly guilds?: Readonly<Record<string, GuildRules>>;
  /** The account's intent filter, which guilds and channels inherit key by key (I1). */
  readonly intentFilter?: IntentKeys;
  /** Whether to answer bots and webhooks under the same rules as people. */
  readonly allowBots: boolean;
  readonly loopGuard: LoopGuardRules;
  /** Whether to ask PluralKit about webhooks' messages (P13). */
  readonly asksPluralkit: boolean;
  readonly commands: CommandRules;
  /** User ids of `execApprovals.approvers`. */
  readonly approvers: readonly UserId[];
  /** The tools that turns may use, apart from the rules of single places (T2). */
  readonly tools: ToolRules;
  /** Whether a text addresses the bot by a mention pattern (M2); {@link noPattern} if there is none. */
  readonly matchesPattern: (text: string) => boolean;
  /** Ids of the agents whose own pattern or name is in a text, in the order of the config (N2). */
  readonly agentsNamed: (text: string) => readonly string[];
  /** The rules that choose the agent (N2). */
  readonly router: RouterRules;
  /** Agents that only watch, in the order of `agents.list` (N1). */
  readonly passive: readonly PassiveAgent[];
  /** Config paths of the triggers whose pattern is in a text. */
  readonly patternsIn: (text: string) => readonly string[];
  /** Milliseconds within which equal reactions count once (N1). */
  readonly dedupWindowMs: number;
  /**
   * Finds the config path that sets a rule: in the account's own entry, or above it if the account
   * inherits the rule (C6).
   *
   * @param path Path below `channels.discord`: `"channels.discord.dm.policy"`.
   * @returns The same, or `"channels.discord.accounts.work.dm.policy"`.
   */
  readonly ruleOf: (path: string) => string;
}

/** Stands in {@link AccessPolicy.matchesPattern} if there is no mention pattern. */
export const noPattern = (): boolean => false;

/** `channels.discord.dm`: access by direct message. */
export interface DmRules {
  readonly enabled: boolean;
  /**
   * Who may write. `pairing`: the allow list and paired users. `allowlist`: the allow list only.
   * `open`: any person. `disabled`: no person.
   */
  readonly policy: "pairing" | "allowlist" | "open" | "disabled";
  /** The allow list; empty if none is set. */
  readonly allowFrom: readonly AllowEntry[];
  readonly groupEnabled: boolean;
  /** Group DMs to answer in. Absent: every group DM; empty: none (P5). */
  readonly groupChannels?: readonly GroupEntry[];
}

export type GroupEntry =
  | { readonly kind: "any" }
  | { readonly kind: "channel"; readonly id: ChannelId }
  /** By slug or by exact name. */
  | { readonly kind: "name"; readonly name: string };

/** Limits of a conversation between bots (P11). */
export interface LoopGuardRules {
  /**
   * Consecutive messages by bots, one of them ours, after which Barnacle stops answering bots
   * there.
   */
  readonly maxTurns: number;
  /**
   * Milliseconds for which it then answers no bot there, unless a person writes. A bot that asks
   * meanwhile begins them anew.
   */
  readonly muteMs: number;
  /** Bots and webhooks that never answer the bot: their messages are not counted. */
  readonly feeds?: readonly UserId[];
}

/** Who may give commands (K3, P10). */
export interface CommandRules {
  /** Whether the allow lists apply to commands, too. */
  readonly usesAccessGroups: boolean;
  /** `commands.ownerAllowFrom`. Absent: the application's owners at Discord. */
  readonly owners?: readonly AllowEntry[];
  /** `commands.text`: whether commands exist as text messages, too (M4). */
  readonly texts: boolean;
}

/** The rules for tools that hold in every place (T2). */
export interface ToolRules {
  readonly global: ToolLists;
  /** `tools` of the agents that have any. */
  readonly agents: readonly AgentTools[];
  /** Open gates of the account's `actions`. */
  readonly openGates: readonly ToolGate[];
  /** The tools of events, by the name of their hook; absent: there is no hook. */
  readonly hooks?: ReadonlyMap<string, readonly string[]>;
}

export interface AgentTools {
  readonly agentId: string;
  readonly lists: ToolLists;
  /** Config path of the lists: `"agents.list[1].tools"`. */
  readonly rule: string;
}

/** Lists of tool names, groups and `"*"`. An absent list changes nothing. */
export interface ToolLists {
  /** The only tools of the level above that stay. Empty: none. */
  readonly allow?: readonly string[];
  /** Tools in addition to those of the level above. */
  readonly alsoAllow?: readonly string[];
  /** Tools that no other list gives back. */
  readonly deny?: readonly string[];
}

export interface SenderTools {
  readonly key: string;
  readonly who: AllowEntry;
  readonly lists: ToolLists;
}

/** The keys about tools of a guild or a channel. */
export interface PlaceToolRules {
  /** Tools of all senders. */
  readonly tools?: ToolLists;
  /** Tools of single senders, in the order of the config. */
  readonly toolsBySender?: readonly SenderTools[];
}

export type ReactionMode = "off" | "own" | "all" | "allowlist";

/** An entry of `channels.discord.guilds`. */
export interface GuildRules extends PlaceToolRules {
  /**
   * The guild that the key was resolved to (P12). The entry is for this guild only, even if another
   * one takes the name. Absent if the key is no resolved name.
   */
  readonly pinned?: GuildId;
  /** Operator's short name for the guild, for lists and logs (S2); absent if not set. */
  readonly slug?: string;
  /** Whether a message must address the bot; absent: yes. */
  readonly requireMention?: boolean;
  /** Who may talk to the bot here. Absent: all members; empty: no member. */
  readonly users?: readonly AllowEntry[];
  /** Channel entries by their key in the config. Absent: every channel; `{}`: none (P8). */
  readonly channels?: Readonly<Record<string, ChannelRules>>;
  /**
   * Which reactions count (H5). `own`: on the bot's messages. `allowlist`: on any message, by
   * people in `users`.
   */
  readonly reactionNotifications: ReactionMode;
  /** Threads for answers; absent: none (S7). */
  readonly threads?: ThreadRules;
  /** Which messages without a mention are meant for the bot (I1). */
  readonly intentFilter?: IntentKeys;
}

/**
 * An entry of a guild's `channels`. Absent values come from the `"*"` entry, then from the guild.
 */
export interface ChannelRules extends PlaceToolRules {
  /** The channel of each guild that the key was resolved to; absent if it is no resolved name. */
  readonly pinned?: ReadonlyMap<GuildId, ChannelId>;
  /** `false` denies the channel, as `enabled` does; absent: not denied. */
  readonly allow?: boolean;
  /** `false` denies the channel under every policy; absent: not denied. */
  readonly enabled?: boolean;
  /** Whether a message must address the bot. */
  readonly requireMention?: boolean;
  /** Who may talk to the bot here. Empty: no member. */
  readonly users?: readonly AllowEntry[];
  /** Operator's text for the system prompt in this channel (H4). */
  readonly systemPrompt?: string;
  /** Names of the skills that turns here may use; absent: all (T7). */
  readonly skills?: readonly string[];
  /** Threads for answers (S7). */
  readonly threads?: ThreadRules;
  /** The intent filter, as in {@link GuildRules}. */
  readonly intentFilter?: IntentKeys;
}

export interface RouterRules {
  /** The active agents, in the order of `agents.list`. The last step chooses the first one. */
  readonly agents: readonly [RoutedAgent, ...RoutedAgent[]];
  /** Entries of `router.assignments`, in the order of `agents`. */
  readonly assigned: readonly AssignedChannel[];
  /** In the order of the config. */
  readonly bindings: readonly Binding[];
}

/** An agent that watches its channels, and acts on its triggers only. */
export interface PassiveAgent {
  readonly agentId: string;
  /** Its channels; `*` means all of guilds. */
  readonly channels: readonly AssignedChannel[];
  readonly triggers: readonly TriggerRule[];
}

export interface TriggerRule {
  readonly kind: TriggerKind;
  /** The pattern, the emoji, or the name of the command in lower case. */
  readonly word: string;
  /** Config path: `"router.assignments.watcher.triggers[0]"`. */
  readonly rule: string;
}

export interface RoutedAgent {
  readonly id: string;
  /** Config path: `"agents.list[1]"`. */
  readonly rule: string;
}

/** An entry of `channels` in `router.assignments`. */
export interface AssignedChannel {
  readonly agentId: string;
  /** Id, name, or `"*"`. */
  readonly channel: string;
  readonly rule: string;
}

/** An entry of `bindings`. */
export interface Binding {
  readonly agentId: string;
  /** Each key must be that of the message. */
  readonly match: BindingMatch;
  readonly rule: string;
}

export interface BindingMatch {
  /** Id of an account of the config. */
  readonly accountId?: string;
  /** Id of the message's guild. */
  readonly guildId?: string;
  /** Id of the message's channel or thread, or of the thread's channel. */
  readonly channelId?: string;
  /** Id of the message's author. */
  readonly userId?: string;
}

interface ClosedPlace {
  readonly kind: "closed";
  /** Reason, as verdicts have it. */
  readonly why: "guilds-disabled" | "guild-not-listed" | "channel-not-listed" | "channel-disabled";
  readonly rule: string;
}

/** Rules found without a record of the checks: most messages come from the same few places. */
const rulesByPlace = new WeakMap<AccessPolicy, WeakMap<GuildPlace, OpenPlace | ClosedPlace>>();

/**
 * Finds the rules of a place of a guild; for the same place and policy only once.
 *
 * @param ask Gets each check on the way; silent by default.
 */
export function rulesFor(
  place: GuildPlace,
  policy: AccessPolicy,
  ask: RecordCheck = recordNothing,
): OpenPlace | ClosedPlace {
  if (ask !== recordNothing) return findRules(place, policy, ask);
  let known = rulesByPlace.get(policy);
  if (!known) rulesByPlace.set(policy, known = new WeakMap());
  let rules = known.get(place);
  if (!rules) known.set(place, rules = findRules(place, policy, ask));
  return rules;
}

/**
 * Finds the entries that apply to a place of a guild, and combines them (P6–P9).
 *
 * One guild entry applies, found by id, slug, exact name or `"*"`. Within it, the channel's entry
 * is found the same way. Values that it lacks come from the `"*"` entry, then from the guild. A
 * thread has its parent's rules, unless its own id is listed. A list in the config applies under
 * every policy.
 *
 * For an unknown place, an entry applies only if it would apply under any name. If Barnacle cannot
 * tell that, it answers no message there.
 */
function findRules(
  place: GuildPlace,
  policy: AccessPolicy,
  ask: RecordCheck,
): OpenPlace | ClosedPlace {
  const { groupPolicy, groupPolicyRule, guilds } = policy;
  const areGuildsOn = groupPolicy !== "disabled";
  if (!ask("guilds", areGuildsOn, groupPolicyRule, () => `groupPolicy is "${groupPolicy}"`)) {
    return closedPlace("guilds-disabled", groupPolicyRule);
  }
  if (!guilds) {
    const isOpen = groupPolicy === "open";
    const fact = () => `no guilds are listed, and groupPolicy is "${groupPolicy}"`;
    if (!ask("guild", isOpen, groupPolicyRule, fact)) {
      return closedPlace("guild-not-listed", groupPolicyRule);
    }
    const unlisted = {
      rules: { reactionNotifications: "own" },
      path: pathTo(GUILDS, "*"),
    } as const;
    return { ...combineLayers([], unlisted, policy.intentFilter), rule: groupPolicyRule };
  }

  const key = guildKey(place, guilds);
  const guild = key === undefined ? undefined : entryOf(policy, guilds, key);
  if (guild) {
    ask("guild", true, guild.path, () => `${guildName(place)} is listed`);
    return withinGuild(place, guild, ask);
  }
  const problem = place.hasNamesake
    ? "is not listed by its id, and another guild shares its name"
    : "is not listed";
  ask("guild", false, GUILDS, () => `${guildName(place)} ${problem}`);
  return closedPlace("guild-not-listed", GUILDS);
}

function withinGuild(
  place: GuildPlace,
  { rules: { channels }, path, channelsPath, open, places }: GuildEntry,
  ask: RecordCheck,
): OpenPlace | ClosedPlace {
  if (!channels) {
    const fact = () => `${channelName(place)} is allowed, because no channels are listed`;
    ask("channel", true, path, fact);
    return open;
  }
  const key = channelKey(place, channels);
  const channel = key === undefined ? undefined : entryAt(channels, key);
  const rules = key === undefined ? undefined : places(key);
  if (channel && rules) {
    ask("channel", true, rules.rule, () => `${channelName(place)} is listed`);
    return deniedBy(channel, rules.rule, ask) ?? rules;
  }
  ask("channel", false, channelsPath, () => `${channelName(place)} is not listed`);
  return closedPlace("channel-not-listed", channelsPath);
}

function deniedBy(channel: ChannelRules, path: string, ask: RecordCheck): ClosedPlace | undefined {
  for (const switchKey of ["allow", "enabled"] as const) {
    const value = channel[switchKey];
    if (value === undefined) continue;
    const rule = pathTo(path, switchKey);
    if (!ask("enabled", value, rule, () => `${switchKey} is ${value}`)) {
      return closedPlace("channel-disabled", rule);
    }
  }
  return undefined;
}

/** A name that two guilds share opens neither; only an id does. */
const SHARED_NAME: typeof GUILD_PINS = { ...GUILD_PINS, isPinned: () => true };

function guildKey(
  { guild, isUnknown, hasNamesake }: GuildPlace,
  guilds: Readonly<Record<string, GuildRules>>,
): string | undefined {
  if (isUnknown) return findKeyById(guilds, guild.id, GUILD_PINS, isNameKey);
  return findKey(guilds, guild, hasNamesake ? SHARED_NAME : GUILD_PINS);
}

function channelKey(
  { guild, channel, thread, isUnknown }: GuildPlace,
  channels: Readonly<Record<string, ChannelRules>>,
): string | undefined {
  if (thread && Object.hasOwn(channels, thread.id)) return thread.id;
  const pins = channelPins(guild.id);
  if (!isUnknown) return findKey(channels, channel, pins);
  // Without `thread` it may be one, and any id the parent's.
  return findKeyById(channels, channel.id, pins, (key) => !thread || isNameKey(key));
}

function closedPlace(why: ClosedPlace["why"], rule: string): ClosedPlace {
  return { kind: "closed", why, rule };
}

/** Config path of the guild entries. */
export const GUILDS = "channels.discord.guilds";

export interface OpenPlace {
  readonly kind: "open";
  /** Config path of the entry that opens it: the channel's, the guild's, or the policy's. */
  readonly rule: string;
  readonly requireMention: Ruled<boolean>;
  /** The people who may talk; absent: all members. */
  readonly users?: Ruled<readonly AllowEntry[]>;
  /** Which messages without a mention are meant for the bot (I1). */
  readonly intentFilter: IntentRules;
  /** Which reactions count, as in {@link GuildRules}. */
  readonly reactionNotifications: Ruled<GuildRules["reactionNotifications"]>;
  /**
   * The guild's own `users`, even if the channel has another list; reactions may depend on it (H5).
   * Absent if the guild has none.
   */
  readonly guildUsers?: Ruled<readonly AllowEntry[]>;
  readonly guildPath: string;
  readonly tools: readonly PlaceTools[];
  readonly threads: Ruled<ThreadRules>;
  /** Operator's text for this channel (H4); absent if not set. */
  readonly systemPrompt?: string;
  /** Names of the skills that turns here may use; absent: all (T7). */
  readonly skills?: readonly string[];
  /** Operator's short name for the guild (S2); absent if not set. */
  readonly guildSlug?: string;
}

/** An entry of `guilds` with its combined rules for each place, which are computed once. */
interface GuildEntry extends Layer<GuildRules> {
  readonly channelsPath: string;
  /** The rules of each channel if the entry lists none. */
  readonly open: OpenPlace;
  /** The rules of a channel, by the key of its entry. */
  readonly places: (key: string) => OpenPlace | undefined;
}

/** Computed entries by policy, since an account's filter reaches its guilds. */
const ENTRIES = new WeakMap<AccessPolicy, Map<string, GuildEntry>>();

function entryOf(
  policy: AccessPolicy,
  guilds: Readonly<Record<string, GuildRules>>,
  key: string,
): GuildEntry | undefined {
  const entries = ENTRIES.get(policy) ?? new Map<string, GuildEntry>();
  const known = entries.get(key);
  if (known) return known;
  const rules = entryAt(guilds, key);
  if (!rules) return undefined;
  const entry = toEntry(rules, pathTo(GUILDS, key), policy.intentFilter);
  ENTRIES.set(policy, entries.set(key, entry));
  return entry;
}

function toEntry(rules: GuildRules, path: string, filter: IntentKeys | undefined): GuildEntry {
  const { channels = {} } = rules;
  const channelsPath = pathTo(path, "channels");
  const guild = { rules, path };
  const places = new Map<string, OpenPlace>();
  const layer = (key: string): readonly Layer<ChannelRules>[] => {
    const rules = entryAt(channels, key);
    return rules ? [{ rules, path: pathTo(channelsPath, key) }] : [];
  };
  return {
    ...guild,
    channelsPath,
    open: combineLayers([], guild, filter),
    places(key) {
      const known = places.get(key);
      if (known) return known;
      const own = layer(key);
      if (own.length === 0) return undefined;
      const place = combineLayers([...own, ...layer("*")], guild, filter);
      places.set(key, place);
      return place;
    },
  };
}

/** Combines the entries of a channel, the most specific first, the guild's, and the account's filter. */
function combineLayers(
  own: readonly Layer<ChannelRules>[],
  guild: Layer<GuildRules>,
  filter: IntentKeys | undefined,
): OpenPlace {
  const { rules: { slug: guildSlug, users: guildUsers, reactionNotifications }, path } = guild;
  const layers: readonly Layer<Omit<ChannelRules, "pinned">>[] = [...own, guild];
  return {
    kind: "open",
    rule: (own[0] ?? guild).path,
    requireMention: firstOf(layers, "requireMention") ?? withRule(true, path, "requireMention"),
    users: firstOf(layers, "users"),
    intentFilter: combineIntent([...layers, accountLevel(filter)], path),
    reactionNotifications: withRule(reactionNotifications, path, "reactionNotifications"),
    threads: firstOf(layers, "threads") ?? withRule(NO_THREADS, path, "threads"),
    guildPath: path,
    tools: [...toolsOf(own), ...toolsOf([guild])],
    guildUsers: guildUsers ? withRule(guildUsers, path, "users") : undefined,
    systemPrompt: firstOf(layers, "systemPrompt")?.value,
    skills: firstOf(layers, "skills")?.value,
    guildSlug,
  };
}

/** A value that applies in a place, and the config path that sets it, or that would set it. */
export interface Ruled<Value> {
  readonly value: Value;
  readonly rule: string;
}

/** The values of one entry of the config, with its path. */
interface Layer<Rules> {
  readonly rules: Rules;
  readonly path: string;
}

/** The value of the first layer that sets a key. Returns `undefined` if no layer sets it. */
function firstOf<Rules, Key extends keyof Rules & string>(
  layers: readonly Layer<Rules>[],
  key: Key,
): Ruled<NonNullable<Rules[Key]>> | undefined {
  for (const { rules, path } of layers) {
    const value = rules[key];
    if (value !== undefined && value !== null) return withRule(value, path, key);
  }
  return undefined;
}

/** A value with its config path; for a default, the path at which to change it. */
function withRule<Value>(value: Value, path: string, key: string): Ruled<Value> {
  return { value, rule: pathTo(path, key) };
}

/** One level of a place's tools, the most specific first (T2). */
export type PlaceTools =
  | ({ readonly kind: "by-sender" } & Ruled<readonly SenderTools[]>)
  | ({ readonly kind: "all" } & Ruled<ToolLists>);

/** The keys about tools of some layers, the one for single senders first. */
function toolsOf(layers: readonly Layer<PlaceToolRules>[]): readonly PlaceTools[] {
  const bySender = firstOf(layers, "toolsBySender");
  const all = firstOf(layers, "tools");
  return [
    ...(bySender ? [{ kind: "by-sender" as const, ...bySender }] : []),
    ...(all ? [{ kind: "all" as const, ...all }] : []),
  ];
}
