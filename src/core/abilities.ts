/**
 * What a model can do (L4): from the config, or as its server reports it.
 *
 * @module
 */

/** Abilities of a model. An absent one is not known. */
export interface Abilities {
  /** Tokens that a request and its answer may have together. */
  readonly contextWindow?: number;
  /** Maximum tokens of an answer. */
  readonly maxOutput?: number;
  /** Whether it takes images. */
  readonly images?: boolean;
  /** Whether it can call tools. */
  readonly tools?: boolean;
}

/** The room of a model, in tokens. */
export interface Window {
  /** Tokens that a request and its answer may have together. */
  readonly contextWindow: number;
  /** Tokens that are kept free for the answer. */
  readonly maxOutput: number;
  /** Set while the server has not told the room yet: then it is an assumption, often too small. */
  readonly isPending?: true;
}

/** The room of a model that reports none, in tokens. */
export const UNKNOWN_WINDOW: Window = { contextWindow: 8_192, maxOutput: 1_024 };

/** Room for an answer, if the model has a known window and no known limit of answers. */
const ANSWER_TOKENS = 4_096;
/** Maximum share of the window that is kept free for the answer. */
const ANSWER_SHARE = 0.25;

/** The room of a model by its abilities. */
export function windowOf({ contextWindow, maxOutput }: Abilities): Window {
  if (contextWindow === undefined) {
    const { contextWindow: all, maxOutput: rest } = UNKNOWN_WINDOW;
    return { contextWindow: all, maxOutput: Math.min(maxOutput ?? rest, all * ANSWER_SHARE) };
  }
  const most = Math.floor(contextWindow * ANSWER_SHARE);
  return { contextWindow, maxOutput: Math.min(maxOutput ?? ANSWER_TOKENS, most) };
}
