/**
 * Somebody's text within a line of ours: nothing in it may move the cursor, or turn the line around.
 *
 * @module
 */

/** What a terminal would obey or not show: controls, and the marks that turn text around. */
export const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A text as part of a sentence: in quotes, on one line, not too long. */
export function quoted(text: string, most = 60): string {
  const shown = text.length > most
    ? `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`
    : text;
  return printable(JSON.stringify(shown));
}

/** The same without quotes, and whole: the name of a file. */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
