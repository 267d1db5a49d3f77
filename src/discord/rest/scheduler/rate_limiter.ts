/**
 * Grants each request its permit to be sent, or refuses it: which one leaves next, and when.
 *
 * The first request of each queue waits for room in its bucket. Then it waits for a slot in the
 * pace of the whole bot, by priority and then in turn. A background request lets later requests
 * pass while it waits. A spare request gets a permit at once or never. A request fails as soon as it
 * is clear that it cannot leave before its deadline. A closed rate limiter grants no more permits.
 *
 * Requests of one route and major parameter share a queue. It sends one at a time, in the order of the
 * calls, with background requests last. Of the queues that wait for the pace, the one whose last turn
 * is the oldest comes first, so a queue waits for at most one turn of each other queue.
 *
 * Nothing is polled. After each change, all queues are looked at once, and one timer waits for the next
 * time at which a request may leave.
 *
 * Routes share a bucket if Discord gives both the same bucket name; then their requests count
 * together. A request in flight counts as taken, because the last known count may not include it.
 * So requests that share a bucket cannot exceed its limit together. Barnacle never shortens
 * Discord's times. They count from the moment the response arrived, which is later than Discord's
 * own start, so no request is early by Discord's clock.
 *
 * Discord bans an address for 10,000 invalid requests in ten minutes. From 500 on, all requests but
 * interactions are slowed to two a second. These alone cannot reach 2,000: two a second are 1,320
 * in the eleven minutes that a count by minutes may span. If answers to interactions push the count
 * to 2,000, all requests stop until the count has fallen. All accounts share the count (D3).
 *
 * Discord does not count answers to interactions in the global limit. They have a limit of their own,
 * so not even a flood of them delays a reply. Requests for which no person waits use only spare
 * capacity, so they never delay a reply either.
 *
 * @see {@link https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans}
 */

import { type Clock, MAX_TIMER_MS, type StartTimer } from "../../../lib/clock.ts";
import { isRecord } from "../../../lib/text/quoted.ts";
import type { RestRoute } from "../exchange/exchange.ts";
import { type RestError, type RestErrorKind, toUnsent } from "../exchange/exchange.ts";

/**
 * Order in which requests leave: `reply`, then `background` and `spare`. An `interaction` leaves
 * beside them, and that of an owner or approver (`privileged`) beside those of all others.
 */
export type Priority = "privileged" | "interaction" | "reply" | "background" | "spare";

/** The priorities that may wait, in the order in which they get a slot; the first two have their own. */
const QUEUED_PRIORITIES = [
  "privileged",
  "interaction",
  "reply",
  "background",
] as const satisfies readonly Priority[];

interface SchedulingOptions {
  readonly priority: Priority;
  /** Deadline, Unix time in milliseconds; a request that has not left by then never leaves. */
  readonly notAfter: number;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
}

/** A request that waits for its permit. */
interface WaitingRequest {
  readonly options: SchedulingOptions;
  /** Its place among the requests of one priority that came in the same turn. */
  readonly number: number;
  /** Earliest time to leave, by the monotonic clock. */
  readonly notBefore: number;
  readonly grant: (permit: Permit) => void;
  readonly fail: (error: RestError) => void;
}

interface RequestQueue {
  readonly route: RestRoute;
  /** Requests that wait, next one first: those of the background come last. */
  readonly waiting: WaitingRequest[];
  /** Whether one of its requests has left and has not ended. */
  isBusy: boolean;
  /** Number of its last turn, among those of all queues; for a new queue, of the last one of all. */
  turn: number;
}

/** Number of turns for which a queue without requests keeps its place among the others. */
const KEPT_TURNS = 256;

/** For how long a 429 without a duration closes its bucket, or all requests, in milliseconds. */
const UNTIMED_MS = 5_000;

