/**
 * Finds the rules of one place of a guild, from the entries of the config that apply to it.
 *
 * @module
 */

import { pathTo } from "../core/config_path.ts";
import type { GuildPlace } from "../core/inbound/inbound.ts";
import type { AllowEntry } from "./allowlist.ts";
import { type Ask, channelName, guildName, recordNothing } from "./checks.ts";
import { at, channelPins, find, findById, GUILD_PINS, isNameKey } from "./entries.ts";
import { firstOf, type Layer, type Ruled, ruled } from "./layers.ts";
import type { AccessPolicy, ChannelRules, GuildRules } from "./rules.ts";

/** The rules of a place in which the bot may answer. */
export interface OpenPlace {
  /** Tells this place from a {@link ClosedPlace}. */
  readonly kind: "open";
  /** Config path of the entry that opens it: the channel's, the guild's, or the policy's. */
  readonly rule: string;
  /** Whether a message must address the bot. */
  readonly requireMention: Ruled<boolean>;
  /** Who may talk to the bot here. Absent: all members. */
  readonly users?: Ruled<readonly AllowEntry[]>;
  /** Whether the config asks for an intent filter, which this version does not implement. */
  readonly intentFilter: Ruled<boolean>;
  /** Which reactions count, as in {@link GuildRules}. */
  readonly reactionNotifications: Ruled<GuildRules["reactionNotifications"]>;
  /**
   * The guild's own `users`, even if the channel has another list; reactions may depend on it (H5).
   * Absent if the guild has none.
   */
  readonly guildUsers?: Ruled<readonly AllowEntry[]>;
  /** Operator's text for this channel (H4); absent if not set. */
  readonly systemPrompt?: string;
  /** Operator's short name for the guild (S2); absent if not set. */
  readonly guildSlug?: string;
}

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
 * For an unknown place, an entry applies only if it would apply under any name. If Barnacle cannot
 * tell that, it answers no message there.
 *
 * @param ask Gets each check on the way; silent by default.
 */
export function rulesFor(
  place: GuildPlace,
  policy: AccessPolicy,
  ask: Ask = recordNothing,
): OpenPlace | ClosedPlace {
  const { groupPolicy, groupPolicyRule, guilds } = policy;
  const areGuildsOn = groupPolicy !== "disabled";
  if (!ask("guilds", areGuildsOn, groupPolicyRule, () => `groupPolicy is "${groupPolicy}"`)) {
    return closed("guilds-disabled", groupPolicyRule);
  }
  if (!guilds) {
    const isOpen = groupPolicy === "open";
    const fact = () => `no guilds are listed, and groupPolicy is "${groupPolicy}"`;
    if (!ask("guild", isOpen, groupPolicyRule, fact)) {
      return closed("guild-not-listed", groupPolicyRule);
    }
    const unlisted = {
      rules: { reactionNotifications: "own" },
      path: pathTo(GUILDS, "*"),
    } as const;
    return { ...joined([], unlisted), rule: groupPolicyRule };
  }

  const key = guildKey(place, guilds);
  const guild = key === undefined ? undefined : entryOf(guilds, key);
  const fact = () => `${guildName(place)} is ${guild ? "listed" : "not listed"}`;
  ask("guild", guild !== undefined, guild?.path ?? GUILDS, fact);
  return guild ? withinGuild(place, guild, ask) : closed("guild-not-listed", GUILDS);
}

/** Config path of the guild entries. */
const GUILDS = "channels.discord.guilds";

function withinGuild(
  place: GuildPlace,
  { rules: { channels }, path, channelsPath, open, places }: GuildEntry,
  ask: Ask,
): OpenPlace | ClosedPlace {
  if (!channels) {
    const fact = () => `${channelName(place)} is allowed, because no channels are listed`;
    ask("channel", true, path, fact);
    return open;
  }
  const key = channelKey(place, channels);
  const channel = key === undefined ? undefined : at(channels, key);
  const found = key === undefined ? undefined : places(key);
  const fact = () => `${channelName(place)} is ${found ? "listed" : "not listed"}`;
  ask("channel", found !== undefined, found?.rule ?? channelsPath, fact);
  if (!channel || !found) return closed("channel-not-listed", channelsPath);
  for (const switchKey of ["allow", "enabled"] as const) {
    const value = channel[switchKey];
    if (value === undefined) continue;
    const rule = pathTo(found.rule, switchKey);
    if (!ask("enabled", value, rule, () => `${switchKey} is ${value}`)) {
      return closed("channel-disabled", rule);
    }
  }
  return found;
}

