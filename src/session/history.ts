/**
 * Chooses what of a transcript a model is shown.
 *
 * A transcript only grows, a model's window does not. It is cut between turns,
 * never within one: an answer without its question misleads.
 *
 * @module
 */

import type { Entry } from "../core/inbound/transcript.ts";

export interface HistoryLimits {
  /** User turns, at most; absent: as many as fit (H2). */
  readonly userTurns?: number;
  /** UTF-16 units in all entries together. */
  readonly maxChars: number;
}

/**
 * The newest turns that fit.
 *
 * A turn begins with a user's entry. What a transcript begins with before the
 * first user's entry belongs to none and is left out, because models want to
 * be spoken to first.
 *
 * @param entries Oldest first.
 * @returns A tail of `entries`, oldest first.
 */
export function selectEntries(
  entries: readonly Entry[],
  { userTurns = Infinity, maxChars }: HistoryLimits,
): readonly Entry[] {
  let start = entries.length;
  let turns = 0;
  let chars = 0;
  for (let index = entries.length - 1; index >= 0; index--) {
    const entry = entries[index];
    if (!entry || turns === userTurns) break;
    chars += entry.text.length;
    if (chars > maxChars) break;
    if (entry.role === "user") {
      start = index;
      turns += 1;
    }
  }
  return entries.slice(start);
}

/** Tokens to one UTF-16 unit, roughly: English has 0.25, code and other languages more. */
const TOKENS_PER_CHAR = 0.3;

/** Tokens kept free for what the estimate gets wrong. */
const RESERVE_TOKENS = 4_000;

/**
 * How many characters of a model's window the history may have.
 *
 * @param window In tokens.
 * @param otherChars UTF-16 units of the request beside the history: the system
 * prompt and the turn's own message.
 */
export function historyChars(
  window: { readonly contextWindow: number; readonly maxOutput: number },
  otherChars: number,
): number {
  const tokens = window.contextWindow - window.maxOutput - RESERVE_TOKENS;
  return Math.max(0, Math.floor(tokens / TOKENS_PER_CHAR) - otherChars);
}
