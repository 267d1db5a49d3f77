/**
 * Chooses which waiting request leaves next, and when.
 *
 * The first request of each queue waits for room in its bucket. Then it waits for a slot in the
 * pace of the whole bot, by priority and then in turn.
 *
 * The scheduler does not poll. Each change rechecks the affected queues, and one timer waits for
 * the next slot.
 *
 * Of the queues that wait for the pace, the one whose last turn is the oldest comes first. First
 * come, first served is unfair here. A queue whose response is some milliseconds late would rejoin
 * behind all others. A channel that falls behind twice would still be sending when the others are
 * done. A new queue joins behind all waiting ones, so a queue waits for at most one turn of each
 * other queue.
 *
 * @module
 */

import { MAX_TIMER_MS, type StartTimer } from "../../../lib/clock.ts";
import type { RestError } from "../exchange/rest_error.ts";
import type { Route } from "../exchange/route.ts";
import {
  createBucketWaits,
  type Gate,
  type Grant,
  nextOf,
  type QueuedRequest,
  type RequestQueue,
  type RequestQueues,
  type SchedulingOptions,
  type WaitingRequest,
} from "./request_queue.ts";
import { availableAt, type Bucket, createBuckets, type Limits } from "./buckets.ts";
import {
  type Breaker,
  createGlobalLimit,
  createPace,
  type GlobalLimitState,
  type LimitOptions,
  type Priority,
} from "./global_limit.ts";

/** Grants permits to the requests of the queues. */
export interface Scheduler<T> {
  /** Examines a queue that has changed, and grants all permits that are possible now. */
  recheck(queue: RequestQueue<T>): void;
  /** Grants all permits that are possible now. */
  grantReady(): void;
  /** Grants a spare request its permit now; `undefined` if there is no spare capacity. */
  tryAcquire(route: Route, options: SchedulingOptions): T | undefined;
  /** The request of a permit that was granted at `grantedAt` is on its way only now. */
  sent(grantedAt: number): void;
  /**
   * Applies the limits of a response.
   *
   * @returns Milliseconds for which a 429 closes the bucket, or all requests; otherwise 0.
   */
  answered(route: Route, bucket: Bucket, limits: Limits | undefined): number;
  /** Stops all timers, once the gate is closed. */
  stop(): void;
}

/**
 * Creates a scheduler.
 *
 * The function is longer than most, because its inner functions share one state: each change of a
 * queue, a bucket or the pace may let a request of another queue leave.
 *
 * @param toPermit Creates the permit of a request that leaves.
 */
export function createScheduler<T>(
  options: LimitOptions,
  breaker: Pick<Breaker, "check">,
  gate: Pick<Gate, "isClosed" | "problemOf" | "tooLong">,
  queues: RequestQueues<T>,
  toPermit: (grant: Grant<T>) => T,
): Scheduler<T> {
  const { steadyNow, schedule } = options;
  const buckets = createBuckets();
  const globalLimit = createGlobalLimit(options, breaker);
  const pace = createPace(options);
  const fairQueue = createFairQueue<T>();
  const bucketWaits = createBucketWaits<T>(schedule);
  const alarm = createAlarm(schedule, grantReady);
  let blockedUntil = -Infinity;

  function fail(request: WaitingRequest<T>, error: RestError): void {
    if (queues.remove(request)) request.reject(error);
  }

  /** Lets the first request of a queue wait for its bucket or for a slot, or refuses it. */
  function examine(queue: RequestQueue<T>): void {
    bucketWaits.end(queue);
    if (queue.isBusy) return;
    const at = steadyNow();
    const { route } = queue;
    const bucket = buckets.of(route);
    for (let request = nextOf(queue); request; request = nextOf(queue)) {
      request.firstSince ??= at;
      const readyAt = Math.max(request.notBefore, availableAt(bucket, at));
      const problem = gate.tooLong(route, request.options, Math.max(readyAt, blockedUntil) - at);
      if (problem) fail(request, problem);
      else if (readyAt > at) {
        queue.entry = undefined;
        return bucketWaits.begin(queue, bucket, readyAt - at, () => recheck(queue));
      } else return fairQueue.add(queue, request);
    }
    queue.entry = undefined;
    queues.drop(queue);
  }

  function recheck(queue: RequestQueue<T>): void {
    examine(queue);
    grantReady();
  }

  /** Grants all permits that are possible now, and sets the alarm for the next one. */
  function grantReady(): void {
    if (gate.isClosed) return;
    const at = steadyNow();
    let limit: GlobalLimitState | undefined;
    for (const priority of QUEUED_PRIORITIES) {
      for (let next = fairQueue.next(priority); next; next = fairQueue.next(priority)) {
        limit ??= checkGlobalLimit(at);
        const waitMs = pace.waitMs(priority, limit, at);
        if (waitMs > 0) return alarm.set(at, waitMs);
        const { queue, request } = next;
        const bucket = buckets.of(queue.route);
        const problem = gate.problemOf(queue.route, request.options);
        if (problem) fail(request, problem);
        // Another queue of the same bucket may have taken the room.
        if (problem || availableAt(bucket, at) > at) examine(queue);
        else {
          fairQueue.take(next);
          queues.remove(request);
          const { firstSince = at, options } = request;
          pace.take(priority, at);
          request.resolve(toPermit({ queue, options, bucket, waitMs: at - firstSince, at }));
        }
      }
    }
    alarm.cancel();
  }

  /**
   * Reads the global limit. If it is longer than before, requests that cannot wait for it fail.
   */
  function checkGlobalLimit(at: number): GlobalLimitState {
    const limit = globalLimit.at(at);
    const isLonger = limit.until > blockedUntil;
    blockedUntil = limit.until;
    if (isLonger && limit.until > at) queues.all().forEach(examine);
    return limit;
  }

  return {
    recheck,
    grantReady,
    tryAcquire(route, options) {
      const at = steadyNow();
      const bucket = buckets.of(route);
      // If a reply waits for its slot, the pace has no spare slot either.
      if (queues.has(route) || availableAt(bucket, at) > at) return undefined;
      if (pace.waitMs("spare", checkGlobalLimit(at), at) > 0) return undefined;
      pace.take("spare", at);
      return toPermit({ queue: queues.of(route), options, bucket, waitMs: 0, at });
    },
    sent: (grantedAt) => pace.sent(grantedAt, steadyNow()),
    answered(route, bucket, limits) {
      const at = steadyNow();
      const pauseMs = limits ? globalLimit.update(bucket, limits, at) : 0;
      const bucketMs = limits?.refused?.isGlobal ? 0 : pauseMs;
      const updated = buckets.update(route, limits ?? {}, bucketMs, at);
      const waiting = [
        ...bucketWaits.of(bucket),
        ...updated === bucket ? [] : bucketWaits.of(updated),
      ];
      waiting.forEach(examine);
      if (waiting.length > 0) grantReady();
      if (pauseMs > 0) checkGlobalLimit(at);
      return pauseMs;
    },
    stop() {
      alarm.cancel();
      for (const queue of queues.all()) bucketWaits.end(queue);
    },
  };
}

