/** Finds people whom a text addresses by their plain name, without a mention (I1). */

import type { UserId } from "../../core/discord/ids.ts";
import { isListedWord, isUsualWord } from "./words.ts";

/** Stands for each person who has not written in the channel. */
export const STRANGER = "0" as UserId;

/** A name at the start, followed by a mark: "Anna: …", "@anna, …". */
const FIRST_NAME = /^[^\p{L}\p{N}_]*([^\s,:;]+)\s*[,:;]/u;
/** A word that is the name of a person who has not written, if no list has it: "linus, …". */
const OTHER_NAME = /^@?(\p{L}[\p{L}\p{M}'’-]{2,})\s?[,:]\s/u;
/** A name is shorter. Without this limit, a text of marks alone would take quadratic time. */
const MAX_START = 100;
const BETWEEN_WORDS = /[\s,:;!?().@、，。！？]+/;
/** Shorter names inside a text are more often words, except in scripts with longer letters. */
const MIN_LENGTH_INSIDE = 3;
const IS_ASCII = /^[!-~]*$/;

/**
 * Finds names in a text: at its start, alone or followed by a mark, and inside. {@link STRANGER}: it
 * begins with a name that no one has.
 *
 * @param people Ids by name in lower case.
 * @param author Is never an addressee.
 */
export function addresseesIn(
  text: string,
  people: ReadonlyMap<string, UserId>,
  author: UserId,
): { readonly to: readonly UserId[]; readonly beginsWithName: boolean } {
  const [, marked = ""] = FIRST_NAME.exec(text.slice(0, MAX_START)) ?? [];
  const words = text.toLowerCase().split(BETWEEN_WORDS).filter((word) => word !== "");
  const isLong = (word: string) => word.length >= MIN_LENGTH_INSIDE || !IS_ASCII.test(word);
  const personOf = (word = "") => isLong(word) && !isUsualWord(word) ? people.get(word) : undefined;
  const [, other] = OTHER_NAME.exec(text.slice(0, MAX_START)) ?? [];
  const stranger = other && !isListedWord(other.toLowerCase()) ? STRANGER : undefined;
  const first = people.get(marked.toLowerCase().replace(/^@/, "")) ?? personOf(words[0]) ??
    stranger;
  const to = new Set([first, ...words.map(personOf)].filter((one) => one !== undefined));
  to.delete(author);
  return { to: [...to] as UserId[], beginsWithName: first !== undefined && first !== author };
}
