/**
 * Tracks the queues that wait for room in a bucket: until a time, or until a response arrives.
 *
 * @module
 */

import { MAX_TIMER_MS, type StartTimer } from "../../../lib/clock.ts";
import type { Bucket } from "./buckets.ts";
import type { RequestQueue } from "./request_queue.ts";

/** The queues that wait for room, by bucket. */
export interface BucketWaits<T> {
  /**
   * Starts a queue's wait.
   *
   * @param ms Maximum wait in milliseconds; Infinity if only a response can end it.
   * @param onOver Called when the time is over, or earlier if it exceeds the longest timer.
   */
  begin(queue: RequestQueue<T>, bucket: Bucket, ms: number, onOver: () => void): void;
  /** Ends a queue's wait, if it waits. */
  end(queue: RequestQueue<T>): void;
  /** The queues that wait for a bucket now. */
  of(bucket: Bucket): readonly RequestQueue<T>[];
}

/** Creates an empty set of waits. */
export function createBucketWaits<T>(schedule: StartTimer): BucketWaits<T> {
  const byBucket = new Map<Bucket, Set<RequestQueue<T>>>();

  return {
    begin(queue, bucket, ms, onOver) {
      const others = byBucket.get(bucket) ?? new Set();
      byBucket.set(bucket, others.add(queue));
      queue.awaitedBucket = bucket;
      if (ms === Infinity) return;
      queue.cancelTimer = schedule(onOver, Math.min(Math.ceil(ms), MAX_TIMER_MS));
    },
    end(queue) {
      queue.cancelTimer?.();
      queue.cancelTimer = undefined;
      if (!queue.awaitedBucket) return;
      const others = byBucket.get(queue.awaitedBucket);
      others?.delete(queue);
      if (others?.size === 0) byBucket.delete(queue.awaitedBucket);
      queue.awaitedBucket = undefined;
    },
    of: (bucket) => [...byBucket.get(bucket) ?? []],
  };
}
