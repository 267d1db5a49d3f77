/** Shows texts that people chose in places of our own: names in notices, and titles of threads. */

import { withoutInvisible, withoutSpoilers } from "../lib/text/quoted.ts";

/** Maximum number of characters to show; a guild's name may have 100. */
const MAX_LENGTH = 100;

/**
 * Formats a name as code. There it cannot mention anyone, contain a link, or pass for our own
 * words. Invisible characters are removed.
 */
export function nameAsCode(name: string): string {
  const seen = withoutInvisible(name.replace(/[\p{Cc}\s]+/gu, " ")).replaceAll("`", "ˋ").trim();
  const shown = Array.from(seen).slice(0, MAX_LENGTH).join("");
  return shown === "" ? "`?`" : `\`${shown}\``;
}

/** Maximum characters of a title from words; Discord allows 100. */
const MAX_TITLE = 60;

/**
 * Takes the first words of a text.
 *
 * @returns At most 60 characters on one line, without mentions, Markdown, links and spoilers; empty
 * if nothing is left.
 */
export function threadTitle(text: string): string {
  const plain = withoutInvisible(withoutSpoilers(text))
    .replace(/<a?:(\w+):\d+>/g, ":$1:")
    .replace(/<[@#/t][^>]{0,60}>/g, " ")
    .replace(/https?:\/\/[^\s>]+/g, " ")
    .replace(/[*~`]+|\\(?=[!-/:-@[-`{-~])|(?<!\w)_+|_+(?!\w)/g, "")
    .replace(/^(?:\s*(?:>|#{1,3}|-#|-|\d+\.)\s)+/gm, " ")
    .replace(/[\p{Cc}\s]+/gu, " ")
    .replaceAll("@", "")
    .trim();
  const characters = Array.from(plain);
  if (characters.length <= MAX_TITLE) return plain;
  const start = characters.slice(0, MAX_TITLE - 1).join("");
  const cut = start.lastIndexOf(" ");
  return `${(cut > MAX_TITLE / 2 ? start.slice(0, cut) : start).trim()}…`;
}
