/**
 * Discord's buckets: how many requests each has room for, and from when on.
 *
 * Routes share a bucket where Discord names the same one for both, and then they
 * draw on the same room. What has left and is not answered counts as taken,
 * since nobody knows yet whether Discord's last word includes it. So requests
 * that share a bucket cannot overdraw it together.
 *
 * @module
 */

import type { Route } from "../exchange/route.ts";
import type { Limits } from "./limits.ts";

/** A bucket's window, as far as answers have told. Times are those of a clock that is never set. */
export interface Window {
  /** Requests in one window; 1 until Discord says otherwise. */
  readonly limit: number;
  /** How many are left until `resetAt`, those included that are under way. */
  readonly remaining: number;
  /** When the window is over; after that its whole limit is free. */
  readonly resetAt: number;
}

/** What is known of one bucket. */
export interface Bucket {
  window: Window;
  /** Requests that left and are not answered. */
  underWay: number;
  /** 429s in a row that did not say for how long. */
  strikes: number;
}

export interface Buckets {
  /** The bucket of a route, as far as answers have told; until then, its lane's own. */
  of(route: Route): Bucket;
  /**
   * Keeps what an answer said.
   *
   * @param pauseMs How long a 429 keeps its bucket closed; 0 for not at all.
   * @returns The bucket that it spoke of.
   */
  tell(route: Route, limits: Limits, pauseMs: number, now: number): Bucket;
}

/** Of a bucket of which nothing is known: one request goes ahead, and its answer tells. */
export const UNKNOWN: Window = { limit: 1, remaining: 1, resetAt: -Infinity };

/** More lanes and names than this, and those are forgotten whose limits are over. */
const SWEEP_AT = 256;

/**
 * When one more request may leave.
 *
 * @returns A time by the clock of `now`: `now` itself, or later; Infinity where only an answer can
 * tell.
 */
export function roomAt({ window, underWay }: Bucket, now: number): number {
  if (now >= window.resetAt) return underWay < window.limit ? now : Infinity;
  return underWay < window.remaining ? now : window.resetAt;
}

/**
 * A bucket's window after an answer.
 *
 * Answers overtake each other, so within a window the one that leaves less is
 * believed. An answer that tells nothing, or none at all, has taken its share.
 *
 * @param pauseMs How long a 429 keeps it closed; 0 for not at all.
 */
export function windowAfter(window: Window, limits: Limits, pauseMs: number, now: number): Window {
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

export function createBuckets(): Buckets {
  /** Of each lane, its bucket. */
  const byLane = new Map<string, Bucket>();
  /** Of each of Discord's buckets and each major parameter. */
  const byName = new Map<string, Bucket>();
  /** What Discord calls the bucket of a route, by method and template. */
  const names = new Map<string, string>();
  let sweepAt = SWEEP_AT;

  function of(route: Route): Bucket {
    const linked = byLane.get(route.lane);
    if (linked) return linked;
    const name = names.get(routeName(route));
    const key = name === undefined ? undefined : keyOf(name, route);
    const bucket = (key !== undefined && byName.get(key)) ||
      { window: UNKNOWN, underWay: 0, strikes: 0 };
    if (key !== undefined) byName.set(key, bucket);
    byLane.set(route.lane, bucket);
    return bucket;
  }

  /** Discord may call the bucket of one route by several names, so each lane keeps to its own. */
  function link(route: Route, name: string): Bucket {
    names.set(routeName(route), name);
    const own = of(route);
    const key = keyOf(name, route);
    const named = byName.get(key) ?? own;
    byName.set(key, named);
    byLane.set(route.lane, named);
    return named;
  }

  function sweep(now: number): void {
    for (const buckets of [byLane, byName]) {
      for (const [key, { underWay, window }] of buckets) {
        if (underWay === 0 && window.resetAt <= now) buckets.delete(key);
      }
    }
    sweepAt = Math.max(SWEEP_AT, 2 * (byLane.size + byName.size));
  }

  return {
    of,
    tell(route, limits, pauseMs, now) {
      if (byLane.size + byName.size > sweepAt) sweep(now);
      const bucket = limits.bucket === undefined ? of(route) : link(route, limits.bucket);
      bucket.window = windowAfter(bucket.window, limits, pauseMs, now);
      return bucket;
    },
  };
}

function routeName({ method, template }: Route): string {
  return `${method} ${template}`;
}

function keyOf(name: string, { major }: Route): string {
  return `${name} ${major}`;
}
