/**
 * Characters as people see them, of which one can be many code points.
 *
 * Families, flags and skin tones are drawn as one; cut in two, they are others.
 *
 * @module
 */

/** Made when it is first needed: it costs 1.4 MB and a millisecond, and most answers never ask. */
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
 * Where the grapheme begins that a place lies within.
 *
 * @param from Where one begins that is not behind the place: nothing before it is looked at.
 * @returns The place itself where one begins or the text ends.
 */
export function graphemeStart(text: string, from: number, at: number): number {
  // One unit more tells whether a character ends at `at`; the second, whether that is a pair.
  const found = segment(text.slice(from, at + 2)).containing(at - from);
  return found ? from + found.index : at;
}

const EXTENDS = /^[\p{M}\u200c\u200d\ufe0e\ufe0f\u{1f3fb}-\u{1f3ff}\u{e0020}-\u{e007f}]/u;

/** Whether the character at a place belongs to the one before it, be that a space. */
export function isExtending(text: string, at: number): boolean {
  return text.charCodeAt(at) >= 0x300 && EXTENDS.test(text.slice(at, at + 2));
}
