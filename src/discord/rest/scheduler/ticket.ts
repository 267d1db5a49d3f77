/**
 * One request's place in a line, for as long as it stands there.
 *
 * It leaves the line when its turn comes, when its time is over or when nobody
 * wants it any more. Those behind it must not search the line for it then, so
 * it stays where it is and is passed over.
 *
 * @module
 */

import { MAX_TIMER_MS, type Schedule } from "../../../lib/schedule.ts";
import type { Rank } from "./pace.ts";

/** What a request is allowed. */
export interface Terms {
  readonly rank: Rank;
  /** Unix time in milliseconds; the request leaves by then, or not at all. */
  readonly notAfter: number;
  /** Gives it up. */
  readonly signal?: AbortSignal | undefined;
}

export interface Ticket<T> {
  readonly terms: Terms;
  /** It must not leave before, by the steady clock. */
  readonly notBefore: number;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
  /** Since when it is the next of its line, by the steady clock. */
  nextSince: number | undefined;
  /** Whether it stands in line. */
  isWaiting: boolean;
  unwatch: (() => void) | undefined;
}

export interface WatchDeps {
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
  /** The request came too late, or was given up: it has left the line. */
  readonly onOver: (why: "late" | "aborted") => void;
}

/**
 * Ends a ticket's wait: its turn has come, or never will.
 *
 * @returns Whether it was waiting.
 */
export function endWait(ticket: Ticket<never>): boolean {
  const wasWaiting = ticket.isWaiting;
  ticket.isWaiting = false;
  ticket.unwatch?.();
  ticket.unwatch = undefined;
  return wasWaiting;
}

/** Sees to it that a ticket that still waits does so no longer than its terms allow. */
export function watch(
  ticket: Pick<Ticket<never>, "terms" | "isWaiting" | "unwatch">,
  { now, schedule, onOver }: WatchDeps,
): void {
  const { notAfter, signal } = ticket.terms;
  if (!ticket.isWaiting || (notAfter === Infinity && !signal)) return;
  let cancel: (() => void) | undefined;

  const check = () => {
    const leftMs = notAfter - now();
    if (leftMs < 0) onOver("late");
    else cancel = schedule(check, Math.min(Math.floor(leftMs) + 1, MAX_TIMER_MS));
  };
  const onAbort = () => onOver("aborted");

  if (notAfter !== Infinity) check();
  signal?.addEventListener("abort", onAbort, { once: true });
  ticket.unwatch = () => {
    cancel?.();
    signal?.removeEventListener("abort", onAbort);
  };
}
