/**
 * Combines the entries of the config that apply to a place of a guild. That happens once for each
 * entry and policy.
 *
 * @module
 */

import { pathTo } from "../../core/config_file.ts";
import { NO_THREADS, type ThreadRules } from "../../core/inbound/threads.ts";
import type { AllowEntry } from "./allowlist.ts";
import { entryAt } from "./entries.ts";
import type { ChannelRules, GuildRules, PlaceToolRules, SenderTools, ToolLists } from "./rules.ts";

/** Config path of the guild entries. */
export const GUILDS = "channels.discord.guilds";

/** The rules of a place in which the bot may answer. */
export interface OpenPlace {
  /** Tells this place from a {@link ClosedPlace}. */
  readonly kind: "open";
  /** Config path of the entry that opens it: the channel's, the guild's, or the policy's. */
  readonly rule: string;
  /** Whether a message must address the bot. */
  readonly requireMention: Ruled<boolean>;
  /** Lists of people; a sender must be on each of them. Empty: all members may talk. */
  readonly users: readonly Ruled<readonly AllowEntry[]>[];
  /** Whether the config asks for an intent filter, which this version does not implement. */
  readonly intentFilter: Ruled<boolean>;
  /** Which reactions count, as in {@link GuildRules}. */
  readonly reactionNotifications: Ruled<GuildRules["reactionNotifications"]>;
  /**
   * The guild's own `users`, even if the channel has another list; reactions may depend on it (H5).
   * Absent if the guild has none.
   */
  readonly guildUsers?: Ruled<readonly AllowEntry[]>;
  /** Config path of the guild's entry. */
  readonly guildPath: string;
  /**
   * The keys about tools, by entry that applies to the place. The first entry gives tools; each
   * further one only limits them.
   */
  readonly tools: readonly (readonly PlaceTools[])[];
  /** Threads for answers (S7). */
  readonly threads: Ruled<ThreadRules>;
  /** Operator's text for this channel (H4); absent if not set. */
  readonly systemPrompt?: string;
  /** Names of the skills that turns here may use; absent: all (T7). */
  readonly skills?: readonly string[];
  /** Operator's short name for the guild (S2); absent if not set. */
  readonly guildSlug?: string;
}

/** An entry of `guilds` with its combined rules for each place, which are computed once. */
export interface GuildEntry {
  /** The entry itself. */
  readonly rules: GuildRules;
  /** Its config path. */
  readonly path: string;
  /** Config path of its channels. */
  readonly channelsPath: string;
  /** The rules of each channel if the entry lists none. */
  readonly open: OpenPlace;
  /** The rules of a channel, by the key of its entry. */
  readonly places: (key: string) => OpenPlace | undefined;
}

/** Computed entries by a policy's guilds, which never change. */
const ENTRIES = new WeakMap<object, Map<string, GuildEntry>>();

/** The entry of a key, if there is one. */
export function entryOf(
  guilds: Readonly<Record<string, GuildRules>>,
  key: string,
): GuildEntry | undefined {
  const entries = ENTRIES.get(guilds) ?? new Map<string, GuildEntry>();
  const known = entries.get(key);
  if (known) return known;
  const rules = entryAt(guilds, key);
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
    const rules = entryAt(channels, key);
    return rules ? [{ rules, path: pathTo(channelsPath, key) }] : [];
  };
  return {
    ...guild,
    channelsPath,
    open: combineLayers([], guild),
    places(key) {
      const known = places.get(key);
      if (known) return known;
      const own = layer(key);
      if (own.length === 0) return undefined;
      const place = combineLayers([...own, ...layer("*")], guild);
      places.set(key, place);
      return place;
    },
  };
}

/** Combines the entries of a channel, the most specific first, and the guild's after them. */
export function combineLayers(
  own: readonly Layer<ChannelRules>[],
  guild: Layer<GuildRules>,
): OpenPlace {
  const { slug: guildSlug, users: guildUsers, reactionNotifications } = guild.rules;
  const { path } = guild;
  const layers: readonly Layer<Omit<ChannelRules, "pinned">>[] = [...own, guild];
  const users = firstOf(layers, "users");
  const systemPrompt = firstOf(layers, "systemPrompt")?.value;
  const skills = firstOf(layers, "skills")?.value;
  return {
    kind: "open",
    rule: (own[0] ?? guild).path,
    requireMention: firstOf(layers, "requireMention") ?? withRule(true, path, "requireMention"),
    users: users ? [users] : [],
    intentFilter: firstOf(layers, "intentFilter") ?? withRule(false, path, "intentFilter"),
    reactionNotifications: withRule(reactionNotifications, path, "reactionNotifications"),
    threads: firstOf(layers, "threads") ?? withRule(NO_THREADS, path, "threads"),
    guildPath: path,
    tools: [[...toolsOf(own), ...toolsOf([guild])]],
    guildUsers: guildUsers ? withRule(guildUsers, path, "users") : undefined,
    systemPrompt,
    skills,
    guildSlug,
  };
}

/** A value that applies in a place. */
export interface Ruled<Value> {
  /** The value itself. */
  readonly value: Value;
  /** Config path that sets it, or that would set it. */
  readonly rule: string;
}

/** One entry of the config, with its path. */
export interface Layer<Rules> {
  /** The entry's values. */
  readonly rules: Rules;
  /** Config path of the entry. */
  readonly path: string;
}

/**
 * The value of the first layer that sets a key.
 *
 * @returns `undefined` if no layer sets it.
 */
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
