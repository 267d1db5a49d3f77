/**
 * Finds the rules of one place of a guild, from the entries of the config that apply to it.
 *
 * @module
 */

import { pathTo } from "../../core/config_file.ts";
import type { GuildPlace } from "../../core/inbound/inbound.ts";
import { channelName, guildName, type RecordCheck, recordNothing } from "./checks.ts";
import { channelPins, entryAt, findKeys, findKeysById, GUILD_PINS, isNameKey } from "./entries.ts";
import { combineLayers, entryOf, type GuildEntry, GUILDS, type OpenPlace } from "./place_entry.ts";
import type { AccessPolicy, ChannelRules, GuildRules, ReactionMode } from "./rules.ts";

/** A place in which the bot answers no message. */
export interface ClosedPlace {
  /** Tells this place from an {@link OpenPlace}. */
  readonly kind: "closed";
  /** Reason, as verdicts have it. */
  readonly why: "guilds-disabled" | "guild-not-listed" | "channel-not-listed" | "channel-disabled";
  /** Config path of the rule that closes it. */
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
 * If the place has the written name of another entry, that entry can only make it stricter (P12).
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
    return { ...combineLayers([], unlisted), rule: groupPolicyRule };
  }

  let found: OpenPlace | undefined;
  for (const key of guildKeys(place, guilds)) {
    const guild = entryOf(guilds, key);
    if (!guild) continue;
    const isSecond = found !== undefined;
    ask("guild", true, guild.path, () => `${guildName(place)} ${isSecond ? NAMED : "is listed"}`);
    const rules = withinGuild(place, guild, ask);
    if (rules.kind === "closed") return rules;
    found = found ? strictest(found, rules) : rules;
  }
  if (found) return found;
  const problem = place.hasNamesake
    ? "is not listed by its id, and another guild shares its name"
    : "is not listed";
  ask("guild", false, GUILDS, () => `${guildName(place)} ${problem}`);
  return closedPlace("guild-not-listed", GUILDS);
}

/** The end of a fact about an entry that only makes a place stricter. */
const NAMED = "has the name of another entry, whose limits apply too";

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
  let found: OpenPlace | undefined;
  for (const key of channelKeys(place, channels)) {
    const channel = entryAt(channels, key);
    const rules = places(key);
    if (!channel || !rules) continue;
    const isSecond = found !== undefined;
    const fact = () => `${channelName(place)} ${isSecond ? NAMED : "is listed"}`;
    ask("channel", true, rules.rule, fact);
    const denial = deniedBy(channel, rules.rule, ask);
    if (denial) return denial;
    found = found ? strictest(found, rules) : rules;
  }
  if (found) return found;
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

function guildKeys(
  { guild, isUnknown, hasNamesake }: GuildPlace,
  guilds: Readonly<Record<string, GuildRules>>,
): readonly string[] {
  if (!isUnknown) return findKeys(guilds, guild, hasNamesake ? SHARED_NAME : GUILD_PINS);
  const couldBe = (key: string, rules: GuildRules) => isNameKey(key) && !GUILD_PINS.isPinned(rules);
  return findKeysById(guilds, guild.id, GUILD_PINS, couldBe, couldNarrow);
}

function channelKeys(
  { guild, channel, thread, isUnknown }: GuildPlace,
  channels: Readonly<Record<string, ChannelRules>>,
): readonly string[] {
  if (thread && Object.hasOwn(channels, thread.id)) return [thread.id];
  const pins = channelPins(guild.id);
  if (!isUnknown) return findKeys(channels, channel, pins);
  // Without `thread` it may be one, and any id the parent's.
  const couldBe = (key: string, rules: ChannelRules) =>
    !thread || (isNameKey(key) && !pins.isPinned(rules));
  return findKeysById(channels, channel.id, pins, couldBe, couldNarrow);
}

/** The keys by which entries differ, without the ids that they were resolved to. */
type Limits = Partial<Omit<GuildRules & ChannelRules, "pinned">>;

/** Whether an entry may be stricter than the applied one. Absent keys may be inherited. */
function couldNarrow(rules: Limits, applied: Limits): boolean {
  const isClosed = rules.allow === false || rules.enabled === false;
  return isClosed || rules.users !== applied.users || rules.channels !== applied.channels ||
    rules.tools !== applied.tools || rules.toolsBySender !== applied.toolsBySender ||
    rules.reactionNotifications !== applied.reactionNotifications ||
    (["requireMention", "intentFilter"] as const).some((key) =>
      rules[key] !== false && rules[key] !== applied[key]
    );
}

/** The rules of a place to which two entries apply: each limit of either one holds. */
function strictest(place: OpenPlace, other: OpenPlace): OpenPlace {
  const { requireMention, intentFilter, users } = place;
  const reactions = REACTIONS.indexOf(other.reactionNotifications.value) <
      REACTIONS.indexOf(place.reactionNotifications.value)
    ? other
    : place;
  const { reactionNotifications, guildUsers } = reactions;
  const { guildUsers: _, ...rest } = place;
  return {
    ...rest,
    requireMention: requireMention.value ? requireMention : other.requireMention,
    intentFilter: intentFilter.value ? intentFilter : other.intentFilter,
    users: [
      ...users,
      ...other.users.filter(({ rule }) => users.every((list) => list.rule !== rule)),
    ],
    reactionNotifications,
    tools: [...place.tools, ...other.tools],
    guildUsers,
  };
}

/** From the strictest to the widest. */
const REACTIONS: readonly ReactionMode[] = ["off", "allowlist", "own", "all"];

function closedPlace(why: ClosedPlace["why"], rule: string): ClosedPlace {
  return { kind: "closed", why, rule };
}
