/**
 * What stands between the values of a JSONC text: comments, commas and line breaks.
 *
 * Edits go by tokens and not by lines, because a comment may hold a brace, and a text a comment.
 *
 * @module
 */

import { createScanner } from "jsonc-parser";
import { UNPRINTABLE } from "../../lib/text/quoted.ts";
import type { Span } from "./problem.ts";

/** A comment with its marks. */
export interface Comment extends Span {
  /** `// …`, which ends with its line and takes all that would follow in it. */
  readonly isLine: boolean;
}

// Members of const enums of jsonc-parser, which do not exist where each file is compiled alone.
const TOKEN_COMMA = 5;
const TOKEN_LINE_COMMENT = 12;
const TOKEN_BLOCK_COMMENT = 13;
const TOKEN_LINE_BREAK = 14;
const TOKEN_TRIVIA = 15;
const TOKEN_END = 17;

/** The comments that begin within a part of a text; `from` must not be inside a token. */
export function commentsIn(text: string, from: number, to: number): readonly Comment[] {
  const found: Comment[] = [];
  const scanner = createScanner(text, false);
  scanner.setPosition(from);
  for (;;) {
    const token: number = scanner.scan();
    const offset = scanner.getTokenOffset();
    if (token === TOKEN_END || offset >= to) return found;
    if (token === TOKEN_LINE_COMMENT || token === TOKEN_BLOCK_COMMENT) {
      const isLine = token === TOKEN_LINE_COMMENT;
      found.push({ offset, length: scanner.getTokenLength(), isLine });
    }
  }
}

/** Where the next comma is, if nothing but blanks and comments comes before it. */
export function commaAfter(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  const token: number = scanner.scan();
  return token === TOKEN_COMMA ? scanner.getTokenOffset() : undefined;
}

/** The end of the comments that follow in the same line; `offset` itself where there is none. */
export function endOfLineComments(text: string, offset: number): number {
  const scanner = createScanner(text, false);
  scanner.setPosition(offset);
  let end = offset;
  for (;;) {
    const token: number = scanner.scan();
    if (token === TOKEN_TRIVIA) continue;
    if (token !== TOKEN_LINE_COMMENT && token !== TOKEN_BLOCK_COMMENT) {
      // What is followed by another value in its line belongs to that one.
      return token === TOKEN_LINE_BREAK ? end : offset;
    }
    end = scanner.getTokenOffset() + scanner.getTokenLength();
  }
}

/** The blanks with which the line of an offset begins. */
export function indentOf(text: string, offset: number): string {
  const start = lineStart(text, offset);
  return /^[ \t]*/.exec(text.slice(start, offset))?.[0] ?? "";
}

/** Whether nothing stands before an offset in its line. */
export function isFirstInLine(text: string, offset: number): boolean {
  return !/\S/.test(text.slice(lineStart(text, offset), offset));
}

/** Whether nothing follows an offset in its line. */
export function isLastInLine(text: string, offset: number): boolean {
  return /^[ \t]*(?:[\r\n]|$)/.test(text.slice(offset));
}

/** Where the line of an offset begins. */
export function lineStart(text: string, offset: number): number {
  const before = text.slice(0, offset);
  return Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r")) + 1;
}

/** Words of somebody's as a comment: on one line, and with nothing in it that would end it. */
export function wordsForComment(words: string): string {
  return words.replace(UNPRINTABLE, " ").replaceAll("*/", "* /").replace(/\s+/g, " ").trim();
}
