/**
 * Splits text into graphemes: characters as people see them. One can consist of many code points.
 *
 * Discord draws families, flags and skin tones as one character. Cut in two, they are others.
 *
 * @module
 */

/** Created on first use: it costs 1.4 MB and a millisecond, and most answers never need it. */
let segmenter: Intl.Segmenter | undefined;

function segment(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

/** The graphemes of a text, in order. */
export function* graphemesOf(text: string): Generator<string> {
  for (const { segment: grapheme } of segment(text)) yield grapheme;
}

/**
 * Start of the grapheme around a position.
 *
 * @param from Start of a grapheme at or before the position; the text before it is not read.
 * @returns The position itself if a grapheme starts there, or at the text's end.
 */
export function graphemeStart(text: string, from: number, at: number): number {
  // One unit more tells whether a character ends at `at`; the second tells whether it is a pair.
  const found = segment(text.slice(from, at + 2)).containing(at - from);
  return found ? from + found.index : at;
}

const EXTENDS = /^[\p{M}\u200c\u200d\ufe0e\ufe0f\u{1f3fb}-\u{1f3ff}\u{e0020}-\u{e007f}]/u;

/** Whether the character at a position belongs to the one before it, even to a space. */
export function isExtending(text: string, at: number): boolean {
  return text.charCodeAt(at) >= 0x300 && EXTENDS.test(text.slice(at, at + 2));
}
