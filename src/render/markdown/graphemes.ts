/**
 * Splits text into graphemes, characters as people see them, and measures it in columns of a
 * fixed-width font.
 *
 * Discord draws families, flags and skin tones as one character. Cut in two, they are others.
 * Chinese, Japanese and Korean characters and emoji take two columns, combining marks none. A
 * package with Unicode's table tells which code points are wide.
 */

import { eastAsianWidth } from "get-east-asian-width";

/** Created on first use: it costs 1.4 MB and a millisecond, and most answers never need it. */
let segmenter: Intl.Segmenter | undefined;

function segment(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

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

const ASCII = /^[\x20-\x7e]*$/;
/** Characters of which each UTF-16 unit is a grapheme. */
const SINGLE =
  /^[\x20-\x7e\xa0-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u3000-\u3029\u3031-\u3098\u309b-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]*$/;

/** Number of columns of a text in one line. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  if (SINGLE.test(text)) {
    for (let at = 0; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      width += unit < 0x300 ? 1 : eastAsianWidth(unit);
    }
  } else {
    for (const grapheme of graphemesOf(text)) width += widthOf(grapheme);
  }
  return width;
}

const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Mn}\p{Me}]/u;
const EMOJI = /\p{Emoji_Presentation}|\p{Regional_Indicator}|\ufe0f/u;
/** Selects the text form of a character, which is one column wide. */
const AS_TEXT = "\ufe0e";

function widthOf(grapheme: string): number {
  if (grapheme.includes(AS_TEXT)) return 1;
  for (const character of grapheme) {
    if (INVISIBLE.test(character)) continue;
    if (EMOJI.test(grapheme)) return 2;
    return eastAsianWidth(character.codePointAt(0) ?? 0);
  }
  return 0;
}
