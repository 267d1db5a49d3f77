/**
 * The permission to send one request. It occupies its queue until the request ends, and a slot of
 * its bucket until the response arrives.
 *
 * @module
 */

import type { Route } from "../exchange/route.ts";
import type { Bucket } from "./buckets.ts";
import type { Limits } from "./limits.ts";
import type { RequestQueue } from "./request_queue.ts";
import type { SchedulingOptions } from "./waiting_request.ts";

/** A granted permission to send. The caller ends it with `retry` or `release`. */
export interface Permit {
  /** Milliseconds that the request waited for limits while it was first in its queue. */
  readonly waitMs: number;
  /** Notes that the request is on its way; from now on it counts towards the pace. */
  sent(): void;
  /**
   * Applies the limits of the response; call it without limits if no response came.
   *
   * @returns Milliseconds for which a 429 closes the bucket, or all requests; otherwise 0.
   */
  answered(limits?: Limits): number;
  /** Waits for another permit, at least `afterMs`, ahead of the other requests of its queue. */
  retry(afterMs: number): Promise<Permit>;
  /** Frees the queue for its next request. Later calls do nothing. */
  release(): void;
}

/** The circumstances under which the scheduler grants a permit. */
export interface Grant<T> {
  /** The request's queue. */
  readonly queue: RequestQueue<T>;
  /** The options of the request, for a retry. */
  readonly options: SchedulingOptions;
  /** The bucket of its route. */
  readonly bucket: Bucket;
  /** Milliseconds that the request waited for limits while it was first in its queue. */
  readonly waitMs: number;
  /** When it was granted, by the monotonic clock. */
  readonly at: number;
}

/** Receives the events of permits. */
export interface PermitPorts {
  /** The request of a permit that was granted at `grantedAt` is on its way only now. */
  sent(grantedAt: number): void;
  /**
   * A response came, or none will: the bucket has one request less in flight.
   *
   * @returns Milliseconds for which a 429 closes the bucket, or all requests; otherwise 0.
   */
  answered(route: Route, bucket: Bucket, limits: Limits | undefined): number;
  /** Queues the request again, for at least `afterMs`, ahead of the others of its queue. */
  retry(
    queue: RequestQueue<Permit>,
    options: SchedulingOptions,
    afterMs: number,
  ): Promise<Permit>;
  /** The queue is free for its next request. */
  released(queue: RequestQueue<Permit>): void;
}

/** Creates a permit, and marks its queue and its bucket as occupied. */
export function createPermit(
  { queue, options, bucket, waitMs, at }: Grant<Permit>,
  ports: PermitPorts,
): Permit {
  queue.isBusy = true;
  queue.entry = undefined;
  bucket.inFlight++;
  let isInFlight = true;
  let isOver = false;

  function answered(limits?: Limits): number {
    if (!isInFlight) return 0;
    isInFlight = false;
    bucket.inFlight--;
    return ports.answered(queue.route, bucket, limits);
  }

  function end(): boolean {
    if (isOver) return false;
    isOver = true;
    answered();
    queue.isBusy = false;
    return true;
  }

  return {
    waitMs,
    sent: () => ports.sent(at),
    answered,
    retry(afterMs) {
      if (!end()) {
        return Promise.reject(
          new Error("Cannot retry: this permit has already ended by retry() or release()"),
        );
      }
      return ports.retry(queue, options, afterMs);
    },
    release() {
      if (end()) ports.released(queue);
    },
  };
}
