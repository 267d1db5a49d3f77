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
 * its bucket until the response arrives.
 *
 * Of the queues that wait for the pace, the one whose last turn is the oldest comes first. First
 * come, first served is unfair here. A queue whose response is some milliseconds late would rejoin
 * behind all others. A channel that falls behind twice would still be sending when the others are
 * done. A new queue joins behind all waiting ones, so a queue waits for at most one turn of each
 * other queue.
 */

import type { RestRoute } from "../exchange/exchange.ts";
import { MAX_TIMER_MS, type StartTimer, type Timers } from "../../../lib/clock.ts";
import type { Bucket, Priority, ResponseLimits } from "./rate_limiter.ts";

export interface RequestQueue {
  /** The route of the first request that created the queue. */
  readonly route: RestRoute;
  /** Waiting requests that are not in the background, next one first. */
  readonly foreground: WaitingRequest[];
  /** Waiting background requests, next one first. */
  readonly background: WaitingRequest[];
  /** Whether one of its requests has left and has not ended. */
  isBusy: boolean;
  /** The entry of its first request in the fair queue; absent if it waits for something else. */
  entry: QueuedRequest | undefined;
  /** The bucket that its first request waits for. */
  awaitedBucket: Bucket | undefined;
  /** Cancels the timer that ends the wait for the bucket. */
  cancelTimer: (() => void) | undefined;
}

/** A queue's first request in the fair queue; void once it is no longer its queue's `entry`. */
export interface QueuedRequest {
  readonly queue: RequestQueue;
  readonly request: WaitingRequest;
  /** Turn count when the queue had its last turn; for a new queue, when it joined. */
  readonly lastTurn: number;
}

export function createRequestQueues() {
  const byKey = new Map<string, RequestQueue>();
  let queued = 0;

  return {
    /** The queue of a route; created if it does not exist. */
    of(route: RestRoute): RequestQueue {
      const queue = byKey.get(route.queueKey) ?? createRequestQueue(route);
      byKey.set(route.queueKey, queue);
      return queue;
    },
    has: ({ queueKey }: RestRoute): boolean => byKey.has(queueKey),
    all: (): readonly RequestQueue[] => [...byKey.values()],
    /** Adds a request: at the end, or at the front if it is a retry, which has had its turn. */
    add({ foreground, background }: RequestQueue, request: WaitingRequest): void {
      const list = request.options.priority === "background" ? background : foreground;
      if (request.notBefore > -Infinity) list.unshift(request);
      else list.push(request);
      queued++;
    },
    /**
     * Ends a request's wait, because its turn has come or never will.
     *
     * @returns Whether it was waiting.
     */
    remove(request: WaitingRequest): boolean {
      const wasWaiting = endWait(request);
      if (wasWaiting) queued--;
      return wasWaiting;
    },
    /** Deletes a queue that has no request in flight or waiting. */
    drop: ({ route }: RequestQueue): void => void byKey.delete(route.queueKey),
    get queued() {
      return queued;
    },
  };
}

