/**
 * Shows foreign text within one of our lines. No character of it may move the cursor or reverse the
 * line.
 *
 * @module
 */

/** Characters that a terminal obeys or does not show: controls, and marks that reverse text. */
export const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A text as part of a sentence: in quotes, on one line, cut after `most` UTF-16 units. */
export function quoted(text: string, most = 60): string {
  const shown = text.length > most
    ? `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`
    : text;
  return printable(JSON.stringify(shown));
}

/** A whole text on one line, without quotes: the name of a file. */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
