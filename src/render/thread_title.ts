/**
 * Makes the title of a thread from a text by people or by a model (S7).
 *
 * More people see a title than the message: it stands in the list of channels. So text behind a
 * spoiler stays out of it (H9).
 *
 * @module
 */

import { withoutSpoilers } from "../lib/text/quoted.ts";

/** Maximum characters of a title from words; Discord allows 100. */
const MAX_TITLE = 60;

/**
 * Takes the first words of a text.
 *
 * @returns At most 60 characters on one line, without mentions, Markdown, links and spoilers; empty
 * if nothing is left.
 */
export function threadTitle(text: string): string {
  const plain = withoutSpoilers(text)
    .replace(/<a?:(\w+):\d+>/g, ":$1:")
    .replace(/<[@#/t][^>]{0,60}>/g, " ")
    .replace(/https?:\/\/[^\s>]+/g, " ")
    .replace(/[*~`\\]+|(?<!\w)_+|_+(?!\w)/g, "")
    .replace(/^(?:\s*(?:>|#{1,3}|-#|-|\d+\.)\s)+/gm, " ")
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .replaceAll("@", "")
    .trim();
  const characters = Array.from(plain);
  if (characters.length <= MAX_TITLE) return plain;
  const start = characters.slice(0, MAX_TITLE - 1).join("");
  const cut = start.lastIndexOf(" ");
  return `${(cut > MAX_TITLE / 2 ? start.slice(0, cut) : start).trim()}…`;
}