export function createRateLimiter(
  { now, steadyNow, schedule, ...rates }: LimitOptions,
  check: Breaker["check"],
) {
  const queues = new Map<string, RequestQueue>();
  /** Those with requests that wait; one without is taken out when it is looked at. */
  const occupied = new Set<RequestQueue>();
  const buckets = createBuckets();
  const pace = createPace(rates);
  let closed: { readonly kind: RestErrorKind; readonly reason: string } | undefined;
  let turns = 0;
  let numbers = 0;
  let globalUntil = -Infinity;
  /** When the longest limit ends for which a request was refused: its caller sends it then. */
  let refusedUntil = -Infinity;
  let isLooking = false;
  let cancelAlarm = () => {};

  /** Until when no request may leave, by the monotonic clock. */
  function globalLimit(at: number): GlobalLimitState {
    const { state, stoppedForMs } = check();
    const stoppedUntil = state === "stopped" ? at + stoppedForMs : -Infinity;
    return { until: Math.max(globalUntil, stoppedUntil), isSlowed: state !== "closed" };
  }

  /** Why a request may not leave now; `undefined` if it may. */
  function problemOf(
    route: RestRoute,
    { notAfter, signal }: SchedulingOptions,
  ): RestError | undefined {
    if (closed) return toUnsent(route, closed.kind, closed.reason);
    if (signal?.aborted) return toUnsent(route, "unsent", CANCELLED);
    return now() > notAfter ? toUnsent(route, "unsent", TOO_LATE) : undefined;
  }

  function queueOf(route: RestRoute): RequestQueue {
    const known = queues.get(route.queueKey);
    if (known) return known;
    for (const [key, { isBusy, waiting, turn }] of queues) {
      if (!isBusy && !waiting[0] && turns - turn > KEPT_TURNS) queues.delete(key);
    }
    const queue = { route, waiting: [], isBusy: false, turn: turns };
    queues.set(route.queueKey, queue);
    return queue;
  }

  /** Ends a request's wait. @returns Whether it was waiting. */
  function remove({ waiting }: RequestQueue, request: WaitingRequest): boolean {
    const index = waiting.indexOf(request);
    if (index >= 0) waiting.splice(index, 1);
    return index >= 0;
  }

  /** Looks at all queues, once everything has happened that happens now. */
  function look(): void {
    if (isLooking) return;
    isLooking = true;
    queueMicrotask(() => {
      isLooking = false;
      cancelAlarm();
      if (closed) return;
      const at = steadyNow();
      let nextAt = grantReady(at);
      while (nextAt <= at) nextAt = grantReady(at); // a request behind a failed one
      if (nextAt === Infinity) return;
      cancelAlarm = schedule(look, Math.min(Math.ceil(nextAt - at), MAX_TIMER_MS));
    });
  }

  /** Grants the permits that are possible now. @returns When to look again; Infinity if by a change only. */
  function grantReady(at: number): number {
    const limit = globalLimit(at);
    let nextAt = Infinity;
    const ready = QUEUED_PRIORITIES.map((priority) => ({
      priority,
      requests: [] as [RequestQueue, WaitingRequest][],
    }));
    for (const queue of occupied) {
      if (queue.isBusy) continue;
      const request = queue.waiting[0];
      if (!request) {
        occupied.delete(queue);
        continue;
      }
      const { options: { priority, notAfter }, notBefore } = request;
      const opensAt = Math.max(notBefore, availableAt(buckets.of(queue.route), at));
      const waitMs = Math.max(opensAt, limit.until) - at;
      if (waitMs > 0 && waitMs < Infinity && now() + waitMs > notAfter) {
        refusedUntil = Math.max(refusedUntil, at + waitMs);
        remove(queue, request);
        request.fail(tooLong(queue.route, Math.ceil(waitMs)));
        nextAt = at;
      } else if (opensAt > at) nextAt = Math.min(nextAt, opensAt);
      else ready.find((one) => one.priority === priority)?.requests.push([queue, request]);
    }
    for (const { priority, requests } of ready) {
      requests.sort(([one, first], [other, second]) =>
        one.turn - other.turn || first.number - second.number
      );
      for (const [queue, request] of requests) {
        const waitMs = pace.waitMs(priority, limit, at);
        if (waitMs > 0) {
          nextAt = Math.min(nextAt, at + waitMs);
          break;
        }
        const bucket = buckets.of(queue.route);
        const problem = problemOf(queue.route, request.options);
        // Another queue of the same bucket may have taken the room.
        const opensAt = availableAt(bucket, at);
        if (!problem && opensAt > at) {
          nextAt = Math.min(nextAt, opensAt);
          continue;
        }
        remove(queue, request);
        if (problem) {
          request.fail(problem);
          nextAt = at;
          continue;
        }
        pace.take(priority, at);
        queue.turn = ++turns;
        request.grant(grant(queue, request.options, bucket, at));
      }
    }
    return nextAt;
  }

  /**
   * Applies the limits of a response, which may let others leave.
   *
   * @param response Absent if none came.
   */
  function answered(route: RestRoute, response: ResponseLimits = {}): number {
    const at = steadyNow();
    const { isGlobal, retryMs = UNTIMED_MS } = response.refused ?? {};
    const pauseMs = response.refused ? retryMs : 0;
    if (isGlobal) globalUntil = Math.max(globalUntil, at + pauseMs);
    buckets.update(route, response, isGlobal ? 0 : pauseMs, at);
    look();
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
    bucket.inFlight++;
    let isInFlight = true;
    let isOver = false;

    function arrived(response?: ResponseLimits): number {
      if (!isInFlight) return 0;
      isInFlight = false;
      bucket.inFlight--;
      return answered(queue.route, response);
    }

    function end(): boolean {
      if (isOver) return false;
      isOver = true;
      arrived();
      queue.isBusy = false;
      look();
      return true;
    }

    return {
      sent: () => pace.sent(at, steadyNow()),
      answered: arrived,
      retry(afterMs) {
        if (end()) return enqueue(queue.route, options, steadyNow() + afterMs);
        return Promise.reject(
          new Error("Cannot retry: this permit has already ended by retry() or release()"),
        );
      },
      release: () => void end(),
    };
  }

  function enqueue(
    route: RestRoute,
    options: SchedulingOptions,
    notBefore = -Infinity,
  ): Promise<Permit> {
    const problem = problemOf(route, options);
    if (problem) return Promise.reject(problem);
    const queue = queueOf(route);
    const { promise, resolve, reject } = Promise.withResolvers<Permit>();
    const { notAfter, signal } = options;
    let cancelDeadline = () => {};
    const onOver = () => {
      const over = problemOf(route, options);
      if (over && remove(queue, request)) {
        request.fail(over);
        look();
      } else watchDeadline(); // the wall clock was set meanwhile
    };
    const watchDeadline = () => {
      if (notAfter === Infinity) return;
      cancelDeadline = schedule(onOver, Math.min(Math.floor(notAfter - now()) + 1, MAX_TIMER_MS));
    };
    const ended = <Result>(then: (result: Result) => void) => (result: Result) => {
      cancelDeadline();
      signal?.removeEventListener("abort", onOver);
      then(result);
    };
    const [grant, fail] = [ended(resolve), ended(reject)];
    const request: WaitingRequest = { options, number: ++numbers, notBefore, grant, fail };
    const isRetry = notBefore > -Infinity; // it has had its turn
    const isLast = (one: SchedulingOptions) => one.priority === "background";
    const index = queue.waiting.findIndex(({ options: other }) =>
      isLast(other) && !isLast(options) || isRetry && isLast(other) === isLast(options)
    );
    queue.waiting.splice(index < 0 ? queue.waiting.length : index, 0, request);
    occupied.add(queue);
    watchDeadline();
    signal?.addEventListener("abort", onOver, { once: true });
    look();
    return promise;
  }

  /** Grants a spare request its permit now, if there is spare capacity. */
  function acquireSpare(route: RestRoute, options: SchedulingOptions): Promise<Permit> {
    const problem = problemOf(route, options);
    if (problem) return Promise.reject(problem);
    const at = steadyNow();
    const bucket = buckets.of(route);
    const queue = queues.get(route.queueKey);
    // If a reply waits for its slot, the pace has no spare slot either.
    const hasRoom = !queue?.isBusy && !queue?.waiting[0] && availableAt(bucket, at) <= at &&
      pace.waitMs("spare", globalLimit(at), at) <= 0;
    if (!hasRoom) {
      return Promise.reject(toUnsent(route, "unsent", "there is no spare capacity for it"));
    }
    pace.take("spare", at);
    return Promise.resolve(grant(queueOf(route), options, bucket, at));
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
      look();
    },
    /** Refuses all requests from now on, waiting ones too. Only the first call's reason counts. */
    close(kind: RestErrorKind, reason: string): void {
      if (closed) return;
      closed = { kind, reason };
      cancelAlarm();
      for (const { route, waiting } of queues.values()) {
        for (const { fail } of waiting.splice(0)) fail(toUnsent(route, kind, reason));
      }
    },
    get queued(): number {
      return queues.values().reduce((sum, { waiting }) => sum + waiting.length, 0);
    },
    /** Milliseconds of the longest wait for a limit of Discord; 0 if no request waits for one. */
    longestWaitMs(): number {
      const at = steadyNow();
      const waiting = [...queues.values()].filter(({ waiting }) => waiting[0]);
      const opens = waiting.filter(({ isBusy }) => !isBusy)
        .map(({ route }) => availableAt(buckets.of(route), at));
      const blocked = waiting.length > 0 ? globalLimit(at).until : at;
      const waits = [blocked, refusedUntil, ...opens].map((until) => until - at);
      return Math.max(0, ...waits.filter(Number.isFinite));
    },
  };
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

