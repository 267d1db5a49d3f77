/**
 * Discord's rate limit buckets: how many requests each has room for, and when, as responses tell.
 *
 * Routes share a bucket if Discord gives both the same bucket name; then their requests count
 * together. A request in flight counts as taken, because the last known count may not include it.
 * So requests that share a bucket cannot exceed its limit together. Barnacle never shortens
 * Discord's times. They count from the moment the response arrived, which is later than Discord's
 * own start, so no request is early by Discord's clock.
 */

import type { RestRoute } from "../exchange/route.ts";
import { MAX_TIMER_MS } from "../../../lib/clock.ts";
import { isRecord } from "../../../lib/text/json.ts";

/** A bucket's window, as known from responses. Times are those of a monotonic clock. */
export interface BucketWindow {
  /** Requests in one window; 1 until Discord names another limit. */
  readonly limit: number;
  /** How many are left until `resetAt`, including those in flight. */
  readonly remaining: number;
  /** When the window ends; after that, the whole limit is free. */
  readonly resetAt: number;
}

/** The known state of one bucket. */
export interface Bucket {
  window: BucketWindow;
  /** Requests without a response yet. */
  inFlight: number;
  /** 429s in a row without a duration. */
  untimed429s: number;
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
  let sweepAt = SWEEP_AT;

  function of(route: RestRoute): Bucket {
    const linked = byQueue.get(route.queueKey);
    if (linked) return linked;
    const name = names.get(route.name);
    const key = name === undefined ? undefined : keyOf(name, route);
    const bucket = (key !== undefined && byName.get(key)) ||
      { window: UNKNOWN, inFlight: 0, untimed429s: 0, name };
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
    sweepAt = Math.max(SWEEP_AT, 2 * (byQueue.size + byName.size));
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
      if (byQueue.size + byName.size > sweepAt) sweep(now);
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
export function limitsOf(status: number, headers: Headers, body: unknown): ResponseLimits {
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
