/**
 * Grants each request its permit to be sent, or refuses it: which one leaves next, and when.
 *
 * The first request of each queue waits for room in its bucket. Then it waits for a slot in the
 * pace of the whole bot, by priority and then in turn. A background request lets later requests
 * pass while it waits. A spare request gets a permit at once or never. A request fails as soon as it
 * is clear that it cannot leave before its deadline. A closed rate limiter grants no more permits.
 *
 * Nothing is polled. Each change rechecks the affected queues, and one timer waits for the next slot.
 */

import { type Clock, MAX_TIMER_MS, type StartTimer } from "../../../lib/clock.ts";
import { type RestError, type RestErrorKind, toUnsent } from "../exchange/rest_error.ts";
import type { RestRoute } from "../exchange/route.ts";
import {
  createBucketWaits,
  createFairQueue,
  createRequestQueues,
  limitWait,
  nextOf,
  type Permit,
  type RequestQueue,
  type SchedulingOptions,
  type WaitingRequest,
} from "./request_queue.ts";
import { availableAt, type Bucket, createBuckets, type ResponseLimits } from "./buckets.ts";
import {
  type Breaker,
  createGlobalLimit,
  createPace,
  type GlobalLimitState,
  type LimitOptions,
  type Priority,
} from "./global_limit.ts";

/** The priorities that may wait, in the order in which they get a slot; the first two have their own. */
const QUEUED_PRIORITIES = [
  "privileged",
  "interaction",
  "reply",
  "background",
] as const satisfies readonly Priority[];

