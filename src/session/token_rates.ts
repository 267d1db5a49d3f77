/**
 * Estimates how many tokens a text has, from the token counts of earlier answers.
 *
 * A tokenizer of each model would need megabytes. So each model has an average of its own.
 *
 * @module
 */

/** Tokens per UTF-16 unit before the first count: English has 0.25, code and other languages more. */
export const FIRST_TOKENS_PER_CHAR = 0.3;

/** Weight of a new count in the average. */
const WEIGHT = 0.2;
/** Counts outside of these bounds are errors of the server. */
const LEAST = 0.05;
const MOST = 4;
/** Requests shorter than this tell too little: templates of the server add tokens of their own. */
const LEAST_CHARS = 500;
/** Maximum number of models to keep averages of. */
const MODELS_MAX = 64;

/** Averages by model. */
export interface TokenRates {
  /** Estimated tokens per UTF-16 unit. */
  rateOf(modelId: string): number;
  /** Notes how many tokens the server counted in a request. */
  observe(modelId: string, chars: number, inputTokens: number): void;
}

/** Creates averages without counts. */
export function createTokenRates(): TokenRates {
  const rates = new Map<string, number>();
  return {
    rateOf: (modelId) => rates.get(modelId) ?? FIRST_TOKENS_PER_CHAR,
    observe(modelId, chars, inputTokens) {
      const counted = inputTokens / chars;
      if (chars < LEAST_CHARS || !(counted >= LEAST && counted <= MOST)) return;
      const known = rates.get(modelId) ?? FIRST_TOKENS_PER_CHAR;
      if (!rates.has(modelId) && rates.size >= MODELS_MAX) rates.clear();
      rates.set(modelId, known + WEIGHT * (counted - known));
    },
  };
}
