/**
 * Counts the dispatches that the main thread has not committed, and bounds them in bytes.
 *
 * While the backlog is full the socket is not read: memory is finite, and Discord keeps what we do
 * not read.
 *
 * @module
 */

import type { Progress } from "./position.ts";

/** A batch that main has not committed yet. */
export interface SentBatch extends Progress {
  readonly number: number;
  /** Dispatches in it, and their bytes. */
  readonly count: number;
  readonly bytes: number;
}

export interface Backlog {
  /** A dispatch came; main holds it, or will. */
  add(bytes: number): void;
  /** Dispatches that were added left as a batch. */
  sent(batch: SentBatch): void;
  /**
   * The main thread has stored everything up to the batch of this number.
   *
   * @returns How far that goes; `undefined` if it was known.
   */
  committed(number: number): Progress | undefined;
  /** Whether main has committed every batch. */
  readonly isEmpty: boolean;
  readonly isFull: boolean;
  /** Dispatches that are not committed yet. */
  readonly uncommitted: number;
}

/**
 * @param maxBytes From so many bytes on it is full.
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
