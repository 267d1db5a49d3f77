/**
 * The request queues, one per route and major parameter. Each sends one request at a time, in the
 * order of the calls.
 *
 * Background requests wait in a list of their own, so that they never precede any other request.
 *
 * @module
 */

import type { Route } from "../exchange/route.ts";
import type { Bucket } from "./buckets.ts";
import { endWait, type WaitingRequest } from "./waiting_request.ts";

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
  entry: Entry<T> | undefined;
  /** The bucket that its first request waits for. */
  awaitedBucket: Bucket | undefined;
  /** Cancels the timer that ends the wait for the bucket. */
  cancelTimer: (() => void) | undefined;
}

/** A queue's first request in the fair queue; void once it is no longer its queue's `entry`. */
export interface Entry<T> {
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
