/**
 * Declares the parts of the bot that commands and components may use.
 *
 * @module
 */

import type { PairingOutcome, PairingRequest } from "../core/inbound/pairing.ts";
import type { AccountId } from "../core/discord/ids.ts";
import type { Frozen } from "../core/outbound/outbound.ts";
import type { Log } from "../lib/log.ts";
import type { Texts } from "../render/notices.ts";

/** A decision on a pairing request, as a pressed button asks for it. */
export interface PairingDecision {
  /** The account that got the interaction. */
  readonly accountId: AccountId;
  /** The button's `custom_id`, which stands for one request and one answer to it. */
  readonly by: { readonly button: string };
  /** Ignored: the button says. */
  readonly how: "approve" | "deny";
  /** The user who decided. */
  readonly decidedBy: string;
  /** Unix time in milliseconds. */
  readonly now: number;
  /** Composes the messages for the approved person; the same transaction stores them. */
  readonly notify: (request: PairingRequest) => readonly Frozen[];
}

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

/** Everything that a command or component may read and do, beside its own interaction. */
export interface InteractionContext {
  /** Approves or denies pairing requests; rejects if the store fails. */
  readonly pairing: { decide(decision: PairingDecision): Promise<PairingOutcome> };
  /** Tells that the outbox has a new row about this request. */
  readonly onOutbox: (request: PairingRequest) => void;
  /** Reads the account's state at this moment. */
  readonly status: () => StatusFacts;
  /** Notices in the words of the config, read anew for each interaction. */
  readonly texts: () => Texts;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Gets decisions and failures; never a token, nor words of a person. */
  readonly log: Log;
}
