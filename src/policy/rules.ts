/**
 * The access rules of one account, parsed from its config. `config/` makes them; a change of the
 * config makes new ones.
 *
 * The entries of the config that apply to a place are combined. A list
 * finds the entry that is for a sender. Names are replaced by the ids that Discord gave for them (P4,
 * P12): then an entry means that id, even if another object takes the name.
 *
 * Each check of a verdict goes through one function, which returns its input. So the result that
 * decides is the result that `barnacle why` shows.
 */

import {
  type ChannelId,
  type GuildId,
  parseSnowflake,
  type RoleId,
  type UserId,
} from "../core/discord/ids.ts";
import type { GuildPlace, Named, Place, Sender, TriggerKind } from "../core/inbound/inbound.ts";
import type { VerdictCheck } from "../core/inbound/inbox.ts";
import {
  type ListChoice,
  type ListedEntry,
  type NoList,
  type PeopleList,
  type ResolvedName,
  slug,
} from "../core/names.ts";
import { NO_THREADS, type ThreadRules } from "../core/outbound/outbound.ts";
import type { ToolGate } from "../core/tool_names.ts";
import { oncePer } from "../lib/cache.ts";
import { pathTo, quoted } from "../lib/text/quoted.ts";

export type { CommandNeeds } from "../core/inbound/inbound.ts";

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

/** Keys that a guild and a channel have. Absent: as the level above says. */
export interface PlaceRules {
  /** Whether a message must address the bot; at last: yes. */
  readonly requireMention?: boolean;
  /** Who may talk to the bot here; at last: all members. Empty: no member. */
  readonly users?: readonly AllowEntry[];
  /** Threads for answers; at last: none (S7). */
  readonly threads?: ThreadRules;
  /** Which messages without a mention are meant for the bot (I1). */
  readonly intentFilter?: IntentKeys;
  /** Tools of all senders. */
  readonly tools?: ToolLists;
  /** Tools of single senders, in the order of the config. */
  readonly toolsBySender?: readonly SenderTools[];
}

export type ReactionMode = "off" | "own" | "all" | "allowlist";

/** An entry of `channels.discord.guilds`. */
export interface GuildRules extends PlaceRules {
  /**
   * The guild that the key was resolved to (P12). The entry is for this guild only, even if another
   * one takes the name. Absent if the key is no resolved name.
   */
  readonly pinned?: GuildId;
  /** Operator's short name for the guild, for lists and logs (S2); absent if not set. */
  readonly slug?: string;
  /** Channel entries by their key in the config. Absent: every channel; `{}`: none (P8). */
  readonly channels?: Readonly<Record<string, ChannelRules>>;
  /**
   * Which reactions count (H5). `own`: on the bot's messages. `allowlist`: on any message, by
   * people in `users`.
   */
  readonly reactionNotifications: ReactionMode;
}

/**
 * An entry of a guild's `channels`. Absent values come from the `"*"` entry, then from the guild.
 */
export interface ChannelRules extends PlaceRules {
  /** The channel of each guild that the key was resolved to; absent if it is no resolved name. */
  readonly pinned?: ReadonlyMap<GuildId, ChannelId>;
  /** `false` denies the channel, as `enabled` does; absent: not denied. */
  readonly allow?: boolean;
  /** `false` denies the channel under every policy; absent: not denied. */
  readonly enabled?: boolean;
  /** Operator's text for the system prompt in this channel (H4). */
  readonly systemPrompt?: string;
  /** Names of the skills that turns here may use; absent: all (T7). */
  readonly skills?: readonly string[];
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
 *
 * @param ask Gets each check on the way; silent by default.
 */
export function rulesFor(
  place: GuildPlace,
  policy: AccessPolicy,
  ask: RecordCheck = recordNothing,
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
    return { ...combineLayers([], unlisted, policy), rule: groupPolicyRule };
  }

  const key = guildKey(place, guilds);
  const rules = key === undefined ? undefined : entryAt(guilds, key);
  if (key !== undefined && rules) {
    const path = pathTo(GUILDS, key);
    ask("guild", true, path, () => `${guildName(place)} is listed`);
    return withinGuild(place, { rules, path }, policy, ask);
  }
  const problem = place.hasNamesake
    ? "is not listed by its id, and another guild shares its name"
    : "is not listed";
  ask("guild", false, GUILDS, () => `${guildName(place)} ${problem}`);
  return closedPlace("guild-not-listed", GUILDS);
}

