/**
 * Divides a model's context window: which entries of a transcript a request shows, which a summary
 * replaces, and how much room is left for the steps of the running turn.
 *
 * A transcript only grows, but a model's context window does not. The cut is between turns, never
 * within one: an answer without its question misleads. A tokenizer of each model would need
 * megabytes, so Barnacle estimates tokens by an average of each model's earlier answers.
 */

import type { ContextWindow } from "../core/model.ts";
import { lengthOf } from "../core/fit_request.ts";
import type { Entry } from "../core/inbound/mentions.ts";

/**
 * Selects the newest turns that fit.
 *
 * A turn begins with a user's entry. Entries before the first user's entry are left out, because
 * models expect the user to begin.
 *
 * @param limits `userTurns`: maximum number of user turns; as many as fit if absent (H2). `maxChars`:
 * maximum UTF-16 units of all entries together.
 * @param entries Oldest first.
 * @returns A tail of `entries`, oldest first.
 */
export function selectEntries(
  entries: readonly Entry[],
  { userTurns = Infinity, maxChars }: { readonly userTurns?: number; readonly maxChars: number },
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
export function requestTokens({ contextWindow, maxOutput }: ContextWindow): number {
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
  window: ContextWindow,
  otherChars: number,
  tokensPerChar: number = FIRST_TOKENS_PER_CHAR,
): number {
  return Math.max(0, Math.floor(requestTokens(window) / tokensPerChar) - otherChars);
}

/** Tokens per UTF-16 unit before the first count: English has 0.25, code and other languages more. */
export const FIRST_TOKENS_PER_CHAR = 0.3;

const WEIGHT = 0.2;
/** Counts outside of these bounds are errors of the server. */
const LEAST = 0.05;
const MOST = 4;
/** Requests shorter than this tell too little: templates of the server add tokens of their own. */
const LEAST_CHARS = 500;
/** Maximum number of models to keep averages of. */
const MODELS_MAX = 64;

/** Creates averages without counts. */
export function createTokenRates() {
  const rates = new Map<string, number>();
  return {
    /** Estimated tokens per UTF-16 unit. */
    rateOf: (modelId: string): number => rates.get(modelId) ?? FIRST_TOKENS_PER_CHAR,
    /** Notes how many tokens the server counted in a request. */
    observe(modelId: string, chars: number, inputTokens: number): void {
      const counted = inputTokens / chars;
      if (chars < LEAST_CHARS || !(counted >= LEAST && counted <= MOST)) return;
      const known = rates.get(modelId) ?? FIRST_TOKENS_PER_CHAR;
      if (!rates.has(modelId) && rates.size >= MODELS_MAX) rates.clear();
      rates.set(modelId, known + WEIGHT * (counted - known));
    },
  };
}

/** Averages by model. */
export type TokenRates = ReturnType<typeof createTokenRates>;

/** Share of the window at which older entries are folded after an answer. */
export const FOLD_AT = 0.75;
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

export interface RequestSize {
  /** UTF-16 units of everything beside the entries: prompt, tools, summary, and the message. */
  readonly otherChars: number;
  readonly window: ContextWindow;
  /** Estimated tokens per UTF-16 unit. */
  readonly tokensPerChar: number;
}

/**
 * Whether a request is large enough that older entries should be folded.
 *
 * @param share Of the window; at 1, a request would lack entries.
 */
export function shouldFold(
  { count, chars }: {
    readonly count: number;
    /** Their UTF-16 units. */
    readonly chars: number;
  },
  size: RequestSize,
  share: number = FOLD_AT,
): boolean {
  if (count >= MAX_ENTRIES * share) return true;
  const all = historyChars(size.window, 0, size.tokensPerChar);
  return chars + size.otherChars >= all * share;
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
  let chars = 0;
  for (const entry of entries) chars += lengthOf(entry);
  return chars;
}

/** Number of pieces of the room that the history gives up, one after another. */
const PIECES = 8;
/** Share of the room that the steps may take. Beyond it, their oldest results are cleared. */
const STEPS_SHARE = 0.75;

/** Entries with their length, so that a turn does not count each of a long session again. */
export interface CountedEntries {
  /** Oldest first. */
  readonly entries: readonly Entry[];
  /** Their UTF-16 units. */
  readonly chars: number;
}

export interface Room {
  /** The entries that the model sees, oldest first. */
  readonly entries: readonly Entry[];
  /** UTF-16 units that the steps may take. */
  readonly stepChars: number;
}

/**
 * Shares the room.
 *
 * @param freeChars UTF-16 units for history and steps together.
 * @param stepChars UTF-16 units of all steps so far; 0 before the first.
 * @param userTurns Maximum number of user turns; as many as fit if absent.
 */
export function shareRoom(
  history: CountedEntries,
  { freeChars, stepChars, userTurns }: {
    readonly freeChars: number;
    readonly stepChars: number;
    readonly userTurns?: number;
  },
): Room {
  const piece = Math.max(1, Math.floor(freeChars / PIECES));
  const taken = Math.min(Math.ceil(stepChars / piece) * piece, Math.floor(freeChars * STEPS_SHARE));
  const maxChars = freeChars - taken;
  const fits = userTurns === undefined && history.chars <= maxChars &&
    history.entries[0]?.role === "user"; // most turns
  if (fits) return { entries: history.entries, stepChars: Math.max(0, freeChars - history.chars) };
  const entries = selectEntries(history.entries, { maxChars, userTurns });
  return { entries, stepChars: Math.max(0, freeChars - charsOf(entries)) };
}
