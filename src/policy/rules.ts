/**
 * What the config says of who may talk to the bot, as policy reads it.
 *
 * `config/` parses it once; here are only the types and the question which
 * entries apply to one place.
 *
 * @module
 */

import { pathTo } from "../core/config_path.ts";
import type { GuildPlace, Named } from "../core/inbound.ts";
import { slug } from "../core/slug.ts";
import type { AllowEntry } from "./allowlist.ts";

/** `channels.discord`, as far as it decides who is answered. */
export interface AccessPolicy {
  readonly dm: DmRules;
  readonly groupPolicy: "allowlist" | "open" | "disabled";
  /** Config path that set `groupPolicy`, or that would have. */
  readonly groupPolicyRule: string;
  /** By key as written: id, slug, name or `"*"`; absent where `guilds` is. */
  readonly guilds?: Readonly<Record<string, GuildRules>>;
  readonly allowBots: boolean;
  /** Whether a text addresses the bot by a pattern (M2). */
  readonly matchesPattern: (text: string) => boolean;
}

export interface DmRules {
  readonly enabled: boolean;
  readonly policy: "pairing" | "allowlist" | "open" | "disabled";
  readonly allowFrom: readonly AllowEntry[];
  readonly groupEnabled: boolean;
}

export interface GuildRules {
  readonly slug?: string;
  readonly requireMention?: boolean;
  readonly users?: readonly AllowEntry[];
  /** Absent: every channel; `{}`: none (P8). */
  readonly channels?: Readonly<Record<string, ChannelRules>>;
  /** Whether `intentFilter.enabled` is written here. */
  readonly intentFilter?: boolean;
}

export interface ChannelRules {
  readonly allow?: boolean;
  readonly enabled?: boolean;
  readonly requireMention?: boolean;
  readonly users?: readonly AllowEntry[];
  readonly systemPrompt?: string;
  readonly intentFilter?: boolean;
}

/** A value that holds in a place, and the config path where it is written, or would be. */
export interface Ruled<Value> {
  readonly value: Value;
  readonly rule: string;
}