function withinGuild(
  place: GuildPlace,
  guild: Layer<GuildRules>,
  policy: AccessPolicy,
  ask: RecordCheck,
): OpenPlace | ClosedPlace {
  const { rules: { channels }, path } = guild;
  if (!channels) {
    const fact = () => `${channelName(place)} is allowed, because no channels are listed`;
    ask("channel", true, path, fact);
    return combineLayers([], guild, policy);
  }
  const channelsPath = pathTo(path, "channels");
  const layers = [channelKey(place, channels), "*"].map((key) => {
    const rules = key === undefined ? undefined : entryAt(channels, key);
    return key !== undefined && rules ? { rules, path: pathTo(channelsPath, key) } : undefined;
  });
  const [own] = layers;
  if (own) {
    ask("channel", true, own.path, () => `${channelName(place)} is listed`);
    return deniedBy(own.rules, own.path, ask) ??
      combineLayers(layers.filter((one) => one !== undefined), guild, policy);
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

function guildKey(
  { guild, isUnknown, hasNamesake }: GuildPlace,
  guilds: Readonly<Record<string, GuildRules>>,
): string | undefined {
  if (isUnknown) return findKeyById(guilds, guild.id, guildPin, isNameKey);
  return findKey(guilds, guild, guildPin, hasNamesake);
}

function channelKey(
  { guild, channel, thread, isUnknown }: GuildPlace,
  channels: Readonly<Record<string, ChannelRules>>,
): string | undefined {
  if (thread && Object.hasOwn(channels, thread.id)) return thread.id;
  const pinOf = channelPin(guild.id);
  if (!isUnknown) return findKey(channels, channel, pinOf);
  // Without `thread` it may be one, and any id the parent's.
  return findKeyById(channels, channel.id, pinOf, (key) => !thread || isNameKey(key));
}

function closedPlace(why: ClosedPlace["why"], rule: string): ClosedPlace {
  return { kind: "closed", why, rule };
}

/** Config path of the guild entries. */
const GUILDS = "channels.discord.guilds";

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

/** The combined rules by the path of their most specific entry. */
const placesOf = oncePer((_: AccessPolicy) => new Map<string, OpenPlace>());

/** Combines the entries of a channel, the most specific first, the guild's, and the account's filter. */
function combineLayers(
  own: readonly Layer<ChannelRules>[],
  guild: Layer<GuildRules>,
  policy: AccessPolicy,
): OpenPlace {
  const { path: rule } = own[0] ?? guild;
  const known = placesOf(policy).get(rule);
  if (known) return known;
  const { rules: { slug: guildSlug, users: guildUsers, reactionNotifications }, path } = guild;
  const layers: readonly Layer<Omit<ChannelRules, "pinned">>[] = [...own, guild];
  const place: OpenPlace = {
    kind: "open",
    rule,
    requireMention: firstOf(layers, "requireMention") ?? withRule(true, path, "requireMention"),
    users: firstOf(layers, "users"),
    intentFilter: combineIntent(
      [...layers, { rules: policy, path: "channels.discord" }],
      path,
    ),
    reactionNotifications: withRule(reactionNotifications, path, "reactionNotifications"),
    threads: firstOf(layers, "threads") ?? withRule(NO_THREADS, path, "threads"),
    guildPath: path,
    tools: [...toolsOf(own), ...toolsOf([guild])],
    guildUsers: guildUsers ? withRule(guildUsers, path, "users") : undefined,
    systemPrompt: firstOf(layers, "systemPrompt")?.value,
    skills: firstOf(layers, "skills")?.value,
    guildSlug,
  };
  placesOf(policy).set(rule, place);
  return place;
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
function toolsOf(layers: readonly Layer<PlaceRules>[]): readonly PlaceTools[] {
  const bySender = firstOf(layers, "toolsBySender");
  const all = firstOf(layers, "tools");
  return [
    ...(bySender ? [{ kind: "by-sender" as const, ...bySender }] : []),
    ...(all ? [{ kind: "all" as const, ...all }] : []),
  ];
}

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
  readonly [Key in keyof IntentKeys]-?: Ruled<Required<IntentKeys>[Key]>;
};

/**
 * Combines levels, the most specific first.
 *
 * @param home Config path of the entry at which to write a key that no level has.
 */
function combineIntent(
  levels: readonly Layer<{ readonly intentFilter?: IntentKeys }>[],
  home: string,
): IntentRules {
  const layers = levels.map(({ rules, path }) => ({
    rules: rules.intentFilter ?? {},
    path: pathTo(path, "intentFilter"),
  }));
  const ruled = <Key extends keyof IntentKeys>(key: Key) =>
    firstOf(layers, key) ?? withRule(INTENT_DEFAULTS[key], pathTo(home, "intentFilter"), key);
  return {
    enabled: ruled("enabled"),
    model: ruled("model"),
    respondThreshold: ruled("respondThreshold"),
    alwaysRespondToMentions: ruled("alwaysRespondToMentions"),
  };
}

/** One entry of `dm.allowFrom` or `guilds.*.users`, after parsing. */
export type AllowEntry =
  | { readonly kind: "anyone" }
  /** `typed`: the name in the config, if it was resolved to this id (P12). */
  | { readonly kind: "user"; readonly id: UserId; readonly typed?: string }
  | { readonly kind: "pluralkit"; readonly memberId: string }
  | { readonly kind: "role"; readonly id: RoleId }
  | { readonly kind: "role_name"; readonly name: string }
  | { readonly kind: "name"; readonly name: string };

export interface AllowEntryProblem {
  readonly kind: "problem";
  readonly why: string;
}

/** Texts in the form of a user's id; `parseSnowflake` decides whether they contain one. */
const USER_REFERENCE = /^(?:<@!?(.*)>|(?:user|discord):(.*)|(\d+))$/i;

/** The other prefixes of entries, in any case. */
const PREFIXED = /^(pk|role|channel):(.*)$/i;

/** An id of another service, or with a prefix that Barnacle does not know: `"telegram:5"`. */
const UNKNOWN_PREFIX = /^[a-z]+:\d+$/i;

/** Mentions of no user: `"<#123>"` is a channel. */
const OTHER_MENTION = /^<[#:/].*>$/;

/** Discord lets no account have these names. */
const EVERYONE = /^@?(?:everyone|here)$/i;

/**
 * Reads one entry of the config.
 *
 * @param text `"*"`, `"<id>"`, `"<@id>"`, `"<@!id>"`, `"user:<id>"`, `"discord:<id>"`, `"pk:<member
 * id>"`, `"role:<id or name>"`, a username, a tag such as `"ada#1234"`, or the name of a PluralKit
 * member. A name may have an `@` before it, and prefixes may be in any case.
 */
export function parseAllowEntry(text: string): AllowEntry | AllowEntryProblem {
  const entry = text.trim();
  if (entry === "") return problem("An entry is blank");
  if (entry === "*") return { kind: "anyone" };

  const reference = USER_REFERENCE.exec(entry);
  if (reference) {
    const [, mentioned, prefixed, bare] = reference;
    const id = parseSnowflake<"user">(mentioned ?? prefixed ?? bare ?? "");
    return id ? { kind: "user", id } : problem(`"${entry}" contains no Discord user id`);
  }

  const [, written, rest] = PREFIXED.exec(entry) ?? [];
  if (written === undefined || rest === undefined) {
    if (EVERYONE.test(entry)) return problem(`"${entry}" is no user: write "*" for everyone`);
    if (OTHER_MENTION.test(entry)) return problem(`"${entry}" mentions no user`);
    if (entry.startsWith("#")) return problem(`"${entry}" is the name of a channel, not of a user`);
    if (UNKNOWN_PREFIX.test(entry)) return problem(`"${entry}" has a prefix that no user has`);
    const name = entry.replace(/^@/, ""); // as people write names
    if (name === "") return problem(`"${entry}" contains no name`);
    return /^\d+$/.test(name)
      ? problem(`"${entry}" may be an id or a name: write "${name}" or "<@${name}>" for the id`)
      : { kind: "name", name };
  }
  const prefix = written.toLowerCase();
  if (prefix === "channel") return problem(`"${entry}" is not a person: move it to groupChannels`);
  if (rest === "") return problem(`"${entry}" has nothing after the colon`);
  if (prefix === "pk") return { kind: "pluralkit", memberId: rest };

  const id = parseSnowflake<"role">(rest);
  return id ? { kind: "role", id } : { kind: "role_name", name: rest };
}

/**
 * Whether an account at Discord can have a name or tag. The name of a PluralKit member is free.
 *
 * @see {@link https://docs.discord.com/developers/resources/user#usernames-and-nicknames}
 */
export function mayNameAccount(name: string): boolean {
  const plain = name.replace(/#\d{1,4}$/, "");
  const { length } = Array.from(plain);
  return length >= 2 && length <= 32 && !/[@#:\p{Cc}]/u.test(plain);
}

/**
 * Prepares a list for many senders. The result finds the most specific entry for a sender; an empty
 * list has none.
 *
 * The time of a look-up does not depend on the list's length, since a list may contain a whole
 * community.
 */
export function prepareAllowlist(
  entries: readonly AllowEntry[],
): (sender: Sender) => AllowEntry | undefined {
  const users = new Map<string, AllowEntry>();
  const members = new Map<string, AllowEntry>();
  const names = new Map<string, AllowEntry>();
  const roles = new Map<string, AllowEntry>();
  const roleNames = new Map<string, AllowEntry>();
  let anyone: AllowEntry | undefined;
  for (const entry of entries) {
    switch (entry.kind) {
      case "anyone":
        anyone = entry;
        break;
      case "user":
        users.set(entry.id, entry);
        break;
      case "pluralkit":
        members.set(entry.memberId, entry);
        break;
      case "role":
        roles.set(entry.id, entry);
        break;
      case "role_name":
        roleNames.set(entry.name, entry);
        break;
      case "name":
        // Weaker than an id: a person who takes an abandoned name gets its access.
        names.set(foldCase(entry.name), entry);
        break;
    }
  }

  function byName(sender: Sender): AllowEntry | undefined {
    if (names.size === 0) return undefined;
    for (const name of namesOf(sender)) {
      const entry = names.get(foldCase(name));
      if (entry) return entry;
    }
    return undefined;
  }

  function byRole(sender: Sender): AllowEntry | undefined {
    if (roles.size === 0 && roleNames.size === 0) return undefined;
    for (const { id, name } of sender.roles) {
      const entry = roles.get(id) ?? (name === undefined ? undefined : roleNames.get(name));
      if (entry) return entry;
    }
    return undefined;
  }

  return (sender) =>
    users.get(sender.id) ??
      (sender.pluralkit && members.get(sender.pluralkit.memberId)) ??
      byName(sender) ??
      byRole(sender) ??
      anyone;
}

/** An entry in its spelling for people: `"role:123"`. */
export function entryText(entry: AllowEntry): string {
  switch (entry.kind) {
    case "anyone":
      return "*";
    case "user":
      return entry.typed === undefined ? entry.id : `${entry.typed} = ${entry.id}`;
    case "pluralkit":
      return `pk:${entry.memberId}`;
    case "role":
      return `role:${entry.id}`;
    case "role_name":
      return `role:${entry.name}`;
    case "name":
      return entry.name;
  }
}

/**
 * The names that belong to a sender alone: of an account, or of the PluralKit member who writes in
 * its place. For a bot only the tag counts, because many bots may share its name. A webhook has
 * none, because its maker chose the name.
 */
function namesOf({ username, tag, automaton, pluralkit }: Sender): readonly string[] {
  // An empty slug is safe here: an entry is never empty, so none equals it.
  if (pluralkit) {
    const { name, displayName = name } = pluralkit;
    return [name, slug(name), displayName, slug(displayName)];
  }
  if (automaton === "webhook") return [];
  if (automaton === "bot") return tag === undefined ? [] : [tag];
  return tag === undefined ? [username] : [username, tag];
}

/**
 * Removes differences of case. A character that only looks like a capital, such as the Kelvin sign,
 * stays: it must not pass for the letter (SEC-R12).
 */
function foldCase(name: string): string {
  if (/^[^A-Z\x80-\uffff]*$/.test(name)) return name; // nearly every username of today
  return name.replace(/\p{Lu}/gu, (capital) => {
    const small = capital.toLowerCase();
    return small.toUpperCase() === capital ? small : capital;
  });
}

function problem(why: string): AllowEntryProblem {
  return { kind: "problem", why };
}

const OWNERS = "commands.ownerAllowFrom";
const ALLOW_FROM = "channels.discord.dm.allowFrom";

/** Finds the list of a place. Group DMs have that of direct messages (P5). */
export function peopleListOf(
  place: Place,
  choice: ListChoice,
  policy: AccessPolicy,
): PeopleList | NoList {
  const { dm, guilds, ruleOf } = policy;
  if (choice === "owners") {
    const { owners } = policy.commands;
    return owners
      ? { kind: "list", rule: OWNERS, entries: owners.map(toListed), isOfDms: true }
      : { kind: "application", rule: OWNERS };
  }
  if (choice === "dm" || (choice === "here" && place.kind !== "guild")) {
    const rule = ruleOf(ALLOW_FROM);
    // The first key of `channels.discord` would switch guilds to the policy `allowlist` (P6).
    if (policy.hasNoSection) return { kind: "no_guilds", rule };
    return {
      kind: "list",
      rule,
      entries: dm.allowFrom.map(toListed),
      isOfDms: true,
      hasPairings: (dm.policy === "pairing") || undefined,
    };
  }
  if (place.kind !== "guild") return { kind: "no_guild" };
  if (!guilds) {
    return { kind: "no_guilds", rule: ruleOf(pathTo(pathTo(GUILDS, place.guild.id), "users")) };
  }
  const rules = rulesFor(place, policy);
  if (rules.kind === "closed") return { kind: "closed", rule: ruleOf(rules.rule) };
  const { users, guildUsers, guildPath } = rules;
  const everyone = { kind: "everyone", rule: ruleOf(pathTo(guildPath, "users")) } as const;
  const list = choice === "server" ? guildUsers : users;
  if (!list) return everyone;
  return { kind: "list", rule: ruleOf(list.rule), entries: list.value.map(toListed) };
}

function toListed(entry: AllowEntry): ListedEntry {
  if (entry.kind !== "user") return { text: entryText(entry) };
  return { text: entry.typed ?? entry.id, userId: entry.id };
}

export interface ListedPerson {
  readonly id: UserId;
  /** Absent if only the id is known; {@link Sender.tag} as well. */
  readonly username?: Sender["username"];
  /** As {@link Sender.tag}. */
  readonly tag?: Sender["tag"];
}

/**
 * Adds a person's id, unless an entry already means that person alone.
 *
 * @param written The entries of the config file.
 * @param known The same list with resolved names.
 * @returns `undefined` if they need no change; {@link withoutPerson} as well.
 */
export function withPerson(
  written: readonly string[],
  person: ListedPerson,
  known: readonly ListedEntry[],
): readonly string[] | undefined {
  return written.some((text) => isEntryOf(text, person, known))
    ? undefined
    : [...written, person.id];
}

/** Removes all entries that mean a person alone. Roles and `"*"` stay. */
export function withoutPerson(
  written: readonly string[],
  person: ListedPerson,
  known: readonly ListedEntry[],
): readonly string[] | undefined {
  const kept = written.filter((text) => !isEntryOf(text, person, known));
  return kept.length === written.length ? undefined : kept;
}

export function admitsEveryone(written: readonly string[]): boolean {
  return written.some((text) => parseAllowEntry(text).kind === "anyone");
}

/** A name that was resolved means that id, even if another person has the name now (P4). */
function isEntryOf(text: string, person: ListedPerson, known: readonly ListedEntry[]): boolean {
  const entry = parseAllowEntry(text);
  if (entry.kind === "user") return entry.id === person.id;
  if (entry.kind !== "name") return false;
  const resolved: UserId | undefined = known.find((one) => one.text === entry.name)?.userId;
  if (resolved !== undefined) return resolved === person.id;
  const { username, tag } = person;
  if (username === undefined) return false;
  const sender = { id: person.id, username, roles: [], tag };
  return prepareAllowlist([entry])(sender) !== undefined;
}

/** An entry that matches by a name, which another object may take. */
export interface UnresolvedName {
  readonly kind: "user" | "guild" | "channel" | "role";
  readonly typed: string;
  readonly rule: string;
  /** Key of the guild entry that contains it; absent outside guilds. */
  readonly guild?: string;
}

type Guilds = NonNullable<AccessPolicy["guilds"]>;
/** The policy with ids in place of names, as far as they are resolved. */
export function withNames(policy: AccessPolicy, names: readonly ResolvedName[]): AccessPolicy {
  if (names.length === 0) return policy;
  const pins = pinsOf(names);
  const { dm, commands, guilds } = policy;
  const { owners } = commands;
  return {
    ...policy,
    dm: { ...dm, allowFrom: pinnedList(dm.allowFrom, pins) },
    commands: { ...commands, ...(owners && { owners: pinnedList(owners, pins) }) },
    ...(guilds && { guilds: mapEntries(guilds, (guild, key) => pinnedGuild(guild, key, pins)) }),
  };
}

interface ResolvedIds {
  readonly users: ReadonlyMap<string, UserId>;
  readonly guilds: ReadonlyMap<string, GuildId>;
  readonly channels: ReadonlyMap<string, ReadonlyMap<GuildId, ChannelId>>;
}

function pinsOf(names: readonly ResolvedName[]): ResolvedIds {
  const users = new Map<string, UserId>();
  const guilds = new Map<string, GuildId>();
  const channels = new Map<string, Map<GuildId, ChannelId>>();
  for (const name of names) {
    const typed = name.typed.trim();
    switch (name.kind) {
      case "user":
        users.set(typed, name.id);
        break;
      case "guild":
        guilds.set(name.typed, name.id);
        break;
      case "channel": {
        const inGuilds = channels.get(name.typed) ?? new Map<GuildId, ChannelId>();
        channels.set(name.typed, inGuilds.set(name.guildId, name.id));
        break;
      }
    }
  }
  return { users, guilds, channels };
}

function pinnedList(entries: readonly AllowEntry[], pins: ResolvedIds): readonly AllowEntry[] {
  return entries.map((entry) => pinnedEntry(entry, pins));
}

function pinnedEntry(entry: AllowEntry, { users }: ResolvedIds): AllowEntry {
  const id = entry.kind === "name" ? users.get(entry.name) : undefined;
  return id === undefined || entry.kind !== "name"
    ? entry
    : { kind: "user", id, typed: entry.name };
}

type PeopleRules = Pick<GuildRules, "users" | "toolsBySender">;

function pinnedPeople(
  { users, toolsBySender }: PeopleRules,
  pins: ResolvedIds,
): PeopleRules {
  return {
    users: users && pinnedList(users, pins),
    toolsBySender: toolsBySender?.map((one) => ({ ...one, who: pinnedEntry(one.who, pins) })),
  };
}

function pinnedGuild(guild: GuildRules, key: string, pins: ResolvedIds): GuildRules {
  const pinned = isNameKey(key) ? pins.guilds.get(key) : undefined;
  const { channels } = guild;
  return {
    ...guild,
    ...(pinned && { pinned }),
    ...pinnedPeople(guild, pins),
    channels: channels &&
      mapEntries(channels, (channel, name) => pinnedChannel(channel, name, pins)),
  };
}

/** A channel of another guild does no harm here: no message in this guild comes from it. */
function pinnedChannel(channel: ChannelRules, key: string, pins: ResolvedIds): ChannelRules {
  const pinned = isNameKey(key) ? pins.channels.get(key) : undefined;
  return { ...channel, ...(pinned && { pinned }), ...pinnedPeople(channel, pins) };
}

/** All entries that still match by name, in the order of the config. */
export function unresolvedNames(policy: AccessPolicy): readonly UnresolvedName[] {
  const { dm, commands, guilds = {}, ruleOf } = policy;
  const found = [
    ...unresolvedIn(dm.allowFrom, "channels.discord.dm.allowFrom"),
    ...Object.entries(guilds).flatMap(([key, guild]) => unresolvedInGuild(guild, key)),
    ...unresolvedIn(commands.owners, "commands.ownerAllowFrom"),
  ];
  return found.map((name) => ({ ...name, rule: ruleOf(name.rule) }));
}

function unresolvedInGuild(guild: GuildRules, key: string): readonly UnresolvedName[] {
  const path = pathTo("channels.discord.guilds", key);
  // A key that is an id is one guild; one of other digits is a name, as any word is.
  const only = guild.pinned ?? (isNameKey(key) ? undefined : parseSnowflake<"guild">(key));
  const own: readonly UnresolvedName[] = isNameKey(key) && !guild.pinned
    ? [{ kind: "guild", typed: key, rule: path }]
    : [];
  const channels = Object.entries(guild.channels ?? {}).flatMap(([typed, channel]) => {
    const rule = pathTo(pathTo(path, "channels"), typed);
    const isPinned = only !== undefined && channel.pinned?.has(only) === true;
    const name: readonly UnresolvedName[] = isNameKey(typed) && !isPinned
      ? [{ kind: "channel", typed, rule, guild: key }]
      : [];
    return [...name, ...unresolvedPeople(channel, rule, key)];
  });
  return [...own, ...unresolvedPeople(guild, path, key), ...channels];
}

/** @param guild Key of the guild entry. */
function unresolvedPeople(
  { users, toolsBySender = [] }: PeopleRules,
  path: string,
  guild: string,
): readonly UnresolvedName[] {
  const withTools = toolsBySender.flatMap(({ key, who }: SenderTools) =>
    unresolvedAt(who, pathTo(pathTo(path, "toolsBySender"), key), guild)
  );
  return [...unresolvedIn(users, pathTo(path, "users"), guild), ...withTools];
}

function unresolvedIn(
  entries: readonly AllowEntry[] | undefined,
  path: string,
  guild?: string,
): readonly UnresolvedName[] {
  return (entries ?? []).flatMap((entry, at) => unresolvedAt(entry, pathTo(path, at), guild));
}

function unresolvedAt(
  entry: AllowEntry,
  rule: string,
  guild: string | undefined,
): readonly UnresolvedName[] {
  const within = guild !== undefined && { guild };
  switch (entry.kind) {
    case "name":
      return [{ kind: "user", typed: entry.name, rule, ...within }];
    case "role_name":
      return [{ kind: "role", typed: entry.name, rule, ...within }];
    default:
      return [];
  }
}

/** The result has no prototype: a channel called `constructor` must find no rule. */
function mapEntries<Rules extends Guilds[string] | NonNullable<GuildRules["channels"]>[string]>(
  record: Readonly<Record<string, Rules>>,
  convert: (rules: Rules, key: string) => Rules,
): Readonly<Record<string, Rules>> {
  const result: Record<string, Rules> = Object.create(null);
  for (const [key, rules] of Object.entries(record)) result[key] = convert(rules, key);
  return result;
}

/** Entries of the config by their key, as the operator wrote it. */
export type Entries<Rules> = Readonly<Record<string, Rules>>;

/** Reads the id that an entry was resolved to (P12): its name then gives no other object access. */
export type PinOf<Rules> = (rules: Rules) => string | undefined;

/** Reads the pin of an entry of `guilds`. */
export const guildPin = ({ pinned }: { readonly pinned?: GuildId }): GuildId | undefined => pinned;

/** An entry of `channels` is resolved to one channel in each guild that its guild entry is for. */
export function channelPin(
  guildId: GuildId,
): PinOf<{ readonly pinned?: ReadonlyMap<GuildId, ChannelId> }> {
  return ({ pinned }) => pinned?.get(guildId);
}

/**
 * Finds the key of an object with a known name: by its id, by the id that a name was resolved to, by its
 * name in each form of P15, and then `"*"` (P7, P12).
 *
 * @param isShared Whether two objects have the name, so that only an id counts.
 * @returns `undefined` if no entry applies, or if the name means another object.
 */
export function findKey<Rules>(
  entries: Entries<Rules>,
  { id, name }: Named<string>,
  pinOf: PinOf<Rules>,
  isShared = false,
): string | undefined {
  const own = keyOfId(entries, id, pinOf);
  if (own !== undefined) return own;
  let isTaken = false;
  for (const form of FORMS) {
    const key = form(name);
    const rules = isNameKey(key) ? entryAt(entries, key) : undefined;
    if (rules === undefined) continue;
    if (!isShared && pinOf(rules) === undefined) return key;
    isTaken = true;
  }
  return isTaken ? undefined : wildcardKey(entries);
}

/**
 * Finds the key of an object by its id alone. `"*"` applies only if no other entry could.
 *
 * @param couldBe Whether an entry may be for this object by its key.
 * @returns `undefined` if no entry applies for sure.
 */
function findKeyById<Rules>(
  entries: Entries<Rules>,
  id: string,
  pinOf: PinOf<Rules>,
  couldBe: (key: string) => boolean,
): string | undefined {
  const own = keyOfId(entries, id, pinOf);
  if (own !== undefined) return own;
  const isSure = Object.keys(entries).every((key) => key === "*" || !couldBe(key));
  return isSure ? wildcardKey(entries) : undefined;
}

function keyOfId<Rules>(
  entries: Entries<Rules>,
  id: string,
  pinOf: PinOf<Rules>,
): string | undefined {
  if (Object.hasOwn(entries, id)) return id;
  for (const key in entries) if (pinOf(entries[key] as Rules) === id) return key;
  return undefined;
}

function wildcardKey<Rules>(entries: Entries<Rules>): "*" | undefined {
  return Object.hasOwn(entries, "*") ? "*" : undefined;
}

/**
 * Accepted spellings of a name: its slug, the simpler slug of OpenClaw's page, the name itself, or
 * the name after `#`.
 */
const FORMS: readonly ((name: string) => string)[] = [
  slug,
  (name) => name.trim().toLowerCase().replace(/\s+/g, "-"),
  (name) => name,
  (name) => `#${name}`,
];

/** The accepted spellings of a name, the most usual first. */
export function formsOf(name: string): readonly string[] {
  return FORMS.map((form) => form(name));
}

/** A written name as its slug, which all its spellings share; an id and `"*"` as they are. */
export function slugOfKey(key: string): string {
  return isNameKey(key) ? slug(key) || key.replace(/^#/, "") : key;
}

export function isFormOf(key: string, name: string): boolean {
  return isNameKey(key) && FORMS.some((form) => form(name) === key);
}

/**
 * Whether a key is a name, and not `"*"`, empty, or like an id.
 *
 * Any person may name a guild freely. If a name that looks like an id matched as a name, another
 * person's guild could take the place of the intended one.
 */
export function isNameKey(key: string): boolean {
  return key !== "" && key !== "*" && !/^\d{17,20}$/.test(key);
}

/** Reads an entry by its own key only: a channel may be called `constructor`. */
function entryAt<Rules>(entries: Entries<Rules>, key: string): Rules | undefined {
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}

/** Name of a check: one word, the same for the same question. */
export type AccessCheckId =
  | "own"
  | "dm"
  | "dm-policy"
  | "group"
  | "group-list"
  | "guilds"
  | "guild"
  | "owner"
  | "channel"
  | "enabled"
  | "pluralkit"
  | "bots"
  | "loop"
  | "sender"
  | "content"
  | "command"
  /** Whether answers are switched on there (K2). */
  | "send"
  | "rights"
  | "mention"
  /** Which trigger of a passive agent matched (N1). */
  | "trigger"
  /** Whether it is an event of a hook (W3). */
  | "hook"
  /** The steps of the intent filter (I1). */
  | "others"
  | "score"
  | "reply"
  | "intent"
  | "reactions"
  | "original"
  | RouteStepId;

/** Name of a step of the choice of an agent (N2). */
export type RouteStepId = "named" | "thread" | "assigned" | "bound" | "first" | "account";

/**
 * Reports one check.
 *
 * @param rule Config path of the rule that is checked.
 * @param fact Writes the observed fact; called only if checks are reported.
 * @returns `passed`.
 */
export type RecordCheck = (
  id: AccessCheckId,
  passed: boolean,
  rule: string,
  fact: () => string,
) => boolean;

export const recordNothing: RecordCheck = (_id: AccessCheckId, passed: boolean): boolean => passed;

/**
 * Adds each check to a list.
 *
 * @param ruleOf Finds the config path that sets a rule, as `AccessPolicy.ruleOf` does.
 */
export function createRecorder(
  checks: VerdictCheck[],
  ruleOf: (path: string) => string,
): RecordCheck {
  return (id, passed, rule, fact) => {
    checks.push({ id, passed, fact: fact(), rule: ruleOf(rule) });
    return passed;
  };
}

/** A sender within a fact. The name is in quotes, because any person may choose any name. */
export function senderText({ id, username, pluralkit }: Sender): string {
  if (pluralkit) return `${quoted(pluralkit.name)} (pk:${pluralkit.memberId}, by ${id})`;
  return `${quoted(username)} (${id})`;
}

/** A guild within a fact: its name in quotes and its id, or the id alone if the name is unknown. */
function guildName({ guild, isUnknown }: GuildPlace): string {
  return isUnknown ? `the guild ${guild.id}` : `${quoted(guild.name)} (${guild.id})`;
}

/** A channel within a fact. A thread appears with its parent, whose rules it has. */
function channelName({ channel, thread, isUnknown }: GuildPlace): string {
  const name = isUnknown
    ? `the channel ${channel.id}`
    : `${quoted(`#${channel.name}`)} (${channel.id})`;
  return thread ? `the thread ${thread.id} of ${name}` : name;
}
