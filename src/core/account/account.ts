/**
 * Declares the context of one account: everything that its flows share.
 *
 * A flow takes the account, or a `Pick` of it, and beside it only what is special to the flow.
 * Policy, render and the agent's decisions never take it: they get facts.
 */

import type { Clock, StartTimer } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { AccountId } from "../discord/ids.ts";
import type { Self } from "../inbound/inbound.ts";
import type { ContextWindow } from "../model.ts";

/**
 * The context of one account. `bot/account_context.ts` makes it. Types of upper folders are
 * parameters, because a flow that needs them names them itself.
 */
export interface Account<Store = unknown, Policy = unknown, Config = unknown> extends Clock {
  readonly accountId: AccountId;
  /** The current config; a reload replaces it as a whole (C9). */
  readonly config: () => Config;
  /** The store; each method is one transaction. */
  readonly store: Store;
  /** The current policy, which a reload or a resolved name replaces as a whole. */
  readonly policy: () => Policy;
  /** The bot's own user at Discord; `undefined` until READY, unless the store knows it. */
  readonly self: () => Self | undefined;
  /** A random number from 0 up to, but not including, 1. */
  readonly random: () => number;
  /**
   * 12 random hex digits: for boundaries that no person can guess, and for ids that a person can
   * copy.
   */
  readonly randomId: () => string;
  /** This many cryptographically random bytes. */
  readonly draw: (count: number) => Uint8Array;
  readonly schedule: StartTimer;
  readonly log: Log;
  /** The same account with the log of another part. */
  forPart(part: string): this;
  /** Aborted when the grace period of a stop is over. */
  readonly stopping: AbortSignal;
  /** Aborted when the account ends by itself: no turn begins after that. */
  readonly ended: AbortSignal;
}

/** The state of an account, for `/status`. */
export interface StatusFacts {
  /** With the commit, if it is known. */
  readonly version: string;
  /** The model of the conversation, as `"<provider>/<model>"`. */
  readonly modelId: string;
  /** The fallback that answers for it; absent if none does. */
  readonly fallbackId?: string;
  /** Unix time in milliseconds since which it has failed; absent while it answers. */
  readonly modelFailsSince?: number;
  /** The window of the conversation's model; absent if not known. */
  readonly window?: ContextWindow;
  /** Problems of the account, in words; absent if the asker is no owner. */
  readonly warnings?: readonly string[];
  readonly readyAt: number;
  /** Round trip of the last heartbeat, in milliseconds; absent before the first. */
  readonly latencyMs?: number;
}
