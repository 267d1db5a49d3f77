/**
 * Decides which entries of a transcript a summary takes the place of.
 *
 * @module
 */

import type { Window } from "../core/abilities.ts";
import { type Entry, lengthOf } from "../core/inbound/transcript.ts";
import { historyChars } from "./history.ts";

/** Share of the window at which older entries are folded. */
const FOLD_AT = 0.75;
/** Number of tokens of the newest entries that are never folded, and their share of a small window. */
const KEPT_TOKENS = 20_000;
const KEPT_SHARE = 0.3;
/** Their maximum share of the room beside prompt and tools: the next turns need the rest. */
const KEPT_ROOM = 0.5;

/** Share of the window that the folded entries must have at least. */
const LEAST_SHARE = 0.15;

/** The most entries that a turn shows to the model. */
export const MAX_ENTRIES = 1_000;
/** Maximum number of entries that stay if older ones are folded. */
const KEPT_ENTRIES = 400;

/** The size of a request. */
export interface RequestSize {
  /** UTF-16 units of everything beside the entries: prompt, tools, summary, and the message. */
  readonly otherChars: number;
  /** The model's window. */
  readonly window: Window;
  /** Estimated tokens per UTF-16 unit. */
  readonly tokensPerChar: number;
}

/** Whether a request is large enough that older entries should be folded. */
export function shouldFold(entries: readonly Entry[], size: RequestSize): boolean {
  if (entries.length >= MAX_ENTRIES * FOLD_AT) return true;
  const all = historyChars(size.window, 0, size.tokensPerChar);
  return charsOf(entries) + size.otherChars >= all * FOLD_AT;
}

/**
 * UTF-16 units of the newest entries that stay when older ones are folded. They fit into the request:
 * the model would know nothing of an entry that is neither shown nor in a summary.
 */
export function keptChars({ window, tokensPerChar, otherChars }: RequestSize): number {
  const all = historyChars(window, 0, tokensPerChar);
  const room = historyChars(window, otherChars, tokensPerChar);
  return Math.floor(Math.min(KEPT_TOKENS / tokensPerChar, all * KEPT_SHARE, room * KEPT_ROOM));
}

/**
 * Finds the entries to fold. The cut is before a user's entry: a tool call and its results stay
 * together, and so do a question and its answer.
 *
 * @param entries Oldest first.
 * @param keep Maximum UTF-16 units of the entries that stay.
 * @returns Number of entries to fold, from the oldest; 0 if all stay.
 */
export function foldCount(entries: readonly Entry[], keep: number): number {
  let chars = 0;
  let count = entries.length;
  for (let index = entries.length - 1; index >= 0; index--) {
    const entry = entries[index];
    if (!entry) break;
    chars += lengthOf(entry);
    if (chars > keep || entries.length - index > KEPT_ENTRIES) return count;
    if (entry.role === "user") count = index;
  }
  return 0;
}

/**
 * Whether folding makes enough room: each summary costs a request. Without that, a small window
 * with many tools would look full at each turn.
 *
 * @param entries Oldest first.
 */
export function isWorthFolding(entries: readonly Entry[], size: RequestSize): boolean {
  if (entries.length >= MAX_ENTRIES / 2) return true;
  const folded = entries.slice(0, foldCount(entries, keptChars(size)));
  return charsOf(folded) >= historyChars(size.window, 0, size.tokensPerChar) * LEAST_SHARE;
}

/** UTF-16 units of entries. */
export function charsOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + lengthOf(entry), 0);
}
