/**
 * Keeps the bot from the requests for which Discord bans an address.
 *
 * Discord bans for 10,000 invalid requests in ten minutes. Slowed from 500 on,
 * 2,000 cannot be reached: two a second are 1,320 in the eleven minutes that a
 * count by minutes may span. What reaches it all the same, such as answers to
 * people, stops there, until the count has fallen by itself.
 *
 * @module
 * @see {@link https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans}
 */

import { INVALID_WINDOW_MS, type InvalidRequests } from "../../../core/discord/invalid_requests.ts";

/** `closed`: everything leaves at its own pace. `stopped`: nothing leaves. */
export type BreakerState = "closed" | "slowed" | "stopped";

/** Invalid requests of ten minutes from which on everything but interactions is slowed. */
export const SLOW_FROM = 500;
/** And at which nothing leaves any more. */
export const STOP_AT = 2_000;

const MINUTE_MS = 60_000;

/**
 * Whether Discord holds an answer against the address.
 *
 * Of whom an answer is, is not asked: Cloudflare's count as Discord's do.
 */
export function isInvalid(status: number, headers: Headers): boolean {
  if (status === 429) return headers.get("x-ratelimit-scope") !== "shared";
  return status === 401 || status === 403;
}

/** @param count Invalid requests of the last ten minutes. */
export function breakerState(count: number): BreakerState {
  if (count >= STOP_AT) return "stopped";
  return count >= SLOW_FROM ? "slowed" : "closed";
}

/**
 * How long the breaker stays stopped if nothing more is counted.
 *
 * @param count Invalid requests that count at a moment, in Unix milliseconds.
 * @returns Milliseconds; 0 where it is not stopped.
 */
export function stoppedForMs(count: (now: number) => number, now: number): number {
  if (count(now) < STOP_AT) return 0;
  const nextMinute = (Math.floor(now / MINUTE_MS) + 1) * MINUTE_MS;
  let at = nextMinute;
  while (count(at) >= STOP_AT && at - now <= INVALID_WINDOW_MS) at += MINUTE_MS;
  return at - now;
}

export interface Breaker {
  /** As of now; a change is told. */
  check(): { readonly state: BreakerState; readonly stoppedForMs: number };
  /** Counts an answer, where Discord does. */
  note(status: number, headers: Headers): void;
}

export interface BreakerDeps {
  readonly invalidRequests: InvalidRequests;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Told of each change. */
  readonly onBreaker?: ((state: BreakerState) => void) | undefined;
}

export function createBreaker({ invalidRequests, now, onBreaker }: BreakerDeps): Breaker {
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
    check,
    note(status, headers) {
      if (!isInvalid(status, headers)) return;
      invalidRequests.note(now());
      check();
    },
  };
}
