/**
 * What to do with new messages if a channel's queue is full (D4).
 *
 * Only the store knows the waiting messages, within the transaction that adds to them. So the store
 * gets a plan that decides.
 */

import type { Frozen, OutboxRow } from "./outbound.ts";

/** A message in the outbox without any attempt. */
export interface Waiting extends Pick<OutboxRow, "id" | "message" | "fileCount"> {
  /**
   * The whole text of the answer that it begins, or the text of the file that it carries; else
   * absent.
   */
  readonly whole?: string;
}

/** The part of `channels.discord.rateLimit` that bounds the queue. */
export interface QueueRules {
  /** `queue`: fold messages beyond the bound into one. `drop`: drop the new ones. */
  readonly strategy: "queue" | "drop";
  /** Maximum number of waiting messages per channel. */
  readonly maxQueueSize: number;
}

export type QueuePlan =
  | { readonly kind: "add" }
  /** One message replaces the new ones and some waiting rows. */
  | {
    readonly kind: "fold";
    /** The message to queue in place of the new and the waiting ones. */
    readonly into: Frozen;
    /** Ids of the waiting rows that it replaces. */
    readonly rows: readonly number[];
    /** Number of answers that it contains. */
    readonly answers: number;
  }
  /** The store keeps the new messages as dropped, and never sends them. */
  | { readonly kind: "drop"; readonly reason: string };

/** Decides about messages that are to join a channel's queue. */
export interface PlanQueue {
  /** Maximum number of waiting messages per channel; beyond it, the store asks for a plan. */
  readonly maxQueueSize: number;
  /**
   * Makes a plan for messages that do not fit.
   *
   * @param waiting The channel's waiting messages, oldest first.
   */
  plan(waiting: readonly Waiting[], incoming: readonly Frozen[]): QueuePlan;
}
