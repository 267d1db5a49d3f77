/**
 * What of an answer can be shown while it is still being written (R8).
 *
 * Later words may turn its end into something else: a tag that is taken out, a
 * link that is made harmless, a table. All of that is held back until it is
 * there: to show something a second later costs less than to have shown it.
 *
 * @module
 */

import { codeFences, fenceAt } from "./code_fence.ts";

/** UTF-16 units that are searched for the end of a word; a text may have none. */
const LONGEST_WORD = 200;

/**
 * The beginning of an unfinished answer, as far as it can be shown.
 *
 * @param limit UTF-16 units of a message, for which `codeFences` asks.
 */
export function finishedPart(text: string, limit: number): string {
  const words = toEndOfWord(text);
  const fences = codeFences(words, limit);
  if (fenceAt(fences, words.length)) return words; // whatever it is, it is code
  const openedFence = FENCE_AT_END.exec(words);
  const isClosing = openedFence && (fences.at(-1)?.end ?? 0) > openedFence.index;
  return withoutTable(
    withoutOpening(openedFence && !isClosing ? words.slice(0, openedFence.index) : words),
  );
}

/** Behind the last white space, or the last mark of a script that has none between words. */
const END_OF_WORD = /[\s、。，！？](?:(?![\s、。，！？]).)*$/s;

function toEndOfWord(text: string): string {
  const from = Math.max(0, text.length - LONGEST_WORD);
  const end = text.slice(from).search(END_OF_WORD);
  if (end !== -1) return text.slice(0, from + end + 1);
  return from === 0 ? "" : text.replace(/[\ud800-\udbff]$/, "");
}

/** The line of a fence, and nothing behind it. */
const FENCE_AT_END = /(?:^|\n)[ \t>]*(?:`{3,}|~{3,})[^\n]*\s*$/;

/** What may be opened on the last line and not yet closed: tags, links, mentions, markers. */
const OPENINGS = [
  /\[\[(?:(?!\]\]).)*$/,
  /!?\[[^[\]]*$/,
  /!?\[[^[\]]*\]\([^()]*$/,
  /<(?=[^\s<>])[^<>]*$/,
];

function withoutOpening(text: string): string {
  const lineStart = text.lastIndexOf("\n") + 1;
  const line = text.slice(lineStart);
  const starts = OPENINGS.map((opening) => line.search(opening)).filter((start) => start !== -1);
  const isCode = (line.match(/`/g)?.length ?? 0) % 2 === 1;
  const end = Math.min(line.length, ...starts, isCode ? line.lastIndexOf("`") : Infinity);
  return text.slice(0, lineStart + end);
}

/** Without the lines of a table, which only the line behind it ends. */
function withoutTable(text: string): string {
  let end = text.length;
  for (let lineEnd = text.endsWith("\n") ? end - 1 : end; lineEnd > 0;) {
    const lineStart = text.lastIndexOf("\n", lineEnd - 1) + 1;
    if (!text.slice(lineStart, lineEnd).includes("|")) break;
    end = lineStart;
    lineEnd = lineStart - 1;
  }
  return text.slice(0, end);
}

/** Thinking that is marked as such, from its beginning. */
const THINKING = /^\s*<(?:think|thinking|reasoning|thought)>/i;

/** A line of its own. */
const END_OF_THINKING = /^[ \t]*<\/(?:think|thinking|reasoning|thought)>[ \t]*$/im;

/**
 * How an answer marks the model's thinking: from its beginning, only its end, or not at all.
 *
 * Some servers begin the thinking for the model. Then its first words look like an answer's until
 * the end of the thinking comes.
 */
export function thinkingIn(text: string): "marked" | "ended" | "none" {
  if (THINKING.test(text)) return "marked";
  return END_OF_THINKING.test(text) ? "ended" : "none";
}