/** The rules of a place where somebody may be answered. */
export interface OpenPlace {
  readonly kind: "open";
  readonly requireMention: Ruled<boolean>;
  /** Absent: everybody. */
  readonly users?: Ruled<readonly AllowEntry[]>;
  readonly intentFilter: Ruled<boolean>;
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
export function rulesFor(place: GuildPlace, policy: AccessPolicy): OpenPlace | ClosedPlace {
  const { groupPolicy, groupPolicyRule, guilds } = policy;
  if (groupPolicy === "disabled") return closed("guilds-disabled", groupPolicyRule);
  if (!guilds) {
    if (groupPolicy === "allowlist") return closed("guild-not-listed", groupPolicyRule);
    return joined([{ rules: {}, path: pathTo(GUILDS, "*") }], {});
  }
  const guild = place.isUnknown
    ? findById(guilds, place.guild.id, GUILDS, isNameKey)
    : find(guilds, place.guild, GUILDS);
  if (!guild) return closed("guild-not-listed", GUILDS);

  const { channels } = guild.rules;
  if (!channels) return joined([guild], guild.rules);

  const path = pathTo(guild.path, "channels");
  const explicit = (place.thread && at(channels, place.thread.id, path)) ??
    (place.isUnknown
      ? findById(channels, place.channel.id, path, place.thread ? isNameKey : anyKey)
      : find(channels, place.channel, path));
  if (!explicit) return closed("channel-not-listed", path);
  for (const key of ["allow", "enabled"] as const) {
    if (explicit.rules[key] === false) {
      return closed("channel-disabled", pathTo(explicit.path, key));
    }
  }
  const wildcard = at(channels, "*", path);
  return joined([explicit, ...(wildcard ? [wildcard] : []), guild], guild.rules);
}

/** Where the policy's guilds are written. */
const GUILDS = "channels.discord.guilds";

/** Rules with the path of their entry. */
interface Found<Rules> {
  readonly rules: Rules;
  readonly path: string;
}

/** The keys that a channel and its guild have in common, and the channel's own. */
type Layer = Found<ChannelRules>;

/** From the most particular layer to the guild's; the first that says something holds. */
function joined(layers: readonly Layer[], { slug: guildSlug }: GuildRules): OpenPlace {
  const users = firstOf(layers, "users");
  const systemPrompt = firstOf(layers, "systemPrompt")?.value;
  return {
    kind: "open",
    requireMention: firstOf(layers, "requireMention") ?? unsaid(layers, "requireMention", true),
    ...(users && { users }),
    intentFilter: firstOf(layers, "intentFilter") ?? unsaid(layers, "intentFilter", false),
    ...(systemPrompt !== undefined && { systemPrompt }),
    ...(guildSlug !== undefined && { guildSlug }),
  };
}

function firstOf<Key extends keyof ChannelRules>(
  layers: readonly Layer[],
  key: Key,
): Ruled<NonNullable<ChannelRules[Key]>> | undefined {
  for (const { rules, path } of layers) {
    const value = rules[key];
    if (value !== undefined) return { value, rule: pathTo(path, key) };
  }
  return undefined;
}

/** A default; its path is where the guild would say otherwise. */
function unsaid<Value>(layers: readonly Layer[], key: string, value: Value): Ruled<Value> {
  return { value, rule: pathTo(layers.at(-1)?.path ?? GUILDS, key) };
}

/** The entry of something by id, then by name in each form of P15, then `"*"`. */
function find<Rules>(
  entries: Readonly<Record<string, Rules>>,
  { id, name }: Named<string>,
  path: string,
): Found<Rules> | undefined {
  const byId = at(entries, id, path);
  if (byId) return byId;
  for (const form of FORMS) {
    const key = form(name);
    const byName = isNameKey(key) ? at(entries, key, path) : undefined;
    if (byName) return byName;
  }
  return at(entries, "*", path);
}

/**
 * The entry of something by id alone. Without one `"*"` is its entry only if no other could be,
 * were more known: what is denied by name must not be let in as one of the rest.
 *
 * @param couldBe Whether a key other than its id and `"*"` may be this thing's.
 */
function findById<Rules>(
  entries: Readonly<Record<string, Rules>>,
  id: string,
  path: string,
  couldBe: (key: string) => boolean,
): Found<Rules> | undefined {
  const byId = at(entries, id, path);
  if (byId) return byId;
  const isAlone = !Object.keys(entries).some((key) => key !== "*" && couldBe(key));
  return isAlone ? at(entries, "*", path) : undefined;
}

/** A channel that is not known may be a thread, and any id the parent's. */
const anyKey = (): boolean => true;

/**
 * What a name may be written as: its slug, the simpler slug of OpenClaw's page,
 * itself, or itself behind `#`.
 */
const FORMS: readonly ((name: string) => string)[] = [
  slug,
  (name) => name.trim().toLowerCase().replace(/\s+/g, "-"),
  (name) => name,
  (name) => `#${name}`,
];

/**
 * Anybody may name a guild as they like, so a name that is an id's look-alike
 * is no key: it would let in a stranger's guild in place of the one meant.
 */
function isNameKey(key: string): boolean {
  return key !== "" && key !== "*" && !/^\d{17,20}$/.test(key);
}

/** Own keys only: a channel may be called `constructor`. */
function at<Rules>(
  entries: Readonly<Record<string, Rules>>,
  key: string,
  path: string,
): Found<Rules> | undefined {
  const rules = Object.hasOwn(entries, key) ? entries[key] : undefined;
  return rules === undefined ? undefined : { rules, path: pathTo(path, key) };
}

function closed(why: ClosedPlace["why"], rule: string): ClosedPlace {
  return { kind: "closed", why, rule };
}
