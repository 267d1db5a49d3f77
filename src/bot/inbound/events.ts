/**
 * The events of an account's inbound side, which the account joins to its other parts.
 *
 * @module
 */

import type { Changed, Foreign, Judged } from "../../core/inbound/inbox.ts";

/** The events of an account's inbound side. */
export interface InboundEvents {
  /** These messages wait for a turn now. */
  accepted(judged: readonly Judged[]): void;
  /** A question by a command waits for a turn. */
  asked(): void;
  /** The store holds every batch up to the one with this ticket. */
  committed(ticket: number): void;
  /** A shard's session lacks events, so it needs a new session. */
  sessionDue(shardId: number): void;
  /** A shard's new session is about to be stored; again after the store refused it. */
  sessionStarting(shardId: number): void;
  /** A shard's new session is stored; its events are not yet. */
  sessionStarted(shardId: number): void;
  /** A guild has appeared, changed or gone. */
  guildsChanged(): void;
  /** Waiting or running messages have changed, or have lost their turns (H6, S5). */
  touched(changed: Changed): void;
  /** Messages of the bot arrived that this store did not send (G11). */
  foreign(found: readonly Foreign[]): void;
}
