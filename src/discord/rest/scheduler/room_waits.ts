/**
 * Lanes that wait for room in a bucket: until a time, or until an answer comes.
 *
 * @module
 */

import { MAX_TIMER_MS, type Schedule } from "../../../lib/schedule.ts";
import type { Bucket } from "./buckets.ts";
import type { Lane } from "./lane.ts";

export interface RoomWaits<T> {
  /**
   * @param ms Until when to wait at most; Infinity where only an answer can tell.
   * @param onOver The time is over, or nearly so.
   */
  begin(lane: Lane<T>, bucket: Bucket, ms: number, onOver: () => void): void;
  end(lane: Lane<T>): void;
  /** Who waits for a bucket as of now. */
  of(bucket: Bucket): readonly Lane<T>[];
}

export function createRoomWaits<T>(schedule: Schedule): RoomWaits<T> {
  const byBucket = new Map<Bucket, Set<Lane<T>>>();

  return {
    begin(lane, bucket, ms, onOver) {
      const others = byBucket.get(bucket) ?? new Set();
      byBucket.set(bucket, others.add(lane));
      lane.waitsFor = bucket;
      if (ms === Infinity) return;
      lane.cancel = schedule(onOver, Math.min(Math.ceil(ms), MAX_TIMER_MS));
    },
    end(lane) {
      lane.cancel?.();
      lane.cancel = undefined;
      if (!lane.waitsFor) return;
      const others = byBucket.get(lane.waitsFor);
      others?.delete(lane);
      if (others?.size === 0) byBucket.delete(lane.waitsFor);
      lane.waitsFor = undefined;
    },
    of: (bucket) => [...byBucket.get(bucket) ?? []],
  };
}
