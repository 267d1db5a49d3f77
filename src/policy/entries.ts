/**
 * Finds the key of `guilds` or `channels` for an object: by its id, by the id that a name was
 * resolved to, by its name in each form of P15, and then `"*"` (P7, P12).
 *
 * @module
 */

import type { ChannelId, GuildId } from "../core/discord/ids.ts";
import type { Named } from "../core/inbound/inbound.ts";
import { slug } from "../core/slug.ts";

/** Reads the ids that a kind of entry was resolved to. */
export interface Pins<Rules> {
  /** All ids that an entry was resolved to. */
  readonly of: (rules: Rules) => Iterable<string>;
  /** Whether the entry was resolved here; then its name matches no other object. */
  readonly isPinned: (rules: Rules) => boolean;
}

/** Entries of the config by their key, as the operator wrote it. */
export type Entries<Rules> = Readonly<Record<string, Rules>>;

/** An entry of `guilds` is resolved to one guild. */
export const GUILD_PINS: Pins<{ readonly pinned?: GuildId }> = {
  of: ({ pinned }) => pinned === undefined ? [] : [pinned],
  isPinned: ({ pinned }) => pinned !== undefined,
};

/** An entry of `channels` is resolved to one channel in each guild that its guild entry is for. */
export function channelPins(
  guildId: GuildId,
): Pins<{ readonly pinned?: ReadonlyMap<GuildId, ChannelId> }> {
  return {
    of: ({ pinned }) => pinned?.values() ?? [],
    isPinned: ({ pinned }) => pinned?.has(guildId) === true,
  };
}

/**
 * Finds the key of an object with a known name.
 *
 * @returns `undefined` if no entry applies.
 */
export function find<Rules>(
  entries: Entries<Rules>,
  { id, name }: Named<string>,
  pins: Pins<Rules>,
): string | undefined {
  const own = findOwn(entries, id, pins);
  if (own !== undefined) return own;
  for (const form of FORMS) {
    const key = form(name);
    const rules = isNameKey(key) ? at(entries, key) : undefined;
    if (rules !== undefined && !pins.isPinned(rules)) return key;
  }
  return wildcardKey(entries);
}

/**
 * Finds the key of an object by its id alone.
 *
 * `"*"` applies only if no other entry could. Otherwise an object that is denied by name would be
 * allowed as one of the rest.
 *
 * @param couldBe Whether an entry, other than by id and `"*"`, may be for this object.
 * @returns `undefined` if no entry applies for sure.
 */
export function findById<Rules>(
  entries: Entries<Rules>,
  id: string,
  pins: Pins<Rules>,
  couldBe: (key: string, rules: Rules) => boolean,
): string | undefined {
  const own = findOwn(entries, id, pins);
  if (own !== undefined) return own;
  for (const [key, rules] of Object.entries(entries)) {
    if (key !== "*" && couldBe(key, rules)) return undefined;
  }
  return wildcardKey(entries);
}

/** By the id in the config, or by the id that a name was resolved to. */
function findOwn<Rules>(
  entries: Entries<Rules>,
  id: string,
  { of }: Pins<Rules>,
): string | undefined {
  return Object.hasOwn(entries, id) ? id : pinnedKeys(entries, of).get(id);
}

function wildcardKey<Rules>(entries: Entries<Rules>): "*" | undefined {
  return Object.hasOwn(entries, "*") ? "*" : undefined;
}

/** Keys by the ids that they were resolved to. Entries never change, so each is read once. */
function pinnedKeys<Rules>(
  entries: Entries<Rules>,
  of: Pins<Rules>["of"],
): ReadonlyMap<string, string> {
  const known = PINNED_KEYS.get(entries);
  if (known) return known;
  const keys = new Map<string, string>();
  for (const [key, rules] of Object.entries(entries)) {
    for (const id of of(rules)) {
      const other = keys.get(id);
      if (other === undefined || comesBefore(key, other)) keys.set(id, key);
    }
  }
  PINNED_KEYS.set(entries, keys);
  return keys;
}

const PINNED_KEYS = new WeakMap<object, ReadonlyMap<string, string>>();

/** Two keys may resolve to one object. The key that its name would match first is its entry. */
function comesBefore(key: string, other: string): boolean {
  const rank = FORMS.findIndex((form) => form(key) === key);
  const otherRank = FORMS.findIndex((form) => form(other) === other);
  return rank === otherRank ? key < other : rank < otherRank;
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

/** Whether a key is an accepted spelling of a name. */
export function isFormOf(key: string, name: string): boolean {
  return isNameKey(key) && FORMS.some((form) => form(name) === key);
}

/**
 * Whether a key is a name, and not `"*"`, empty, or like an id.
 *
 * Any person may name a guild freely. If a name that looks like an id matched as a name, a
 * stranger's guild could take the place of the intended one.
 */
export function isNameKey(key: string): boolean {
  return key !== "" && key !== "*" && !/^\d{17,20}$/.test(key);
}

/** Reads an entry by its own key only: a channel may be called `constructor`. */
export function at<Rules>(entries: Entries<Rules>, key: string): Rules | undefined {
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}
