/**
 * One request that leaves: it holds its lane, and a place in its bucket, until it ends.
 *
 * @module
 */

import type { Route } from "../exchange/route.ts";
import type { Bucket } from "./buckets.ts";
import type { Lane } from "./lane.ts";
import type { Limits } from "./limits.ts";
import type { Terms } from "./ticket.ts";

/** A request that leaves. It ends by `again` or `done`. */
export interface Passage {
  /** Milliseconds that it waited for limits, as the next of its lane. */
  readonly waitMs: number;
  /** Its request is on its way: by now, it counts. */
  left(): void;
  /**
   * Keeps what its answer said; nothing for no answer.
   *
   * @returns Milliseconds for which a 429 closes its bucket, or all; else 0.
   */
  note(limits?: Limits): number;
  /** Takes its turn once more, not before `afterMs`, and before the others of its lane. */
  again(afterMs: number): Promise<Passage>;
  /** Lets the next of the lane go; harmless afterwards. */
  done(): void;
}

/** A request at the moment at which it leaves. */
export interface Departure<T> {
  readonly lane: Lane<T>;
  readonly terms: Terms;
  readonly bucket: Bucket;
  /** Milliseconds that it waited for limits, as the next of its lane. */
  readonly waitMs: number;
  /** By the steady clock. */
  readonly at: number;
}

export interface PassagePorts {
  /** One that was to leave at a moment is on its way only now. */
  left(takenAt: number): void;
  /**
   * An answer came, or none will: its bucket has one request less under way.
   *
   * @returns Milliseconds for which a 429 closes its bucket, or all; else 0.
   */
  answered(route: Route, bucket: Bucket, limits: Limits | undefined): number;
  /** Stands in line once more, not before `afterMs` and before the others of its lane. */
  again(lane: Lane<Passage>, terms: Terms, afterMs: number): Promise<Passage>;
  /** The lane is free for its next. */
  freed(lane: Lane<Passage>): void;
}

export function createPassage(
  { lane, terms, bucket, waitMs, at }: Departure<Passage>,
  ports: PassagePorts,
): Passage {
  lane.isHeld = true;
  lane.entry = undefined;
  bucket.underWay++;
  let isUnderWay = true;
  let isOver = false;

  function note(limits?: Limits): number {
    if (!isUnderWay) return 0;
    isUnderWay = false;
    bucket.underWay--;
    return ports.answered(lane.route, bucket, limits);
  }

  function end(): boolean {
    if (isOver) return false;
    isOver = true;
    note();
    lane.isHeld = false;
    return true;
  }

  return {
    waitMs,
    left: () => ports.left(at),
    note,
    again(afterMs) {
      if (!end()) return Promise.reject(new Error("Cannot go again: the passage is over"));
      return ports.again(lane, terms, afterMs);
    },
    done() {
      if (end()) ports.freed(lane);
    },
  };
}