function tooLong(route: RestRoute, ms: number): RestError {
  const reason = `Discord's rate limit lasts ${Math.ceil(ms / 1_000)} s more, ` +
    "which is past the deadline; try again after that";
  return toUnsent(route, "rate_limited", reason, ms);
}

const CANCELLED = "the caller cancelled it";
/** Reason of a request whose deadline has passed. */
const TOO_LATE = "its turn came after its deadline";

/** Milliseconds between two requests, interactions aside, after too many invalid requests. */
export const SLOWED_EVERY_MS = 500;

/**
 * Length of the window in which requests are counted: one second, and a margin for the differing
 * latency of requests.
 */
export const GLOBAL_WINDOW_MS = 1_020;

/**
 * Maximum number of answers to interactions in any one second. Discord sets none for all of them
 * together; this bounds the work and the connections of a flood.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#followup-messages}
 */
export const INTERACTIONS_PER_SEC = 50;

/** Creates the pace, without any request so far. */
export function createPace(
  { globalPerSec, unusedPerSec }: { readonly globalPerSec: number; readonly unusedPerSec: number },
) {
  const perSec = Math.max(1, globalPerSec - unusedPerSec);
  const shareOf = (share: number) => Math.ceil(globalPerSec * share);
  const [half, threeQuarters, eighth] = [shareOf(1 / 2), shareOf(3 / 4), shareOf(1 / 8)];
  /** When the last answers to interactions left, oldest first. */
  const interactions: Readonly<Record<"privileged" | "interaction", number[]>> = {
    privileged: [],
    interaction: [],
  };
  let interactionsPerSec = INTERACTIONS_PER_SEC;
  /** When the last other requests left, oldest first. */
  const others: number[] = [];
  /** The same, spare requests only. */
  const spares: number[] = [];

  function slotMs(priority: Priority, now: number): number {
    if (priority === "interaction" || priority === "privileged") {
      return slotWaitMs(interactions[priority], interactionsPerSec, now);
    }
    const anyMs = slotWaitMs(others, perSec, now);
    switch (priority) {
      case "reply":
        return anyMs;
      case "background":
        return Math.max(anyMs, slotWaitMs(others, half, now));
      case "spare":
        return Math.max(
          anyMs,
          slotWaitMs(others, threeQuarters, now),
          slotWaitMs(spares, eighth, now),
        );
    }
  }

  return {
    /**
     * Milliseconds until one more request of a priority may leave; Infinity if it may not while the
     * pace is slowed.
     */
    waitMs(priority: Priority, { until, isSlowed }: GlobalLimitState, now: number): number {
      const waitMs = Math.max(0, until - now, slotMs(priority, now));
      if (!isSlowed || priority === "interaction" || priority === "privileged") return waitMs;
      if (priority === "spare") return Infinity;
      return Math.max(waitMs, (others.at(-1) ?? -Infinity) + SLOWED_EVERY_MS - now);
    },
    take(priority: Priority, now: number): void {
      if (priority === "interaction" || priority === "privileged") {
        return note(interactions[priority], now, INTERACTIONS_PER_SEC);
      }
      note(others, now, globalPerSec);
      if (priority === "spare") note(spares, now, globalPerSec);
    },
    /**
     * Corrects the time of a request that was counted at `takenAt` but has left only now. Of many
     * requests at one moment, the last ones leave later.
     */
    sent(takenAt: number, now: number): void {
      for (const times of [...Object.values(interactions), others, spares]) {
        const index = times.lastIndexOf(takenAt); // of another priority's list, -1
        if (index >= 0 && now > takenAt) times.push(...times.splice(index, 1).fill(now));
      }
    },
    /** Ends the pace of answers to interactions: the bot stops, and no new ones will follow. */
    hurry: (): void => void (interactionsPerSec = Infinity),
  };
}

