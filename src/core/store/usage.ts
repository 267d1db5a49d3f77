/** Values of `store.usage`: sums of the use of models (L5, X4). */

import type { Charge } from "../spending/usage.ts";

/** A sum of requests. */
export interface UsageSum
  extends Pick<Charge, "inputTokens" | "cachedTokens" | "outputTokens" | "audioSec"> {
  /** Number of requests. */
  readonly requests: number;
  /** Millionths of the currency, of requests with a known price. */
  readonly micros: number;
  /** Number of requests without a known price. */
  readonly unpriced: number;
  /** Milliseconds of all requests together. */
  readonly ms: number;
}

/** A field by which sums can be grouped. */
export type UsageField = "day" | "user" | "channel" | "guild" | "agent" | "model" | "kind";