function guildKey(
  { guild, isUnknown }: GuildPlace,
  guilds: Readonly<Record<string, GuildRules>>,
): string | undefined {
  if (!isUnknown) return find(guilds, guild, GUILD_PINS);
  const couldBe = (key: string, rules: GuildRules) => isNameKey(key) && !GUILD_PINS.isPinned(rules);
  return findById(guilds, guild.id, GUILD_PINS, couldBe);
}

function channelKey(
  { guild, channel, thread, isUnknown }: GuildPlace,
  channels: Readonly<Record<string, ChannelRules>>,
): string | undefined {
  if (thread && Object.hasOwn(channels, thread.id)) return thread.id;
  const pins = channelPins(guild.id);
  if (!isUnknown) return find(channels, channel, pins);
  // Without `thread` it may be one, and any id the parent's.
  const couldBe = (key: string, rules: ChannelRules) =>
    !thread || (isNameKey(key) && !pins.isPinned(rules));
  return findById(channels, channel.id, pins, couldBe);
}

/** An entry of `guilds` with its combined rules for each place, which are computed once. */
interface GuildEntry {
  readonly rules: GuildRules;
  readonly path: string;
  readonly channelsPath: string;
  /** The rules of each channel if the entry lists none. */
  readonly open: OpenPlace;
  /** The rules of a channel, by the key of its entry. */
  readonly places: (key: string) => OpenPlace | undefined;
}

/** Computed entries by a policy's guilds, which never change. */
const ENTRIES = new WeakMap<object, Map<string, GuildEntry>>();

function entryOf(
  guilds: Readonly<Record<string, GuildRules>>,
  key: string,
): GuildEntry | undefined {
  const entries = ENTRIES.get(guilds) ?? new Map<string, GuildEntry>();
  const known = entries.get(key);
  if (known) return known;
  const rules = at(guilds, key);
  if (!rules) return undefined;
  const entry = toEntry(rules, pathTo(GUILDS, key));
  ENTRIES.set(guilds, entries.set(key, entry));
  return entry;
}

function toEntry(rules: GuildRules, path: string): GuildEntry {
  const { channels = {} } = rules;
  const channelsPath = pathTo(path, "channels");
  const guild = { rules, path };
  const places = new Map<string, OpenPlace>();
  const layer = (key: string): readonly Layer<ChannelRules>[] => {
    const rules = at(channels, key);
    return rules ? [{ rules, path: pathTo(channelsPath, key) }] : [];
  };
  return {
    ...guild,
    channelsPath,
    open: joined([], guild),
    places(key) {
      const known = places.get(key);
      if (known) return known;
      const own = layer(key);
      if (own.length === 0) return undefined;
      const place = joined([...own, ...layer("*")], guild);
      places.set(key, place);
      return place;
    },
  };
}

/** Combines the entries of a channel, the most specific first, and the guild's after them. */
function joined(own: readonly Layer<ChannelRules>[], guild: Layer<GuildRules>): OpenPlace {
  const { slug: guildSlug, users: guildUsers, reactionNotifications } = guild.rules;
  const { path } = guild;
  const layers: readonly Layer<Omit<ChannelRules, "pinned">>[] = [...own, guild];
  const users = firstOf(layers, "users");
  const systemPrompt = firstOf(layers, "systemPrompt")?.value;
  return {
    kind: "open",
    rule: (own[0] ?? guild).path,
    requireMention: firstOf(layers, "requireMention") ?? ruled(true, path, "requireMention"),
    ...(users && { users }),
    intentFilter: firstOf(layers, "intentFilter") ?? ruled(false, path, "intentFilter"),
    reactionNotifications: ruled(reactionNotifications, path, "reactionNotifications"),
    ...(guildUsers && { guildUsers: ruled(guildUsers, path, "users") }),
    ...(systemPrompt !== undefined && { systemPrompt }),
    ...(guildSlug !== undefined && { guildSlug }),
  };
}

function closed(why: ClosedPlace["why"], rule: string): ClosedPlace {
  return { kind: "closed", why, rule };
}
