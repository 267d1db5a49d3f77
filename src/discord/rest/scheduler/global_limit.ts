/**
 * The limits that apply to all requests: Discord's global rate limit, and a breaker that slows or
 * stops requests before Discord bans the address for too many invalid ones.
 *
 * Discord bans for 10,000 invalid requests in ten minutes. From 500 on, all requests but
 * interactions are slowed to two a second. These alone cannot reach 2,000: two a second are 1,320
 * in the eleven minutes that a count by minutes may span. If answers to interactions push the count
 * to 2,000, all requests stop until the count has fallen.
 *
 * A 429 without a duration counts as well. Barnacle then chooses the wait, which grows with each
 * such response in a row.
 *
 * Discord bans an address, not a bot. So all accounts share one count of invalid requests, and a new
 * process continues the stored count (D3).
 *
 * The pace says how many requests may leave in a second, and of which priority. Discord does not
 * count answers to interactions in the global limit. They have a limit of their own, so not even a
 * flood of them delays a reply. Requests for which no person waits use only spare capacity, so they
 * never delay a reply either.
 *
 * @see {@link https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans}
 */

import type { AccountId } from "../../../core/discord/ids.ts";
import type { Clock, StartTimer } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import { retryDelayMs, type RetryRules } from "../../../lib/network/backoff.ts";
import type { Store } from "../../../store/store.ts";
import type { Bucket, ResponseLimits } from "./buckets.ts";

const MINUTE_MS = 60_000;

/** Milliseconds for which Discord counts an invalid request. */
export const INVALID_WINDOW_MS = 10 * 60 * 1_000;

/**
 * Creates a count by minutes that starts with the requests of earlier runs.
 *
 * @param stored Minutes since 1970, and the number of requests in each.
 * @param onNote Gets the minute (since 1970) of each new request, to store it.
 */
export function createInvalidRequests(
  stored: readonly { readonly minute: number; readonly count: number }[],
  onNote: (minute: number) => void,
) {
  const byMinute = new Map<number, number>();
  for (const { minute, count } of stored) byMinute.set(minute, (byMinute.get(minute) ?? 0) + count);

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
      onNote(minute);
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
  /** Whether all requests but interactions leave at the slow pace. */
  readonly isSlowed: boolean;
}

/** The settings of all limits, and their clocks; `now` counts only for deadlines. */
export interface LimitOptions extends Clock {
  /** Maximum number of requests in any one second. */
  readonly globalPerSec: number;
  /** How many of them stay unused, as a margin; at least one is used. */
  readonly unusedPerSec: number;
  /** For requests that may be repeated (D5): how the wait grows, also after 429s without a duration. */
  readonly retry: RetryRules;
  /** A number from 0 up to, but not including, 1. */
  readonly random: () => number;
  /**
   * Milliseconds of a monotonic clock: a Raspberry Pi sets its wall clock only after it has started.
   */
  readonly steadyNow: () => number;
  readonly schedule: StartTimer;
}

/**
 * Creates the global limit, open.
 *
 * @param check Returns the state of the breaker now.
 */
export function createGlobalLimit({ retry, random }: LimitOptions, check: Breaker["check"]) {
  let globalUntil = -Infinity;
  /** Global 429s in a row without a duration. */
  let untimed429s = 0;

  return {
    /** The limit at `now`, by the monotonic clock. */
    at(now: number): GlobalLimitState {
      const { state, stoppedForMs } = check();
      const stoppedUntil = state === "stopped" ? now + stoppedForMs : -Infinity;
      return { until: Math.max(globalUntil, stoppedUntil), isSlowed: state !== "closed" };
    },
    /**
     * Applies the limits of a response.
     *
     * @param now By the monotonic clock.
     * @returns Milliseconds for which a 429 closes its bucket, or all requests if it is global;
     * otherwise 0.
     */
    update(bucket: Bucket, { refused }: ResponseLimits, now: number): number {
      if (!refused) {
        untimed429s = 0;
        bucket.untimed429s = 0;
        return 0;
      }
      const { isGlobal, retryMs } = refused;
      if (!isGlobal) return retryMs ?? retryDelayMs(++bucket.untimed429s, random(), retry);
      const pauseMs = retryMs ?? retryDelayMs(++untimed429s, random(), retry);
      globalUntil = Math.max(globalUntil, now + pauseMs);
      return pauseMs;
    },
  };
}

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

export function createSharedInvalidRequests(
  { store, now, log }: Clock & {
    readonly store: { readonly gateway: Store["gateway"]; readonly outbox: Store["outbox"] };
    readonly log: Log;
  },
) {
  const counts = new Map<AccountId, Promise<InvalidRequests>>();
  const ready: InvalidRequests[] = [];

  async function load(accountId: AccountId): Promise<InvalidRequests> {
    const since = minuteOf(now() - INVALID_WINDOW_MS);
    const stored = await store.outbox.loadInvalidRequests(accountId, since);
    const own = createInvalidRequests(stored, (minute) => {
      store.outbox.addInvalidRequest(accountId, minute).catch((error: unknown) => {
        log.warn("Cannot store that Discord refused a request", { error });
      });
    });
    ready.push(own);
    return own;
  }

  function ownOf(accountId: AccountId): Promise<InvalidRequests> {
    let own = counts.get(accountId);
    if (!own) counts.set(accountId, own = load(accountId));
    return own;
  }

  return {
    /** Returns one account's counter, which includes the requests of all accounts. */
    async of(accountId: AccountId): Promise<InvalidRequests> {
      await Promise.all((await store.gateway.accountIds()).map(ownOf));
      const { note } = await ownOf(accountId);
      const count = (at: number) => ready.reduce((sum, own) => sum + own.count(at), 0);
      return { count, note };
    },
  };
}

/**
 * Order in which requests leave: `reply`, then `background` and `spare`. An `interaction` leaves
 * beside them, and that of an owner or approver (`privileged`) beside those of all others.
 */
export type Priority = "privileged" | "interaction" | "reply" | "background" | "spare";

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
    /** Counts a request that leaves now. */
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
      if (now === takenAt) return;
      for (const times of [...Object.values(interactions), others, spares]) {
        const index = times.lastIndexOf(takenAt); // it is near the end
        if (index === -1) continue; // another priority's list, or already removed
        times.splice(index, 1);
        times.push(now);
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