/**
 * Milliseconds until one more request may start without exceeding the limit of any window.
 *
 * @param starts When the last requests started, oldest first; at least the last `perSec` of them.
 * @param now By the clock of `starts`.
 */
function slotWaitMs(starts: readonly number[], perSec: number, now: number): number {
  const oldest = starts.at(-perSec);
  return oldest === undefined ? 0 : Math.max(0, oldest + GLOBAL_WINDOW_MS - now);
}

function note(starts: number[], now: number, perSec: number): void {
  starts.push(now);
  // Seldom, since it moves all of them.
  if (starts.length > 2 * perSec) starts.splice(0, starts.length - perSec);
}

export interface BucketWindow {
  /** Requests in one window; 1 until Discord names another limit. */
  readonly limit: number;
  /** How many are left until `resetAt`, including those in flight. */
  readonly remaining: number;
  /** When the window ends; after that, the whole limit is free. */
  readonly resetAt: number;
}

export interface Bucket {
  window: BucketWindow;
  /** Requests without a response yet. */
  inFlight: number;
  /** Discord's last name of it. */
  name?: string;
}

/** Window of an unknown bucket: one request goes ahead, and its response tells the limit. */
export const UNKNOWN: BucketWindow = { limit: 1, remaining: 1, resetAt: -Infinity };

