/**
 * Finds the rules of one place of a guild, from the entries of the config that apply to it.
 *
 * The entries are combined once for each entry and policy.
 */

import { pathTo } from "../../core/config_file.ts";
import type { GuildPlace } from "../../core/inbound/inbound.ts";
import { NO_THREADS, type ThreadRules } from "../../core/outbound/outbound.ts";
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
import {
  type AccessPolicy,
  accountLevel,
  type ChannelRules,
  combineIntent,
  type GuildRules,
  type IntentKeys,
  type IntentRules,
  type PlaceToolRules,
  type SenderTools,
  type ToolLists,
} from "./rules.ts";
import type { AllowEntry } from "./allowlist.ts";

/** A place in which the bot answers no message. */
interface ClosedPlace {
  readonly kind: "closed";
  /** Reason, as verdicts have it. */
  readonly why: "guilds-disabled" | "guild-not-listed" | "channel-not-listed" | "channel-disabled";
  /** Config path of the rule that closes it. */
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

/** The rules of a place in which the bot may answer. */
export interface OpenPlace {
  readonly kind: "open";
  /** Config path of the entry that opens it: the channel's, the guild's, or the policy's. */
  readonly rule: string;
  /** Whether a message must address the bot. */
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
  /** Config path of the guild's entry. */
  readonly guildPath: string;
  /** The keys about tools, the most specific first. */
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
