/** Finds people whom a text addresses by their plain name, without a mention (I1). */

import type { UserId } from "../../core/discord/ids.ts";

/** The people whom a text names. */
export interface Addressees {
  readonly to: readonly UserId[];
  readonly beginsWithName: boolean;
}

/** A name at the start, followed by a mark: "Anna: …", "@anna, …". */
const FIRST_NAME = /^\W*([^\s,:;]+)\s*[,:;]/;
/** A name is shorter. Without this limit, a text of marks alone would take quadratic time. */
const MAX_START = 100;
const BETWEEN_WORDS = /[\s,:;!?().@]+/;
/** Shorter names inside a text are more often words. */
const MIN_LENGTH_INSIDE = 3;

/**
 * The person whose name a text begins with, as "Anna: …" does.
 *
 * @param people Ids by name in lower case.
 */
export function namedFirst(text: string, people: ReadonlyMap<string, UserId>): UserId | undefined {
  const [, name = ""] = FIRST_NAME.exec(text.slice(0, MAX_START)) ?? [];
  return people.get(name.toLowerCase().replace(/^@/, ""));
}

/**
 * Finds names in a text, at its start and inside.
 *
 * @param people Ids by name in lower case.
 * @param author Is never an addressee.
 */
export function addresseesIn(
  text: string,
  people: ReadonlyMap<string, UserId>,
  author: UserId,
): Addressees {
  const first = namedFirst(text, people);
  const inside = text.toLowerCase().split(BETWEEN_WORDS)
    .filter((word) => word.length >= MIN_LENGTH_INSIDE)
    .map((word) => people.get(word));
  const to = new Set([first, ...inside].filter((one) => one !== undefined && one !== author));
  return { to: [...to] as UserId[], beginsWithName: first !== undefined && first !== author };
}
