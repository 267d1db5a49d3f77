/**
 * Which key of `guilds` or `channels` is meant for a thing: by its id, by the id that the key was
 * found to be, by its name in each form of P15, and then `"*"` (P7, P12).
 *
 * @module
 */

import type { ChannelId, GuildId } from "../core/discord/ids.ts";
import type { Named } from "../core/inbound/inbound.ts";
import { slug } from "../core/slug.ts";

/** What a kind of entry has been found to be. */
export interface Pins<Rules> {
  /** All the ids that an entry is pinned to. */
  readonly of: (rules: Rules) => Iterable<string>;
  /** Whether the entry is pinned here: then no name makes it another thing's. */
  readonly isPinned: (rules: Rules) => boolean;
}

type Entries<Rules> = Readonly<Record<string, Rules>>;

/** An entry of `guilds` is one guild, wherever it is asked for. */
export const GUILD_PINS: Pins<{ readonly pinned?: GuildId }> = {
  of: ({ pinned }) => pinned === undefined ? [] : [pinned],
  isPinned: ({ pinned }) => pinned !== undefined,
};

/** An entry of `channels` is one channel in each guild that the entry above it is for. */
export function channelPins(
  guildId: GuildId,
): Pins<{ readonly pinned?: ReadonlyMap<GuildId, ChannelId> }> {
  return {
    of: ({ pinned }) => pinned?.values() ?? [],
    isPinned: ({ pinned }) => pinned?.has(guildId) === true,
  };
}

/** The key of something that is known. */
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
  return orRest(entries);
}

/**
 * The key of something by id alone. Without one `"*"` is its entry only if no other could be,
 * were more known: what is denied by name must not be let in as one of the rest.
 *
 * @param couldBe Whether a key other than its id and `"*"` may be this thing's.
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
  return orRest(entries);
}

/** By the id that is written, or by the one that a name was found to be. */
function findOwn<Rules>(
  entries: Entries<Rules>,
  id: string,
  { of }: Pins<Rules>,
): string | undefined {
  return Object.hasOwn(entries, id) ? id : pinnedKeys(entries, of).get(id);
}

function orRest<Rules>(entries: Entries<Rules>): "*" | undefined {
  return Object.hasOwn(entries, "*") ? "*" : undefined;
}

/** Keys by the ids that they are pinned to; entries never change, so each is looked at once. */
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

/** Two keys may be found to be one thing: the one that its name would have found first is its entry. */
function comesBefore(key: string, other: string): boolean {
  const rank = FORMS.findIndex((form) => form(key) === key);
  const otherRank = FORMS.findIndex((form) => form(other) === other);
  return rank === otherRank ? key < other : rank < otherRank;
}

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

/** Whether a key is one of the forms of a name. */
export function isFormOf(key: string, name: string): boolean {
  return isNameKey(key) && FORMS.some((form) => form(name) === key);
}

/**
 * Anybody may name a guild as they like, so a name that is an id's look-alike
 * is no key: it would let in a stranger's guild in place of the one meant.
 */
export function isNameKey(key: string): boolean {
  return key !== "" && key !== "*" && !/^\d{17,20}$/.test(key);
}

/** Own keys only: a channel may be called `constructor`. */
export function at<Rules>(entries: Entries<Rules>, key: string): Rules | undefined {
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}
