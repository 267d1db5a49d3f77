/**
 * Folds letters and digits of other kinds to ASCII: full width, bold, circled, small, accented,
 * flags, and the invisible tags of Unicode.
 *
 * Letters of other scripts that only look like Latin ones are not folded.
 *
 * @module
 */

import { createView, type Edit, type View } from "./view.ts";

/** The characters that may fold to a letter or digit. */
const FOLDABLE =
  /[ªº²³¹¼-¾À-\u024fʰ-˿\u1d00-\u1eff\u2070-\u218f\u2460-\u24ff\u2776-\u2793\u2c60-\u2c7f\u3200-\u33ff\ua770-\ua7ff\uab5c-\uab5f\ufb00-\ufb06\uff10-\uff5a\u{10780}-\u{107ba}\u{1ccd6}-\u{1ccf9}\u{1d400}-\u{1d7ff}\u{1f100}-\u{1f1ff}\u{1fbf0}-\u{1fbf9}\u{e0020}-\u{e007e}]/gu;

/** Returns the text with folded letters and digits; `undefined` if it is the same. */
export function folded(text: string): View | undefined {
  const edits: Edit[] = [];
  for (const { 0: character, index } of text.matchAll(FOLDABLE)) {
    const fold = foldOf(character);
    if (fold === "") continue;
    edits.push({ start: index, end: index + character.length, text: fold });
  }
  return edits.length === 0 ? undefined : createView(text, edits);
}

/** The letters and digits that a character stands for, if any. */
function foldOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const alphabet = ALPHABETS.find(({ first, count }) => code >= first && code < first + count);
  if (alphabet) return String.fromCharCode(alphabet.from + code - alphabet.first);
  return character.normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "");
}

/** Alphabets that Unicode's normalization keeps. */
const ALPHABETS = [
  { first: 0x1f150, count: 26, from: 0x41 }, // white on a black circle
  { first: 0x1f170, count: 26, from: 0x41 }, // white on a black square
  { first: 0x1f1e6, count: 26, from: 0x41 }, // flags
  { first: 0x2776, count: 9, from: 0x31 }, // digits, white on a black circle
  { first: 0x2780, count: 9, from: 0x31 },
  { first: 0x278a, count: 9, from: 0x31 },
  { first: 0xe0020, count: 95, from: 0x20 }, // tags, which no one sees
];