export function createRateLimiter(limits: LimitOptions, check: Breaker["check"]) {
  const { now, steadyNow, schedule } = limits;
  const gate = createGate(now);
  const queues = createRequestQueues();
  const buckets = createBuckets();
  const globalLimit = createGlobalLimit(limits, check);
  const pace = createPace(limits);
  const fairQueue = createFairQueue();
  const bucketWaits = createBucketWaits(schedule);
  const alarm = createAlarm(schedule, () => grantReady());
  let blockedUntil = -Infinity;
  /** When the longest limit ends for which a request was refused: its caller sends it then. */
  let refusedUntil = -Infinity;

  function fail(request: WaitingRequest, error: RestError): void {
    if (queues.remove(request)) request.reject(error);
  }

  /** Lets the first request of a queue wait for its bucket or for a slot, or refuses it. */
  function examine(queue: RequestQueue, at: number): void {
    bucketWaits.end(queue);
    if (queue.isBusy) return;
    const { route } = queue;
    const bucket = buckets.of(route);
    for (let request = nextOf(queue); request; request = nextOf(queue)) {
      const readyAt = Math.max(request.notBefore, availableAt(bucket, at));
      const problem = gate.tooLong(route, request.options, Math.max(readyAt, blockedUntil) - at);
      if (problem) {
        refusedUntil = Math.max(refusedUntil, at + (problem.retryAfterMs ?? 0));
        fail(request, problem);
      } else if (readyAt > at) {
        queue.entry = undefined;
        return bucketWaits.begin(queue, bucket, readyAt - at, () => recheck(queue));
      } else return fairQueue.add(queue, request);
    }
    queue.entry = undefined;
    queues.drop(queue);
  }

  function recheck(queue: RequestQueue): void {
    const at = steadyNow();
    examine(queue, at);
    grantReady(at);
  }

  /** Grants all permits that are possible now, and sets the alarm for the next one. */
  function grantReady(at = steadyNow()): void {
    if (gate.isClosed) return;
    let limit: GlobalLimitState | undefined;
    let nextMs = Infinity;
    for (const priority of QUEUED_PRIORITIES) {
      for (let next = fairQueue.next(priority); next; next = fairQueue.next(priority)) {
        limit ??= checkGlobalLimit(at);
        const waitMs = pace.waitMs(priority, limit, at);
        if (waitMs > 0) {
          nextMs = Math.min(nextMs, waitMs);
          break;
        }
        const { queue, request } = next;
        const bucket = buckets.of(queue.route);
        const problem = gate.problemOf(queue.route, request.options);
        if (problem) fail(request, problem);
        // Another queue of the same bucket may have taken the room.
        if (problem || availableAt(bucket, at) > at) examine(queue, at);
        else {
          fairQueue.take(next);
          queues.remove(request);
          const { options } = request;
          pace.take(priority, at);
          request.resolve(grant(queue, options, bucket, at));
        }
      }
    }
    if (nextMs === Infinity) alarm.cancel();
    else alarm.set(at, nextMs);
  }

  /** Reads the global limit. If it is longer than before, requests that cannot wait for it fail. */
  function checkGlobalLimit(at: number): GlobalLimitState {
    const limit = globalLimit.at(at);
    const isLonger = limit.until > blockedUntil;
    blockedUntil = limit.until;
    if (isLonger && limit.until > at) { for (const queue of queues.all()) examine(queue, at); }
    return limit;
  }

  /**
   * Applies the limits of a response, which may let others leave.
   *
   * @param response Absent if none came.
   */
  function answered(route: RestRoute, bucket: Bucket, response?: ResponseLimits): number {
    const at = steadyNow();
    const pauseMs = response ? globalLimit.update(bucket, response, at) : 0;
    const bucketMs = response?.refused?.isGlobal ? 0 : pauseMs;
    const updated = buckets.update(route, response ?? {}, bucketMs, at);
    const waiting = [
      ...bucketWaits.of(bucket),
      ...updated === bucket ? [] : bucketWaits.of(updated),
    ];
    for (const queue of waiting) examine(queue, at);
    if (waiting.length > 0) grantReady(at);
    if (pauseMs > 0) checkGlobalLimit(at);
    return pauseMs;
  }

  /** Lets a request leave: its queue and its bucket are occupied. */
  function grant(
    queue: RequestQueue,
    options: SchedulingOptions,
    bucket: Bucket,
    at: number,
  ): Permit {
    queue.isBusy = true;
    queue.entry = undefined;
    bucket.inFlight++;
    let isInFlight = true;
    let isOver = false;

    function arrived(response?: ResponseLimits): number {
      if (!isInFlight) return 0;
      isInFlight = false;
      bucket.inFlight--;
      return answered(queue.route, bucket, response);
    }

    function end(): boolean {
      if (isOver) return false;
      isOver = true;
      arrived();
      queue.isBusy = false;
      return true;
    }

    return {
      sent: () => pace.sent(at, steadyNow()),
      answered: arrived,
      retry(afterMs) {
        if (!end()) {
          return Promise.reject(
            new Error("Cannot retry: this permit has already ended by retry() or release()"),
          );
        }
        const next = enqueue(queue.route, options, steadyNow() + afterMs);
        recheck(queue); // if the retry is refused, the request behind it is next
        return next;
      },
      release() {
        if (end()) recheck(queue);
      },
    };
  }

  function enqueue(
    route: RestRoute,
    options: SchedulingOptions,
    notBefore = -Infinity,
  ): Promise<Permit> {
    const problem = gate.problemOf(route, options);
    if (problem) return Promise.reject(problem);
    const queue = queues.of(route);
    const { promise, resolve, reject } = Promise.withResolvers<Permit>();
    const request: WaitingRequest = {
      options,
      notBefore,
      resolve,
      reject,
      isWaiting: true,
      cancelLimit: undefined,
    };
    queues.add(queue, request);
    if (nextOf(queue) === request) recheck(queue);
    else grantReady();
    limitWait(request, { now, schedule }, (why) => {
      const reason = why === "late" ? TOO_LATE : CANCELLED;
      if (queues.remove(request)) reject(toUnsent(route, "unsent", reason));
      recheck(queue);
    });
    return promise;
  }

  /** Grants a spare request its permit now, if there is spare capacity. */
  function acquireSpare(route: RestRoute, options: SchedulingOptions): Promise<Permit> {
    const problem = gate.problemOf(route, options);
    if (problem) return Promise.reject(problem);
    const at = steadyNow();
    const bucket = buckets.of(route);
    // If a reply waits for its slot, the pace has no spare slot either.
    const hasRoom = !queues.has(route) && availableAt(bucket, at) <= at &&
      pace.waitMs("spare", checkGlobalLimit(at), at) <= 0;
    if (!hasRoom) {
      return Promise.reject(toUnsent(route, "unsent", "there is no spare capacity for it"));
    }
    pace.take("spare", at);
    return Promise.resolve(grant(queues.of(route), options, bucket, at));
  }

  return {
    /**
     * Resolves when the request may leave. Its queue is busy until the permit ends.
     *
     * @throws {RestError} If the request cannot leave before its deadline, or at all.
     */
    acquire: (route: RestRoute, options: SchedulingOptions): Promise<Permit> =>
      options.priority === "spare" ? acquireSpare(route, options) : enqueue(route, options),
    /** Lets all answers to interactions leave at once, because the bot stops. */
    hurry(): void {
      pace.hurry();
      grantReady();
    },
    /** Refuses all requests from now on, waiting ones too. Only the first call's reason counts. */
    close(kind: RestErrorKind, reason: string): void {
      if (gate.isClosed) return;
      gate.close(kind, reason);
      alarm.cancel();
      for (const queue of queues.all()) {
        bucketWaits.end(queue);
        for (const request of [...queue.foreground, ...queue.background]) {
          if (queues.remove(request)) request.reject(toUnsent(queue.route, kind, reason));
        }
        if (!queue.isBusy) queues.drop(queue);
      }
    },
    /** Number of waiting requests. */
    get queued(): number {
      return queues.queued;
    },
    /** Milliseconds of the longest wait for a limit of Discord; 0 if no request waits for one. */
    longestWaitMs(): number {
      const at = steadyNow();
      const ready = Array.from(
        queues.all(),
        ({ awaitedBucket }) => awaitedBucket ? availableAt(awaitedBucket, at) : at,
      );
      const blocked = queues.queued === 0 ? at : blockedUntil;
      const waits = [blocked, refusedUntil, ...ready].map((until) => until - at);
      return Math.max(0, ...waits.filter(Number.isFinite));
    },
  };
}

