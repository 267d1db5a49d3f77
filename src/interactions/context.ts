/**
 * Declares the parts of the bot that commands and components may use.
 *
 * @module
 */

import type { PairingDecision, PairingOutcome, PairingRequest } from "../core/inbound/pairing.ts";
import type { Log } from "../lib/log.ts";
import type { Texts } from "../render/notices.ts";

/** The state of an account, for `/status`. */
export interface StatusFacts {
  /** Barnacle's version. */
  readonly version: string;
  /** `"<provider>/<model>"`. */
  readonly modelId: string;
  /** Unix time in milliseconds since which the model has failed; absent while it answers. */
  readonly modelFailsSince?: number;
  /** Unix time in milliseconds since which the gateway session is ready. */
  readonly readyAt: number;
  /** Round trip of the last heartbeat, in milliseconds; absent before the first. */
  readonly latencyMs?: number;
}

/** A person's use of the models. */
export interface UsageFigures {
  /** Number of requests to models. */
  readonly requests: number;
  /** Tokens of requests, cached ones included. */
  readonly inputTokens: number;
  /** Those of them that servers had cached. */
  readonly cachedTokens: number;
  /** Tokens of answers. */
  readonly outputTokens: number;
  /** Millionths of the config's currency, of requests with a known price. */
  readonly micros: number;
  /** Number of requests without a known price. */
  readonly unpriced: number;
}

/** Everything that a command or component may read and do, beside its own interaction. */
export interface InteractionContext {
  /** Approves or denies pairing requests; rejects if the store fails. */
  readonly pairing: { decide(decision: PairingDecision): Promise<PairingOutcome> };
  /** Tells that the outbox has a new row about this request. */
  readonly onOutbox: (request: PairingRequest) => void;
  /** Reads the account's state at this moment. */
  readonly status: () => StatusFacts;
  /** Sums a person's use of the models from a UTC day on; rejects if the store fails. */
  readonly usage: { sum(fromDay: number, userId: string): Promise<UsageFigures> };
  /** Notices in the words of the config, read anew for each interaction. */
  readonly texts: () => Texts;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Gets decisions and failures; never a token, nor words of a person. */
  readonly log: Log;
}
