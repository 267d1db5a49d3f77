/**
 * Finds the part of a growing answer that can be shown already (R8).
 *
 * Later words may change the end of the text: into a tag that Barnacle removes, a link that it
 * neutralizes, or a table. Barnacle holds such an end back until it is complete. Text that appears
 * a second later is better than text that must disappear.
 */

import { codeFences, fenceAt } from "./code_fence.ts";

/** UTF-16 units to search for the end of a word; a text may have none. */
const LONGEST_WORD = 200;

/**
 * The beginning of an unfinished answer that can be shown.
 *
 * @param limit Maximum UTF-16 units of a message, for `codeFences`.
 */
export function finishedPart(text: string, limit: number): string {
  const words = toEndOfWord(text);
  const fences = codeFences(words, limit);
  if (fenceAt(fences, words.length)) return words; // everything up to the end is code
  const openedFence = FENCE_AT_END.exec(words);
  const isClosing = openedFence && (fences.at(-1)?.end ?? 0) > openedFence.index;
  return withoutTable(
    withoutOpening(openedFence && !isClosing ? words.slice(0, openedFence.index) : words),
  );
}

/** The last white space, or the last punctuation of a script without spaces between words. */
const END_OF_WORD = /[\s、。，！？](?:(?![\s、。，！？]).)*$/s;

function toEndOfWord(text: string): string {
  const from = Math.max(0, text.length - LONGEST_WORD);
  const end = text.slice(from).search(END_OF_WORD);
  if (end !== -1) return text.slice(0, from + end + 1);
  return from === 0 ? "" : text.replace(/[\ud800-\udbff]$/, "");
}

const FENCE_AT_END = /(?:^|\n)[ \t>]*(?:`{3,}|~{3,})[^\n]*\s*$/;

/** Parts that the last line may have opened and not closed yet: tags, links, mentions, markers. */
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

/** Removes the lines of a table at the end. Only a line after a table ends it. */
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

/** Marked thinking at the beginning of an answer. */
const THINKING = /^\s*<(?:think|thinking|reasoning|thought)>/i;

/** The end of thinking, on a line of its own. */
const END_OF_THINKING = /^[ \t]*<\/(?:think|thinking|reasoning|thought)>[ \t]*$/im;

/**
 * How an answer marks the model's thinking: from its beginning, only its end, or not at all.
 *
 * Some servers write the start mark for the model. Then its first words look like an answer until
 * the end mark arrives.
 */
export function thinkingIn(text: string): "marked" | "ended" | "none" {
  if (THINKING.test(text)) return "marked";
  return END_OF_THINKING.test(text) ? "ended" : "none";
}
