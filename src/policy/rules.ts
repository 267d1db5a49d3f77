/**
 * What the config says of who may talk to the bot, as policy reads it.
 *
 * `config/` parses it once; here are only the types and the question which
 * entries apply to one place.
 *
 * @module
 */

import type { CommandKind } from "../core/inbound/commands.ts";
import { pathTo } from "../core/config_path.ts";
import type { ChannelId, GuildId, UserId } from "../core/discord/ids.ts";
import type { GuildPlace } from "../core/inbound/inbound.ts";
import type { AllowEntry } from "./allowlist.ts";
import { at, channelPins, find, findById, GUILD_PINS, isNameKey } from "./entries.ts";
import { type Ask, channelName, guildName, silently } from "./checks.ts";
import { firstOf, type Layer, type Ruled, ruled } from "./layers.ts";

export type { CommandKind, CommandNeeds } from "../core/inbound/commands.ts";

/** `channels.discord` of one account, as far as it decides who is answered. */
export interface AccessPolicy {
  readonly dm: DmRules;
  readonly groupPolicy: "allowlist" | "open" | "disabled";
  /** Config path that set `groupPolicy`, or that would have. */
  readonly groupPolicyRule: string;
  /** By key as written: id, slug, name or `"*"`; absent where `guilds` is. */
  readonly guilds?: Readonly<Record<string, GuildRules>>;
  readonly allowBots: boolean;
  readonly loopGuard: LoopGuardRules;
  /** Whether PluralKit is asked about webhooks' messages (P13). */
  readonly asksPluralkit: boolean;
  readonly commands: CommandRules;
  /** `execApprovals.approvers`. */
  readonly approvers: readonly UserId[];
  /** Whether a text addresses the bot by a pattern (M2). */
  readonly matchesPattern: (text: string) => boolean;
  /**
   * Where a rule is written: an account's own key, or the one above it that it inherits (C6).
   *
   * @param path As of `channels.discord`: `"channels.discord.dm.policy"`.
   * @returns The same, or `"channels.discord.accounts.work.dm.policy"`.
   */
  readonly ruleOf: (path: string) => string;
}

export interface DmRules {
  readonly enabled: boolean;
  readonly policy: "pairing" | "allowlist" | "open" | "disabled";
  readonly allowFrom: readonly AllowEntry[];
  readonly groupEnabled: boolean;
  /** Absent: every group DM; empty: none (P5). */
  readonly groupChannels?: readonly GroupEntry[];
}

/** An entry of `dm.groupChannels`. */
export type GroupEntry =
  | { readonly kind: "any" }
  | { readonly kind: "channel"; readonly id: ChannelId }
  /** A slug or an exact name. */
  | { readonly kind: "name"; readonly name: string };

/** What ends a conversation between bots (P11). */
export interface LoopGuardRules {
  readonly maxTurns: number;
  readonly muteMs: number;
}

/** Who may give commands (K3, P10). */
export interface CommandRules {
  /** `false`: the allowlists do not hold for commands. */
  readonly usesAccessGroups: boolean;
  /** `commands.ownerAllowFrom`; absent: whom Discord names as the application's owners. */
  readonly owners?: readonly AllowEntry[];
  /** Commands that exist as text messages, by name without `/`; none where they are off (M4). */
  readonly texts: ReadonlyMap<string, CommandKind>;
}

export interface GuildRules {
  /** What the key was found to be (P12): then it is that guild, whatever the key says. */
  readonly pinned?: GuildId;
  readonly slug?: string;
  readonly requireMention?: boolean;
  readonly users?: readonly AllowEntry[];
  /** Absent: every channel; `{}`: none (P8). */
  readonly channels?: Readonly<Record<string, ChannelRules>>;
  readonly reactionNotifications: "off" | "own" | "all" | "allowlist";
  /** Whether `intentFilter.enabled` is written here. */
  readonly intentFilter?: boolean;
}

export interface ChannelRules {
  /** What the key was found to be, by the id of the guild: an entry of `"*"` may be several. */
  readonly pinned?: ReadonlyMap<GuildId, ChannelId>;
  readonly allow?: boolean;
  readonly enabled?: boolean;
  readonly requireMention?: boolean;
  readonly users?: readonly AllowEntry[];
  readonly systemPrompt?: string;
  readonly intentFilter?: boolean;
}

/** The rules of a place where somebody may be answered. */
export interface OpenPlace {
  readonly kind: "open";
  /** What opens it: the path of the channel's entry, of the guild's, or of the policy. */
  readonly rule: string;
  readonly requireMention: Ruled<boolean>;
  /** Absent: everybody. */
  readonly users?: Ruled<readonly AllowEntry[]>;
  readonly intentFilter: Ruled<boolean>;
  readonly reactionNotifications: Ruled<GuildRules["reactionNotifications"]>;
  /** The guild's own list, whatever the channel's is; reactions may go by it (H5). */
  readonly guildUsers?: Ruled<readonly AllowEntry[]>;
  /** The operator's words for this channel (H4). */
  readonly systemPrompt?: string;
  /** What the guild is called for people, where the operator says so (S2). */
  readonly guildSlug?: string;
}

/** A place where nobody is answered, whoever speaks. */
export interface ClosedPlace {
  readonly kind: "closed";
  readonly why: "guilds-disabled" | "guild-not-listed" | "channel-not-listed" | "channel-disabled";
  readonly rule: string;
}

/**
 * Finds the entries that apply to a place of a guild, and joins them (P6–P9).
 *
 * One guild entry applies, by id, slug, exact name or `"*"`. Within it the
 * channel's entry is found the same way, and `"*"` fills in what it leaves
 * unsaid; then the guild does. A thread is its parent, unless its own id is
 * listed. A list that is written holds under every policy.
 *
 * An unknown place has no rules but those that it would have whatever its names
 * are; where that cannot be told, nobody is answered.
 */
export function rulesFor(
  place: GuildPlace,
  policy: AccessPolicy,
  ask: Ask = silently,
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

/** Where the policy's guilds are written. */
const GUILDS = "channels.discord.guilds";

function withinGuild(
  place: GuildPlace,
  { rules: { channels }, path, channelsPath, open, places }: GuildEntry,
  ask: Ask,
): OpenPlace | ClosedPlace {
  if (!channels) {
    const fact = () => `${channelName(place)} is one of all, for none are listed`;
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

/** An entry of `guilds` with what it comes to in each place, which is put together once. */
interface GuildEntry {
  readonly rules: GuildRules;
  readonly path: string;
  readonly channelsPath: string;
  /** Where no channels are listed. */
  readonly open: OpenPlace;
  /** By the key of a channel's entry. */
  readonly places: (key: string) => OpenPlace | undefined;
}

/** Of the guilds that a policy has; they never change. */
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

/** What the entries of a channel say, the most particular first, and after them the guild's. */
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
