/**
 * What commands and components may use of the bot.
 *
 * @module
 */

import type { PairingOutcome, PairingRequest } from "../core/inbound/pairing.ts";
import type { AccountId } from "../core/discord/ids.ts";
import type { Frozen } from "../core/outbound/outbound.ts";
import type { Log } from "../lib/log.ts";
import type { Texts } from "../render/notices.ts";

export interface PairingDecision {
  readonly accountId: AccountId;
  readonly by: { readonly button: string };
  /** Ignored: the button says. */
  readonly how: "approve" | "deny";
  /** The user who decided. */
  readonly decidedBy: string;
  /** Unix time in milliseconds. */
  readonly now: number;
  /** What the person who is let in is told, stored in the same transaction. */
  readonly notify: (request: PairingRequest) => readonly Frozen[];
}

/** How the account is, for `/status`. */
export interface StatusFacts {
  /** Barnacle's own. */
  readonly version: string;
  /** `"<provider>/<model>"`. */
  readonly modelId: string;
  /** Unix time in milliseconds since which the model has failed; absent while it answers. */
  readonly modelFailsSince?: number;
  /** Unix time in milliseconds since which the gateway session is ready. */
  readonly readyAt: number;
  /** Of the last heartbeat, in milliseconds; absent before the first. */
  readonly latencyMs?: number;
}

export interface InteractionContext {
  readonly pairing: { decide(decision: PairingDecision): Promise<PairingOutcome> };
  /** The outbox has a new row about this request. */
  readonly onOutbox: (request: PairingRequest) => void;
  readonly status: () => StatusFacts;
  readonly texts: () => Texts;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}