/** Number of queues and names from which on the buckets without a limit in force are deleted. */
const SWEEP_AT = 256;

/**
 * When one more request may leave.
 *
 * @returns A time by the clock of `now`: `now` itself, or later; Infinity if only a response can
 * tell.
 */
export function availableAt(
  { window, inFlight }: { readonly window: BucketWindow; readonly inFlight: number },
  now: number,
): number {
  if (now >= window.resetAt) return inFlight < window.limit ? now : Infinity;
  return inFlight < window.remaining ? now : window.resetAt;
}

/**
 * Computes a bucket's window after a response.
 *
 * Responses can overtake each other, so within a window the smallest remaining count is right. A
 * request whose response has no counts, or that got no response, counts as taken.
 *
 * @param pauseMs Milliseconds for which a 429 closes the bucket; 0 if it does not.
 */
export function windowAfter(
  window: BucketWindow,
  limits: ResponseLimits,
  pauseMs: number,
  now: number,
): BucketWindow {
  const { limit = window.limit, left } = limits;
  const isOpen = now < window.resetAt;
  const known = isOpen ? window : { ...window, remaining: Infinity };
  if (pauseMs > 0) {
    const closedMs = left?.requests === 0 ? Math.max(pauseMs, left.resetMs) : pauseMs;
    return { limit, remaining: 0, resetAt: Math.max(known.resetAt, now + closedMs) };
  }
  if (!left) return { ...window, limit, remaining: window.remaining - (limits.refused ? 0 : 1) };
  return {
    limit,
    remaining: Math.min(known.remaining, left.requests),
    resetAt: Math.max(known.resetAt, now + left.resetMs),
  };
}

/** Creates the buckets; all routes are unknown at first. */
export function createBuckets() {
  const byQueue = new Map<string, Bucket>();
  /** Buckets by Discord's bucket name and major parameter. */
  const byName = new Map<string, Bucket>();
  /** Discord's bucket names by method and template. */
  const names = new Map<string, string>();

  function of(route: RestRoute): Bucket {
    const linked = byQueue.get(route.queueKey);
    if (linked) return linked;
    const name = names.get(route.name);
    const key = name === undefined ? undefined : keyOf(name, route);
    const bucket = (key !== undefined && byName.get(key)) ||
      { window: UNKNOWN, inFlight: 0, name };
    if (key !== undefined) byName.set(key, bucket);
    byQueue.set(route.queueKey, bucket);
    return bucket;
  }

  /** Discord may give one route several buckets, so each queue keeps its own. */
  function link(route: RestRoute, name: string): Bucket {
    names.set(route.name, name);
    const own = of(route);
    if (own.name === name) return own;
    const key = keyOf(name, route);
    const named = byName.get(key) ?? own;
    named.name = name;
    byName.set(key, named);
    byQueue.set(route.queueKey, named);
    return named;
  }

  function sweep(now: number): void {
    for (const buckets of [byQueue, byName]) {
      for (const [key, { inFlight, window }] of buckets) {
        if (inFlight === 0 && window.resetAt <= now) buckets.delete(key);
      }
    }
  }

  return {
    /** The bucket of a route; until a response names it, a bucket of its queue's own. */
    of,
    /**
     * Applies the limits of a response.
     *
     * @param pauseMs Milliseconds for which a 429 closes its bucket; 0 if it does not.
     * @returns The bucket that the response named, or the route's own.
     */
    update(route: RestRoute, limits: ResponseLimits, pauseMs: number, now: number): Bucket {
      if (byQueue.size + byName.size > SWEEP_AT) sweep(now);
      const bucket = limits.bucket === undefined ? of(route) : link(route, limits.bucket);
      bucket.window = windowAfter(bucket.window, limits, pauseMs, now);
      return bucket;
    },
  };
}