export function createRequestQueue(route: RestRoute): RequestQueue {
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
export function nextOf({ foreground, background }: RequestQueue): WaitingRequest | undefined {
  return firstOf(foreground) ?? firstOf(background);
}

function firstOf(list: WaitingRequest[]): WaitingRequest | undefined {
  while (list[0]?.isWaiting === false) list.shift();
  return list[0];
}

export interface SchedulingOptions {
  readonly priority: Priority;
  /** Deadline, Unix time in milliseconds; a request that has not left by then never leaves. */
  readonly notAfter: number;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
}

export interface WaitingRequest {
  readonly options: SchedulingOptions;
  /** Earliest time to leave, by the monotonic clock. */
  readonly notBefore: number;
  readonly resolve: (permit: Permit) => void;
  readonly reject: (error: Error) => void;
  isWaiting: boolean;
  /** Removes the timer and the listener of `limitWait`. */
  cancelLimit: (() => void) | undefined;
}

/**
 * Ends a request's wait, because its turn has come or never will.
 *
 * @returns Whether it was waiting.
 */
export function endWait(request: WaitingRequest): boolean {
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
  request: WaitingRequest,
  { now, schedule }: Timers,
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

export function createBucketWaits(schedule: StartTimer) {
  const byBucket = new Map<Bucket, Set<RequestQueue>>();

  return {
    /**
     * Starts a queue's wait.
     *
     * @param ms Maximum wait in milliseconds; Infinity if only a response can end it.
     * @param onOver Called when the time is over, or earlier if it exceeds the longest timer.
     */
    begin(queue: RequestQueue, bucket: Bucket, ms: number, onOver: () => void): void {
      const others = byBucket.get(bucket) ?? new Set();
      byBucket.set(bucket, others.add(queue));
      queue.awaitedBucket = bucket;
      if (ms === Infinity) return;
      queue.cancelTimer = schedule(onOver, Math.min(Math.ceil(ms), MAX_TIMER_MS));
    },
    /** Ends a queue's wait, if it waits. */
    end(queue: RequestQueue): void {
      queue.cancelTimer?.();
      queue.cancelTimer = undefined;
      if (!queue.awaitedBucket) return;
      const others = byBucket.get(queue.awaitedBucket);
      others?.delete(queue);
      if (others?.size === 0) byBucket.delete(queue.awaitedBucket);
      queue.awaitedBucket = undefined;
    },
    of: (bucket: Bucket): readonly RequestQueue[] => [...byBucket.get(bucket) ?? []],
  };
}

interface Level {
  /** By `lastTurn`. */
  readonly entries: QueuedRequest[];
  /** Number of turns so far. */
  turns: number;
  /** The last turn of each queue by its key, oldest first. */
  readonly lastTurns: Map<string, number>;
}

/** Creates the set of queues that wait for a slot, empty. It gives them by priority, and then in turn. */
export function createFairQueue() {
  const levels: Readonly<Record<Priority, Level>> = {
    privileged: createLevel(),
    interaction: createLevel(),
    reply: createLevel(),
    background: createLevel(),
    spare: createLevel(),
  };

  return {
    add(queue: RequestQueue, request: WaitingRequest): void {
      if (queue.entry?.request === request) return;
      const { entries, lastTurns, turns } = levels[request.options.priority];
      const lastTurn = lastTurns.get(queue.route.queueKey) ?? turns;
      const entry = { queue, request, lastTurn };
      queue.entry = entry;
      const before = entries.findLastIndex((other) => other.lastTurn <= lastTurn);
      entries.splice(before + 1, 0, entry);
    },
    next(priority: Priority): QueuedRequest | undefined {
      const { entries } = levels[priority];
      for (let first = entries[0]; first && first.queue.entry !== first; first = entries[0]) {
        entries.shift(); // void
      }
      return entries[0];
    },
    /** Removes the first entry, because its queue has its turn now. */
    take({ queue, request, lastTurn }: QueuedRequest): void {
      const level = levels[request.options.priority];
      level.entries.shift();
      queue.entry = undefined;
      // A queue with an older last turn has not rejoined since, so it will join as a new one.
      for (const [key, turn] of level.lastTurns) {
        if (turn >= lastTurn) break;
        level.lastTurns.delete(key);
      }
      level.turns++;
      level.lastTurns.delete(queue.route.queueKey);
      level.lastTurns.set(queue.route.queueKey, level.turns);
    },
  };
}

function createLevel(): Level {
  return { entries: [], turns: 0, lastTurns: new Map() };
}

/** A granted permission to send. The caller ends it with `retry` or `release`. */
export interface Permit {
  /** Notes that the request is on its way; from now on it counts towards the pace. */
  sent(): void;
  /**
   * Applies the limits of the response; call it without limits if no response came.
   *
   * @returns Milliseconds for which a 429 closes the bucket, or all requests; otherwise 0.
   */
  answered(limits?: ResponseLimits): number;
  /** Waits for another permit, at least `afterMs`, ahead of the other requests of its queue. */
  retry(afterMs: number): Promise<Permit>;
  /** Frees the queue for its next request. Later calls do nothing. */
  release(): void;
}