/**
 * Creates an alarm.
 *
 * @param onFire Called at the time, or earlier if the time exceeds the longest possible timer.
 */
export function createAlarm(schedule: StartTimer, onFire: () => void) {
  let current: { readonly at: number; readonly cancel: () => void } | undefined;

  function cancel(): void {
    current?.cancel();
    current = undefined;
  }

  return {
    /** Fires after `inMs` milliseconds, unless it is already set to fire sooner. */
    set(now: number, inMs: number): void {
      const at = now + inMs;
      if (current && current.at <= at) return;
      cancel();
      const cancelTimer = schedule(() => {
        current = undefined;
        onFire();
      }, Math.min(Math.ceil(inMs), MAX_TIMER_MS));
      current = { at, cancel: cancelTimer };
    },
    /** Stops the timer; `set` starts it again. */
    cancel,
  };
}

export function createGate(now: Clock["now"]) {
  let closed: { readonly kind: RestErrorKind; readonly reason: string } | undefined;

  return {
    /** Refuses all requests from now on. Only the first call's reason counts. */
    close: (kind: RestErrorKind, reason: string): void => void (closed ??= { kind, reason }),
    get isClosed(): boolean {
      return closed !== undefined;
    },
    /** Why a request may not leave now; `undefined` if it may. */
    problemOf(route: RestRoute, { notAfter, signal }: SchedulingOptions): RestError | undefined {
      if (closed) return toUnsent(route, closed.kind, closed.reason);
      if (signal?.aborted) return toUnsent(route, "unsent", CANCELLED);
      return now() > notAfter ? toUnsent(route, "unsent", TOO_LATE) : undefined;
    },
    /** Why a request cannot wait for `waitMs` milliseconds; `undefined` if it can. */
    tooLong(
      route: RestRoute,
      { notAfter }: SchedulingOptions,
      waitMs: number,
    ): RestError | undefined {
      if (waitMs <= 0 || waitMs === Infinity || now() + waitMs <= notAfter) return undefined;
      const ms = Math.ceil(waitMs);
      const reason = `Discord's rate limit lasts ${Math.ceil(ms / 1_000)} s more, ` +
        "which is past the deadline; try again after that";
      return toUnsent(route, "rate_limited", reason, ms);
    },
  };
}

const CANCELLED = "the caller cancelled it";
/** Reason of a request whose deadline has passed. */
const TOO_LATE = "its turn came after its deadline";
