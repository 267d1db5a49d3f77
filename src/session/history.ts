/**
 * Chooses the part of a transcript that a model sees.
 *
 * A transcript only grows, but a model's context window does not. The cut is between turns, never
 * within one: an answer without its question misleads.
 *
 * @module
 */

import type { Window } from "../core/abilities.ts";
import { type Entry, lengthOf } from "../core/inbound/transcript.ts";
import { FIRST_TOKENS_PER_CHAR } from "./token_rates.ts";

/** Limits of the selected history. */
export interface HistoryLimits {
  /** Maximum number of user turns; as many as fit if absent (H2). */
  readonly userTurns?: number;
  /** Maximum length of all entries together, in UTF-16 units. */
  readonly maxChars: number;
}

/**
 * Selects the newest turns that fit.
 *
 * A turn begins with a user's entry. Entries before the first user's entry are left out, because
 * models expect the user to begin.
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
    chars += lengthOf(entry);
    if (chars > maxChars) break;
    if (entry.role === "user") {
      start = index;
      turns += 1;
    }
  }
  return entries.slice(start);
}

/** Maximum number of tokens kept free for errors of the estimate, and their share of a window. */
const RESERVE = { tokens: 4_000, share: 1 / 8 };

/** Tokens of a model's window that a request may take. */
export function requestTokens({ contextWindow, maxOutput }: Window): number {
  const reserve = Math.min(RESERVE.tokens, Math.floor(contextWindow * RESERVE.share));
  return Math.max(0, contextWindow - maxOutput - reserve);
}

/**
 * How many characters of a model's context window the history may take.
 *
 * @param otherChars UTF-16 units of the rest of the request: the system prompt and the turn's own
 * message.
 */
export function historyChars(
  window: Window,
  otherChars: number,
  tokensPerChar: number = FIRST_TOKENS_PER_CHAR,
): number {
  return Math.max(0, Math.floor(requestTokens(window) / tokensPerChar) - otherChars);
}
