/**
 * Cuts an answer into sentences while it grows, so that speech begins with the first of them (V5).
 *
 * Code, tables and addresses are not spoken. Of a long answer, the first sentences are.
 */

import { spokenText } from "../../../flows/media/speak.ts";

/** Characters after which no further sentence is spoken: some 30 s of speech. */
export const SPOKEN_CHARS = 500;
/** Characters of the longest sentence; a longer one is cut at a blank. */
const LONGEST = 300;
/** A sentence ends at its mark, unless a lower-case letter, a digit or another mark follows. */
const END = /[.!?…。！？]+["')\]»”’]*(?=\s+[^\p{Ll}\d\s])|[。！？]|\n+/u;
/** A mark behind one of these ends no sentence. */
const ABBREVIATED =
  /(?:^|[\s(])(?:\p{L}|\d{1,2}|[A-Za-z]\.[A-Za-z]|e\.g|i\.e|etc|vs|Mr|Mrs|Ms|Dr|Prof|St|No|Nr|ca|bzw|usw|z\.B|d\.h)\.$/u;
/** Parts that are read, and not heard. */
const SILENT = /```[\s\S]*?(?:```|$(?![\s\S]))|^\s*\|.*\|\s*$|https?:\/\/\S+/gm;

/** Whether an answer has parts that speech leaves out, or is too long to be spoken whole. */
export function isMoreThanSpeech(text: string): boolean {
  return text.search(SILENT) >= 0 || spokenText(text).length > SPOKEN_CHARS;
}

/** Creates the cutter of one answer. */
export function createSentences() {
  let at = 0;
  let chars = 0;

  /** Length of the next sentence of a text; 0 if it has no end yet. */
  function lengthOf(text: string, isWhole: boolean): number {
    let from = 0;
    for (;;) {
      const fence = text.indexOf("```", from);
      const found = END.exec(text.slice(from));
      const end = found ? from + found.index + found[0].length : -1;
      if (fence >= 0 && (end < 0 || fence < end)) {
        const close = text.indexOf("```", fence + 3);
        if (close < 0) return isWhole ? text.length : 0;
        from = close + 3;
        continue;
      }
      if (end >= 0 && ABBREVIATED.test(text.slice(0, end))) {
        from = end;
        continue;
      }
      if (end >= 0 && end <= LONGEST) return end;
      if (text.length > LONGEST && fence < 0) {
        return text.lastIndexOf(" ", LONGEST) + 1 || LONGEST;
      }
      return end >= 0 ? end : isWhole ? text.length : 0;
    }
  }

  return {
    /** The sentences that have ended since the last call. @param text The whole answer so far. */
    next(text: string, isWhole: boolean): readonly string[] {
      const ended: string[] = [];
      while (at < text.length && chars < SPOKEN_CHARS) {
        const length = lengthOf(text.slice(at), isWhole);
        if (length === 0) break;
        const written = text.slice(at, at + length);
        at += length;
        const spoken = spokenText(
          written.replace(SILENT, " ").replace(/\p{Emoji_Presentation}/gu, ""),
        );
        chars += spoken.length;
        if (/[\p{L}\p{N}]/u.test(spoken)) ended.push(spoken);
      }
      return ended;
    },
  };
}