/** A timer that keeps only the earliest of the requested times. */
export interface Alarm {
  /** Fires after `inMs` milliseconds, unless it is already set to fire sooner. */
  set(now: number, inMs: number): void;
  /** Stops the timer; `set` starts it again. */
  cancel(): void;
}

/**
 * Creates an alarm.
 *
 * @param onFire Called at the time, or earlier if the time exceeds the longest possible timer.
 */
export function createAlarm(schedule: StartTimer, onFire: () => void): Alarm {
  let current: { readonly at: number; readonly cancel: () => void } | undefined;

  function cancel(): void {
    current?.cancel();
    current = undefined;
  }

  return {
    set(now, inMs) {
      const at = now + inMs;
      if (current && current.at <= at) return;
      cancel();
      const cancelTimer = schedule(() => {
        current = undefined;
        onFire();
      }, Math.min(Math.ceil(inMs), MAX_TIMER_MS));
      current = { at, cancel: cancelTimer };
    },
    cancel,
  };
}

/** The priorities that may wait, in the order in which they get a slot. */
const QUEUED_PRIORITIES = [
  "interaction",
  "reply",
  "background",
] as const satisfies readonly Priority[];

/** The queues that wait for a slot, by priority and then in turn. */
export interface FairQueue<T> {
  /** Adds a queue's first request. A request that is in it already keeps its position. */
  add(queue: RequestQueue<T>, request: WaitingRequest<T>): void;
  /** The first entry of a priority. */
  next(priority: Priority): QueuedRequest<T> | undefined;
  /** Removes the first entry, because its queue has its turn now. */
  take(entry: QueuedRequest<T>): void;
}

interface Level<T> {
  /** By `lastTurn`. */
  readonly entries: QueuedRequest<T>[];
  /** Number of turns so far. */
  turns: number;
  /** The last turn of each queue by its key, oldest first. */
  readonly lastTurns: Map<string, number>;
}

/** Creates an empty fair queue. */
export function createFairQueue<T>(): FairQueue<T> {
  const levels: Readonly<Record<Priority, Level<T>>> = {
    interaction: createLevel(),
    reply: createLevel(),
    background: createLevel(),
    spare: createLevel(),
  };

  return {
    add(queue, request) {
      if (queue.entry?.request === request) return;
      const { entries, lastTurns, turns } = levels[request.options.priority];
      const lastTurn = lastTurns.get(queue.route.queueKey) ?? turns;
      const entry = { queue, request, lastTurn };
      queue.entry = entry;
      const before = entries.findLastIndex((other) => other.lastTurn <= lastTurn);
      entries.splice(before + 1, 0, entry);
    },
    next(priority) {
      const { entries } = levels[priority];
      for (let first = entries[0]; first && first.queue.entry !== first; first = entries[0]) {
        entries.shift(); // void
      }
      return entries[0];
    },
    take({ queue, request, lastTurn }) {
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

function createLevel<T>(): Level<T> {
  return { entries: [], turns: 0, lastTurns: new Map() };
}
