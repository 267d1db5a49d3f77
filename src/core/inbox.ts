/**
 * Messages that are stored and not yet answered.
 *
 * @module
 */

import type { InboundMessage } from "./inbound.ts";
import type { Verdict } from "./verdict.ts";

/** A message with what was decided of it: one row of T1. */
export interface Judged {
  readonly message: InboundMessage;
  readonly verdict: Verdict;
  /** Set where the verdict is to accept it. */
  readonly route?: Route;
}

/** Who answers a message, and in which session. */
export interface Route {
  readonly agentId: string;
  /** `"agent:main:main"`, `"agent:main:discord:channel:<id>"` (S1). */
  readonly sessionKey: string;
}

/** A message that a turn was begun for (T2). */
export interface Claim {
  readonly message: InboundMessage;
  readonly route: Route;
  /** From 1; more where a turn was interrupted by a crash. */
  readonly attempt: number;
}
