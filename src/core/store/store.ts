/** Values of the store about its health, its failures, and forgotten people. */

import type { Verdict } from "../inbound/verdict.ts";

/** The store's counts at one moment. */
export interface StoreFigures {
  /** Messages that a turn will answer or is answering. */
  readonly inbox: {
    readonly waiting: number;
    readonly running: number;
    /** Unix time in milliseconds at which the oldest waiting message was accepted. */
    readonly oldestWaitingAt?: number;
  };
  readonly outbox: {
    readonly pending: number;
    readonly sending: number;
    /** Messages that Discord may or may not have received. */
    readonly uncertain: number;
    /** Messages that Discord refuses for good. */
    readonly dead: number;
    /** Unsent messages in parked channels; neither pending nor sending, and not late. */
    readonly parked: number;
    readonly parkedChannels: number;
    /** Unix time in milliseconds at which the oldest that is pending or sending was frozen. */
    readonly oldestUnsentAt?: number;
  };
  /** Verdicts since the start, by kind and reason, in the order of their first occurrence. */
  readonly decisions: readonly DecisionCount[];
}

export interface DecisionCount {
  readonly verdict: Verdict["kind"];
  readonly why: Verdict["why"];
  /** Number of messages since the start, at least 1. */
  readonly count: number;
}

/** The rows that a forgotten person was in. */
export interface Forgotten {
  /** Number of deleted and of changed rows, by table; only tables with one. */
  readonly tables: Readonly<Record<string, { readonly deleted: number; readonly changed: number }>>;
}

/** A failure of the disk or of the database file. */
export interface StoreFailure {
  readonly kind: StoreErrorKind;
  /** Milliseconds since the failure. */
  readonly ageMs: number;
}

/**
 * The kinds of failure, with the next step of each.
 *
 * - `damaged`: the file is not a valid database; stop, ask the operator for a backup.
 * - `newer`: a newer Barnacle wrote it; stop, run that one.
 * - `unwritable`: the folder cannot be written to, or not kept private; stop, ask the operator.
 * - `full`: the disk is full; accept nothing, try again.
 * - `gone`: the file was removed or replaced during the run; stored data is lost when the process
 *   ends.
 * - `unavailable`: the disk or another process prevents access; accept nothing, try again.
 */
export type StoreErrorKind = "damaged" | "newer" | "unwritable" | "full" | "gone" | "unavailable";
