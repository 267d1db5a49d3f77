/**
 * What a channel's queue does when it is full (D4).
 *
 * The store knows what waits, and only within the transaction that adds to it;
 * what is to become of it is decided by a plan that it is handed.
 *
 * @module
 */

import type { Frozen, OutboundMessage } from "../outbound/outbound.ts";

/** A message of the outbox that was never sent, nor tried. */
export interface Waiting {
  /** Of its row. */
  readonly id: number;
  readonly message: OutboundMessage;
  /** The whole text of the answer that it begins, or the text of the file that it carries. */
  readonly whole?: string;
  readonly fileCount: number;
}

/** `channels.discord.rateLimit`, as far as it bounds what waits. */
export interface QueueRules {
  readonly strategy: "queue" | "drop";
  /** Messages of one channel that wait, at most. */
  readonly maxQueueSize: number;
}

export type QueuePlan =
  | { readonly kind: "add" }
  /** One message takes the place of what came in and of rows that wait. */
  | {
    readonly kind: "fold";
    readonly into: Frozen;
    /** Ids of the rows that it takes the place of. */
    readonly rows: readonly number[];
    /** Answers that are in it. */
    readonly answers: number;
  }
  /** What came in is kept as dropped, and never sent. */
  | { readonly kind: "drop"; readonly reason: string };

/**
 * Decides what becomes of messages that are to be added to a channel's queue.
 *
 * @param waiting What waits in their channel, oldest first; asked for only where it would be too
 * much.
 */
export interface PlanQueue {
  readonly maxQueueSize: number;
  plan(waiting: readonly Waiting[], incoming: readonly Frozen[]): QueuePlan;
}