function keyOf(name: string, { major }: RestRoute): string {
  return `${name} ${major}`;
}

/** The limits of one response; times in whole milliseconds from its arrival. */
export interface ResponseLimits {
  /** Discord's name of the bucket; routes with the same name share the bucket. */
  readonly bucket?: string;
  /** Requests in one window of the bucket. */
  readonly limit?: number;
  /** How many of them are left, and when the window ends. */
  readonly left?: { readonly requests: number; readonly resetMs: number };
  /** Set on a 429. */
  readonly refused?: {
    /** Whether it refuses all requests of the bot, not only those of the bucket. */
    readonly isGlobal: boolean;
    /** Absent if the response has no duration. */
    readonly retryMs?: number;
  };
}

/**
 * Reads the rate limits of a response.
 *
 * @param body The parsed body; `undefined` if it is not JSON.
 * @see {@link https://docs.discord.com/developers/topics/rate-limits}
 */
export function responseLimitsOf(status: number, headers: Headers, body: unknown): ResponseLimits {
  const bucket = headers.get("x-ratelimit-bucket");
  const limit = countOf(headers.get("x-ratelimit-limit"));
  const requests = countOf(headers.get("x-ratelimit-remaining"));
  const resetMs = toMs(headers.get("x-ratelimit-reset-after"));
  return {
    bucket: bucket || undefined,
    limit: limit || undefined,
    left: requests !== undefined && resetMs > 0 ? { requests, resetMs } : undefined,
    refused: status === 429 ? refusalOf(headers, isRecord(body) ? body : {}) : undefined,
  };
}

function refusalOf(
  headers: Headers,
  body: Readonly<Record<string, unknown>>,
): NonNullable<ResponseLimits["refused"]> {
  const retryMs = Math.max(toMs(headers.get("retry-after")), toMs(body["retry_after"]));
  return { isGlobal: isGlobal(headers, body), retryMs: retryMs > 0 ? retryMs : undefined };
}

/**
 * Whether a 429 is for the whole bot. A 429 without any field of Discord's comes from Cloudflare in
 * front of it, and Cloudflare limits the whole address.
 */
function isGlobal(headers: Headers, body: Readonly<Record<string, unknown>>): boolean {
  const scope = headers.get("x-ratelimit-scope");
  if (scope === "user" || scope === "shared") return false;
  if (scope === "global" || headers.has("x-ratelimit-global") || body["global"] === true) {
    return true;
  }
  return !headers.has("x-ratelimit-bucket") && body["retry_after"] === undefined;
}

/** Converts Discord's seconds to milliseconds; anything but a positive number is 0. */
function toMs(seconds: unknown): number {
  const value = typeof seconds === "string" && seconds.trim() !== "" ? Number(seconds) : seconds;
  return typeof value === "number" && Number.isFinite(value) && value > 0
    ? Math.min(MAX_TIMER_MS, Math.ceil(value * 1_000))
    : 0;
}

function countOf(text: string | null): number | undefined {
  return text !== null && /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : undefined;
}

const MINUTE_MS = 60_000;

/** Milliseconds for which Discord counts an invalid request. */
export const INVALID_WINDOW_MS = 10 * 60 * 1_000;

