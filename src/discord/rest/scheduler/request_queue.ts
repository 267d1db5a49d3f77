/**
 * The request queues, one per route and major parameter. Each sends one request at a time, in the
 * order of the calls.
 *
 * Background requests wait in a list of their own, so that they never precede any other request. A
 * wait ends when the request's turn comes, when its deadline passes or when the caller cancels it.
 * The other requests must not search the queue for it then, so it stays in its position and is
 * skipped.
 *
 * A request may be sent with a permit. It occupies its queue until the request ends, and a slot of
 * its bucket until the response arrives. A gate refuses permits: if it is closed, the caller has
 * cancelled the request, or its deadline has passed.
 *
 * @module
 */

import type { Route } from "../exchange/route.ts";
import { type Clock, MAX_TIMER_MS, type StartTimer } from "../../../lib/clock.ts";
import { type RestError, type RestErrorKind, toUnsent } from "../exchange/rest_error.ts";
import type { LimitOptions, Priority } from "./global_limit.ts";
import type { Bucket, Limits } from "./buckets.ts";

/** One queue, and the state of its first request. */
export interface RequestQueue<T> {
  /** The route of the first request that created the queue. */
  readonly route: Route;
  /** Waiting requests that are not in the background, next one first. */
  readonly foreground: WaitingRequest<T>[];
  /** Waiting background requests, next one first. */
  readonly background: WaitingRequest<T>[];
  /** Whether one of its requests has left and has not ended. */
  isBusy: boolean;
  /** The entry of its first request in the fair queue; absent if it waits for something else. */
  entry: QueuedRequest<T> | undefined;
  /** The bucket that its first request waits for. */
  awaitedBucket: Bucket | undefined;
  /** Cancels the timer that ends the wait for the bucket. */
  cancelTimer: (() => void) | undefined;
}

/** A queue's first request in the fair queue; void once it is no longer its queue's `entry`. */
export interface QueuedRequest<T> {
  /** The request's queue. */
  readonly queue: RequestQueue<T>;
  /** The first request of the queue. */
  readonly request: WaitingRequest<T>;
  /** Turn count when the queue had its last turn; for a new queue, when it joined. */
  readonly lastTurn: number;
}

/** All queues with requests in flight or waiting. */
export interface RequestQueues<T> {
  /** The queue of a route; created if it does not exist. */
  of(route: Route): RequestQueue<T>;
  /** Whether the route has a queue. */
  has(route: Route): boolean;
  /** All queues. */
  all(): readonly RequestQueue<T>[];
  /** Adds a request: at the end, or at the front if it is a retry, which has had its turn. */
  add(queue: RequestQueue<T>, request: WaitingRequest<T>): void;
  /**
   * Ends a request's wait, because its turn has come or never will.
   *
   * @returns Whether it was waiting.
   */
  remove(request: WaitingRequest<T>): boolean;
  /** Deletes a queue that has no request in flight or waiting. */
  drop(queue: RequestQueue<T>): void;
  /** Number of waiting requests. */
  readonly queued: number;
}

/** Creates the set of queues, empty. */
export function createRequestQueues<T>(): RequestQueues<T> {
  const byKey = new Map<string, RequestQueue<T>>();
  let queued = 0;

  return {
    of(route) {
      const queue = byKey.get(route.queueKey) ?? createRequestQueue(route);
      byKey.set(route.queueKey, queue);
      return queue;
    },
    has: ({ queueKey }) => byKey.has(queueKey),
    all: () => [...byKey.values()],
    add({ foreground, background }, request) {
      const list = request.options.priority === "background" ? background : foreground;
      if (request.notBefore > -Infinity) list.unshift(request);
      else list.push(request);
      queued++;
    },
    remove(request) {
      const wasWaiting = endWait(request);
      if (wasWaiting) queued--;
      return wasWaiting;
    },
    drop: ({ route }) => void byKey.delete(route.queueKey),
    get queued() {
      return queued;
    },
  };
}

/** Creates an empty queue. */
export function createRequestQueue<T>(route: Route): RequestQueue<T> {
  return {
    route,
    foreground: [],
    background: [],
    isBusy: false,
    entry: undefined,
    awaitedBucket: undefined,
    cancelTimer: undefined,
  };
}

/** Returns the first waiting request. Requests that no longer wait are removed on the way. */
export function nextOf<T>(
  { foreground, background }: RequestQueue<T>,
): WaitingRequest<T> | undefined {
  return firstOf(foreground) ?? firstOf(background);
}

function firstOf<T>(list: WaitingRequest<T>[]): WaitingRequest<T> | undefined {
  while (list[0]?.isWaiting === false) list.shift();
  return list[0];
}

/** How a request may be scheduled. */
export interface SchedulingOptions {
  /** The order among waiting requests. */
  readonly priority: Priority;
  /** Deadline, Unix time in milliseconds; a request that has not left by then never leaves. */
  readonly notAfter: number;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
}

/** A request in a queue, and the state of its wait. */
export interface WaitingRequest<T> {
  /** Priority, deadline and abort signal. */
  readonly options: SchedulingOptions;
  /** Earliest time to leave, by the monotonic clock. */
  readonly notBefore: number;
  /** Ends the wait with a permit. */
  readonly resolve: (value: T) => void;
  /** Ends the wait with an error. */
  readonly reject: (error: Error) => void;
  /** When it became the first of its queue, by the monotonic clock. */
  firstSince: number | undefined;
  /** Whether it still waits. */
  isWaiting: boolean;
  /** Removes the timer and the listener of `limitWait`. */
  cancelLimit: (() => void) | undefined;
}

/**
 * Ends a request's wait, because its turn has come or never will.
 *
 * @returns Whether it was waiting.
 */
export function endWait(request: WaitingRequest<never>): boolean {
  const wasWaiting = request.isWaiting;
  request.isWaiting = false;
  request.cancelLimit?.();
  request.cancelLimit = undefined;
  return wasWaiting;
}

/**
 * Limits a request's wait to its deadline and its abort signal.
 *
 * @param onOver Called when the deadline has passed, or when the caller has cancelled the request.
 */
export function limitWait(
  request: Pick<WaitingRequest<never>, "options" | "isWaiting" | "cancelLimit">,
  { now, schedule }: Pick<LimitOptions, "now" | "schedule">,
  onOver: (why: "late" | "aborted") => void,
): void {
  const { notAfter, signal } = request.options;
  if (!request.isWaiting || (notAfter === Infinity && !signal)) return;
  let cancel: (() => void) | undefined;

  const check = () => {
    const leftMs = notAfter - now();
    if (leftMs < 0) onOver("late");
    else cancel = schedule(check, Math.min(Math.floor(leftMs) + 1, MAX_TIMER_MS));
  };
  const onAbort = () => onOver("aborted");

  if (notAfter !== Infinity) check();
  signal?.addEventListener("abort", onAbort, { once: true });
  request.cancelLimit = () => {
    cancel?.();
    signal?.removeEventListener("abort", onAbort);
  };
}

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
