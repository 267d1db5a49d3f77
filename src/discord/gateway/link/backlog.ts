/**
 * Counts the dispatches that the main thread has not committed, and bounds them in bytes.
 *
 * While the backlog is full, the shard does not read its socket. So memory stays bounded, and
 * Discord keeps the unread events.
 *
 * @module
 */

import type { Progress } from "./position.ts";

/** A batch that main has not committed yet. */
export interface SentBatch extends Progress {
  /** Number of the batch, from 1. */
  readonly number: number;
  /** Dispatches in the batch. */
  readonly count: number;
  /** Bytes of those dispatches. */
  readonly bytes: number;
}

/** The uncommitted dispatches of one shard. */
export interface Backlog {
  /** Counts a dispatch that will be part of a batch. */
  add(bytes: number): void;
  /** Records that the counted dispatches were sent as a batch. */
  sent(batch: SentBatch): void;
  /**
   * Removes the batches that the main thread has committed.
   *
   * @param number Number of the last committed batch.
   * @returns The new committed position; `undefined` without a new commit.
   */
  committed(number: number): Progress | undefined;
  /** Whether the main thread has committed every batch. */
  readonly isEmpty: boolean;
  /** Whether the bound is reached. */
  readonly isFull: boolean;
  /** Number of dispatches that are not committed yet. */
  readonly uncommitted: number;
}

/**
 * Creates an empty backlog.
 *
 * @param maxBytes Bytes from which on it is full.
 * @param onFull Called when `isFull` changes.
 */
export function createBacklog(maxBytes: number, onFull: (isFull: boolean) => void): Backlog {
  const underWay: SentBatch[] = [];
  let uncommitted = 0;
  let bytes = 0;
  let isFull = false;

  function updateFullness(): void {
    const isNow = bytes >= maxBytes;
    if (isNow === isFull) return;
    isFull = isNow;
    onFull(isFull);
  }

  return {
    add(cost) {
      uncommitted++;
      bytes += cost;
      updateFullness();
    },
    sent: (batch) => void underWay.push(batch),
    committed(upTo) {
      let last: Progress | undefined;
      for (let first = underWay[0]; first && first.number <= upTo; first = underWay[0]) {
        underWay.shift();
        last = { epoch: first.epoch, seq: first.seq };
        uncommitted -= first.count;
        bytes -= first.bytes;
      }
      updateFullness();
      return last;
    },
    get isEmpty() {
      return underWay.length === 0;
    },
    get isFull() {
      return isFull;
    },
    get uncommitted() {
      return uncommitted;
    },
  };
}
