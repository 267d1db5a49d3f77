/**
 * Discord's rate limits: buckets, the global limit, and their headers.
 *
 * A bucket belongs to a route together with its channel or guild. It is a window that opens with
 * the first request, and is full again when it closes. The sizes are observations; at Discord, too,
 * only the headers count.
 *
 * @see {@link https://docs.discord.com/developers/topics/rate-limits}
 */

export interface Limit {
  readonly requests: number;
  readonly windowMs: number;
}

export interface RateLimitOptions {
  readonly isEnabled: boolean;
  readonly createMessage: Limit;
  /** Adding and removing reactions, in one channel. */
  readonly reaction: Limit;
  /** Every other route. */
  readonly other: Limit;
  /** Over all routes. */
  readonly globalPerSec: number;
  /**
   * Routes that share one bucket, as some of Discord's do; only the bucket's name shows it. The
   * first route sets the limit: `[["POST /channels/:id/messages", "POST /channels/:id/typing"]]`.
   */
  readonly sharedBuckets?: readonly (readonly string[])[];
}

export const DEFAULT_RATE_LIMITS: RateLimitOptions = {
  isEnabled: true,
  createMessage: { requests: 5, windowMs: 5_000 },
  reaction: { requests: 1, windowMs: 250 },
  other: { requests: 10, windowMs: 1_000 },
  globalPerSec: 50,
};

/** The result for one request. */
export interface RateVerdict {
  readonly headers: Readonly<Record<string, string>>;
  /** Set if the request is refused. */
  readonly retryAfterSec?: number;
  readonly scope?: "user" | "global";
}

export interface RateLimits {
  /**
   * Counts a request.
   *
   * @param method Such as `"POST"`.
   * @param route Without ids: `"/channels/:id/messages"`.
   * @param major Its channel, guild or webhook; empty if there is none.
   * @param now Unix time in milliseconds.
   */
  take(method: string, route: string, major: string, now: number): RateVerdict;
}

interface Window {
  readonly limit: Limit;
  resetAt: number;
  used: number;
}

/** Number of windows at which closed ones are dropped. */
const SWEEP_AT = 10_000;

/** The limits of one application; `id` makes the names of its buckets unique. */
export function createRateLimits(options: RateLimitOptions): RateLimits {
  const windows = new Map<string, Window>();
  let lastSecond: number[] = [];

  return {
    take(method, route, major, now): RateVerdict {
      if (!options.isEnabled) return { headers: {} };
      lastSecond = lastSecond.filter((at) => now - at < 1_000);
      const oldest = lastSecond[0];
      if (oldest !== undefined && lastSecond.length >= options.globalPerSec) {
        const retryAfterSec = Math.max(1, oldest + 1_000 - now) / 1_000;
        return {
          retryAfterSec,
          scope: "global",
          headers: {
            "X-RateLimit-Global": "true",
            "X-RateLimit-Scope": "global",
            "Retry-After": String(Math.ceil(retryAfterSec)),
          },
        };
      }
      lastSecond.push(now);

      const counted = countedAs(options, `${method} ${route}`);
      const bucket = bucketOf(counted);
      const window = windowOf(windows, `${bucket} ${major}`, limitOf(options, counted), now);
      const isOver = window.used >= window.limit.requests;
      if (!isOver) window.used += 1;
      const resetAfterSec = Math.max(1, window.resetAt - now) / 1_000;
      const headers = {
        "X-RateLimit-Limit": String(window.limit.requests),
        "X-RateLimit-Remaining": String(window.limit.requests - window.used),
        "X-RateLimit-Reset": (window.resetAt / 1_000).toFixed(3),
        "X-RateLimit-Reset-After": resetAfterSec.toFixed(3),
        "X-RateLimit-Bucket": bucket,
      };
      if (!isOver) return { headers };
      return {
        retryAfterSec: resetAfterSec,
        scope: "user",
        headers: {
          ...headers,
          "X-RateLimit-Scope": "user",
          "Retry-After": String(Math.ceil(resetAfterSec)),
        },
      };
    },
  };
}

function windowOf(windows: Map<string, Window>, key: string, limit: Limit, now: number): Window {
  const open = windows.get(key);
  if (open && now < open.resetAt) return open;
  if (windows.size >= SWEEP_AT) {
    for (const [name, { resetAt }] of windows) if (now >= resetAt) windows.delete(name);
  }
  const window = { limit, resetAt: now + limit.windowMs, used: 0 };
  windows.set(key, window);
  return window;
}

/** Adding and removing reactions always share a bucket; an option names others. */
function countedAs({ sharedBuckets = [] }: RateLimitOptions, route: string): string {
  const [first] = sharedBuckets.find((routes) => routes.includes(route)) ?? [];
  if (first !== undefined) return first;
  return route.includes("/reactions/") ? route.replace(/^\w+ /, "") : route;
}

function limitOf(options: RateLimitOptions, route: string): Limit {
  if (route === "POST /channels/:id/messages") return options.createMessage;
  return route.includes("/reactions/") ? options.reaction : options.other;
}

/** A name that shows nothing of the route, but shows routes that share it. */
function bucketOf(name: string): string {
  let hash = 0x811c9dc5;
  for (const character of name) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, "0").repeat(4);
}
