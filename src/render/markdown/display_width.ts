/**
 * How many columns a text takes in a fixed-width font.
 *
 * Chinese, Japanese and Korean characters and emoji take two, marks upon others
 * none. Which code points are wide is looked up in Unicode's table by a
 * package; which of them are one character is the segmenter's to say.
 *
 * @module
 */

import { eastAsianWidth } from "get-east-asian-width";
import { graphemesOf } from "./graphemes.ts";

const ASCII = /^[\x20-\x7e]*$/;
/** Of these, each UTF-16 unit is a character of its own. */
const SINGLE =
  /^[\x20-\x7e\xa0-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u3000-\u3029\u3031-\u3098\u309b-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]*$/;

/** Columns of a text in one line. */
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
/** Asks for the form of a letter, one column wide. */
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
