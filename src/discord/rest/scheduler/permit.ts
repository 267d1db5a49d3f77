/**
 * The permission to send one request, and the gate that refuses it: if the gate is closed, the caller
 * has cancelled the request, or its deadline has passed.
 *
 * A permit occupies its queue until the request ends, and a slot of its bucket until the response
 * arrives.
 *
 * @module
 */

import type { Clock } from "../../../lib/clock.ts";
import type { Route } from "../exchange/route.ts";
import { type RestError, type RestErrorKind, toUnsent } from "../exchange/rest_error.ts";
import type { Bucket, Limits } from "./buckets.ts";
import type { RequestQueue, SchedulingOptions } from "./request_queue.ts";

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

/** Lets requests through until it is closed. */
export interface Gate {
  /** Refuses all requests from now on. Only the first call's reason counts. */
  close(kind: RestErrorKind, reason: string): void;
  /** Whether `close` was called. */
  readonly isClosed: boolean;
  /** Why a request may not leave now; `undefined` if it may. */
  problemOf(route: Route, options: SchedulingOptions): RestError | undefined;
  /** Why a request cannot wait for `waitMs` milliseconds; `undefined` if it can. */
  tooLong(route: Route, options: SchedulingOptions, waitMs: number): RestError | undefined;
}

/**
 * Creates an open gate.
 *
 * @param now Unix time in milliseconds.
 */
export function createGate(now: Clock["now"]): Gate {
  let closed: { readonly kind: RestErrorKind; readonly reason: string } | undefined;

  return {
    close: (kind, reason) => void (closed ??= { kind, reason }),
    get isClosed() {
      return closed !== undefined;
    },
    problemOf(route, { notAfter, signal }) {
      if (closed) return toUnsent(route, closed.kind, closed.reason);
      if (signal?.aborted) return toUnsent(route, "unsent", CANCELLED);
      return now() > notAfter ? toUnsent(route, "unsent", TOO_LATE) : undefined;
    },
    tooLong(route, { notAfter }, waitMs) {
      if (waitMs <= 0 || waitMs === Infinity || now() + waitMs <= notAfter) return undefined;
      const ms = Math.ceil(waitMs);
      const reason = `Discord's rate limit lasts ${Math.ceil(ms / 1_000)} s more, ` +
        "which is past the deadline; try again after that";
      return toUnsent(route, "rate_limited", reason, ms);
    },
  };
}

/** Reason of a request that its caller has cancelled. */
export const CANCELLED = "the caller cancelled it";
/** Reason of a request whose deadline has passed. */
export const TOO_LATE = "its turn came after its deadline";
