/**
 * Every check of a verdict goes through one function, which returns its input.
 *
 * So the result that decides is the result that is reported. For incoming messages Barnacle reports
 * no checks; `barnacle why` reports the very same ones.
 *
 * Keys of `guilds` and `channels` are found by the object's id, by the id that a name was resolved
 * to, by its name in each form of P15, and then `"*"` (P7, P12). A resolved name means its own
 * object only.
 */

import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { VerdictCheck } from "../../core/inbound/inbox.ts";
import type { GuildPlace, Named, Sender } from "../../core/inbound/inbound.ts";
import { slug } from "../../core/names.ts";
import { quoted } from "../../lib/text/quoted.ts";

/** Reads the ids that a kind of entry was resolved to. */
export interface Pins<Rules> {
  readonly of: (rules: Rules) => Iterable<string>;
  /** Whether the entry was resolved here; then its name gives no other object access. */
  readonly isPinned: (rules: Rules) => boolean;
}

/** Entries of the config by their key, as the operator wrote it. */
export type Entries<Rules> = Readonly<Record<string, Rules>>;

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
 * @returns `undefined` if no entry applies, or if the name means another object.
 */
export function findKey<Rules>(
  entries: Entries<Rules>,
  { id, name }: Named<string>,
  pins: Pins<Rules>,
): string | undefined {
  if (Object.hasOwn(entries, id)) return id;
  const { pinned, hasNames } = indexOf(entries, pins.of);
  const own = pinned.get(id);
  if (own !== undefined) return own;
  let isTaken = false;
  for (const form of hasNames ? FORMS : []) {
    const key = form(name);
    const rules = isNameKey(key) ? entryAt(entries, key) : undefined;
    if (rules === undefined) continue;
    if (!pins.isPinned(rules)) return key;
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
export function findKeyById<Rules>(
  entries: Entries<Rules>,
  id: string,
  pins: Pins<Rules>,
  couldBe: (key: string) => boolean,
): string | undefined {
  if (Object.hasOwn(entries, id)) return id;
  const own = indexOf(entries, pins.of).pinned.get(id);
  if (own !== undefined) return own;
  const isSure = Object.keys(entries).every((key) => key === "*" || !couldBe(key));
  return isSure ? wildcardKey(entries) : undefined;
}

function wildcardKey<Rules>(entries: Entries<Rules>): "*" | undefined {
  return Object.hasOwn(entries, "*") ? "*" : undefined;
}

/** The facts of entries that a look-up needs. Entries never change, so each is read once. */
interface Index {
  /** Keys by the ids that they were resolved to. */
  readonly pinned: ReadonlyMap<string, string>;
  readonly hasNames: boolean;
}

function indexOf<Rules>(entries: Entries<Rules>, of: Pins<Rules>["of"]): Index {
  const known = INDEXES.get(entries);
  if (known) return known;
  const pinned = new Map<string, string>();
  for (const [key, rules] of Object.entries(entries)) {
    for (const id of of(rules)) {
      const other = pinned.get(id);
      if (other === undefined || comesBefore(key, other)) pinned.set(id, key);
    }
  }
  const index = { pinned, hasNames: Object.keys(entries).some(isNameKey) };
  INDEXES.set(entries, index);
  return index;
}

const INDEXES = new WeakMap<object, Index>();

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

/** The accepted spellings of a name, the most usual first. */
export function formsOf(name: string): readonly string[] {
  return FORMS.map((form) => form(name));
}

/** A written name as its slug, which all its spellings share; an id and `"*"` as they are. */
export function plainName(key: string): string {
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
export function entryAt<Rules>(entries: Entries<Rules>, key: string): Rules | undefined {
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
export function nameOf({ id, username, pluralkit }: Sender): string {
  if (pluralkit) return `${quoted(pluralkit.name)} (pk:${pluralkit.memberId}, by ${id})`;
  return `${quoted(username)} (${id})`;
}

/** A guild within a fact: its name in quotes and its id, or the id alone if the name is unknown. */
export function guildName({ guild, isUnknown }: GuildPlace): string {
  return isUnknown ? `the guild ${guild.id}` : `${quoted(guild.name)} (${guild.id})`;
}

/** A channel within a fact. A thread appears with its parent, whose rules it has. */
export function channelName({ channel, thread, isUnknown }: GuildPlace): string {
  const name = isUnknown
    ? `the channel ${channel.id}`
    : `${quoted(`#${channel.name}`)} (${channel.id})`;
  return thread ? `the thread ${thread.id} of ${name}` : name;
}
