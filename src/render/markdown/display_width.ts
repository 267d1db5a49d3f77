/**
 * Measures a text in columns of a fixed-width font.
 *
 * Chinese, Japanese and Korean characters and emoji take two columns, combining marks none. A
 * package with Unicode's table tells which code points are wide. The segmenter tells which of them
 * form one grapheme.
 *
 * @module
 */

import { eastAsianWidth } from "get-east-asian-width";
import { graphemesOf } from "./graphemes.ts";

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