/** Creates a count by minutes. */
export function createInvalidRequests() {
  const byMinute = new Map<number, number>();
  return {
    /**
     * Requests of the last ten minutes, plus up to a minute's more, because only minutes are kept.
     *
     * @param now Unix time in milliseconds. A future time gives the requests that will still count
     * then.
     */
    count(now: number): number {
      let sum = 0;
      const [from, to] = [minuteOf(now - INVALID_WINDOW_MS), minuteOf(now)];
      // A wrong clock counted the minutes that lie in the future.
      for (const [minute, count] of byMinute) if (minute >= from && minute <= to) sum += count;
      return sum;
    },
    note(now: number): void {
      const minute = minuteOf(now);
      const oldest = minuteOf(now - INVALID_WINDOW_MS);
      for (const other of byMinute.keys()) if (other < oldest) byMinute.delete(other);
      byMinute.set(minute, (byMinute.get(minute) ?? 0) + 1);
    },
  };
}

export type InvalidRequests = ReturnType<typeof createInvalidRequests>;

/** The minute since 1970 of a Unix time in milliseconds. */
function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS);
}

export interface GlobalLimitState {
  /** Until when no request may leave, by the monotonic clock. */
  readonly until: number;
  readonly isSlowed: boolean;
}

/** The settings of all limits, and their clocks; `now` counts only for deadlines. */
export type LimitOptions = Clock & {
  /** Maximum number of requests in any one second. */
  readonly globalPerSec: number;
  /** How many of them stay unused, as a margin; at least one is used. */
  readonly unusedPerSec: number;
  /**
   * Milliseconds of a monotonic clock: a Raspberry Pi sets its wall clock only after it has started.
   */
  readonly steadyNow: () => number;
  readonly schedule: StartTimer;
};

/** `closed`: full pace. `slowed`: slow pace for all but interactions. `stopped`: no requests. */
export type BreakerState = "closed" | "slowed" | "stopped";

/** Invalid requests in ten minutes from which on all requests but interactions are slowed. */
const SLOW_FROM = 500;
/** Invalid requests in ten minutes from which on all requests stop. */
const STOP_AT = 2_000;

/**
 * Whether Discord counts the request of a response as invalid.
 *
 * The sender of the response does not matter: those of Cloudflare count like Discord's own.
 */
function isInvalid(status: number, headers: Headers): boolean {
  if (status === 429) return headers.get("x-ratelimit-scope") !== "shared";
  return status === 401 || status === 403;
}

/** @param count Invalid requests of the last ten minutes. */
function breakerState(count: number): BreakerState {
  if (count >= STOP_AT) return "stopped";
  return count >= SLOW_FROM ? "slowed" : "closed";
}

/**
 * How long the breaker stays stopped if no more invalid requests follow.
 *
 * @param count Returns the number of invalid requests that count at a time, in Unix milliseconds.
 * @returns Milliseconds; 0 if it is not stopped.
 */
function stoppedForMs(count: (now: number) => number, now: number): number {
  if (count(now) < STOP_AT) return 0;
  const nextMinute = (Math.floor(now / MINUTE_MS) + 1) * MINUTE_MS;
  let at = nextMinute;
  while (count(at) >= STOP_AT && at - now <= INVALID_WINDOW_MS) at += MINUTE_MS;
  return at - now;
}

/**
 * Creates a breaker.
 *
 * @param invalidRequests The counter, which all accounts share.
 * @param onBreaker Called on each change of the state.
 */
export function createBreaker(
  invalidRequests: InvalidRequests,
  { now }: Clock,
  onBreaker?: (state: BreakerState) => void,
) {
  let last: BreakerState = "closed";

  function check(): { readonly state: BreakerState; readonly stoppedForMs: number } {
    const at = now();
    const state = breakerState(invalidRequests.count(at));
    if (state !== last) {
      last = state;
      onBreaker?.(state);
    }
    return {
      state,
      stoppedForMs: state === "stopped" ? stoppedForMs(invalidRequests.count, at) : 0,
    };
  }

  return {
    /** Returns the state now, and calls `onBreaker` if it has changed. */
    check,
    /** Counts a response if Discord counts its request as invalid. */
    note(status: number, headers: Headers): void {
      if (!isInvalid(status, headers)) return;
      invalidRequests.note(now());
      check();
    },
  };
}

/** Counts invalid requests, and reports its state. */
export type Breaker = ReturnType<typeof createBreaker>;
