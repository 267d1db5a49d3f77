/**
 * One request that waits in a queue.
 *
 * The wait ends when the request's turn comes, when its deadline passes or when the caller cancels
 * it. The other requests must not search the queue for it then, so it stays in its position and is
 * skipped.
 *
 * @module
 */

import { MAX_TIMER_MS, type StartTimer } from "../../../lib/clock.ts";
import type { Priority } from "./pace.ts";

/** How a request may be scheduled. */
export interface SchedulingOptions {
  /** The order among waiting requests. */
  readonly priority: Priority;
  /** Deadline, Unix time in milliseconds; a request that has not left by then never leaves. */
  readonly notAfter: number;
  /** Cancels the request. */
  readonly signal?: AbortSignal | undefined;
}

/** A request in a queue, and the state of its wait. */
export interface WaitingRequest<T> {
  /** Priority, deadline and abort signal. */
  readonly options: SchedulingOptions;
  /** Earliest time to leave, by the monotonic clock. */
  readonly notBefore: number;
  /** Ends the wait with a permit. */
  readonly resolve: (value: T) => void;
  /** Ends the wait with an error. */
  readonly reject: (error: Error) => void;
  /** When it became the first of its queue, by the monotonic clock. */
  firstSince: number | undefined;
  /** Whether it still waits. */
  isWaiting: boolean;
  /** Removes the timer and the listener of `limitWait`. */
  cancelLimit: (() => void) | undefined;
}

/** The dependencies of `limitWait`. */
export interface WaitLimitDeps {
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Timer for the deadline. */
  readonly schedule: StartTimer;
  /** Called when the deadline has passed, or when the caller has cancelled the request. */
  readonly onOver: (why: "late" | "aborted") => void;
}

/**
 * Ends a request's wait, because its turn has come or never will.
 *
 * @returns Whether it was waiting.
 */
export function endWait(request: WaitingRequest<never>): boolean {
  const wasWaiting = request.isWaiting;
  request.isWaiting = false;
  request.cancelLimit?.();
  request.cancelLimit = undefined;
  return wasWaiting;
}

/** Limits a request's wait to its deadline and its abort signal. */
export function limitWait(
  request: Pick<WaitingRequest<never>, "options" | "isWaiting" | "cancelLimit">,
  { now, schedule, onOver }: WaitLimitDeps,
): void {
  const { notAfter, signal } = request.options;
  if (!request.isWaiting || (notAfter === Infinity && !signal)) return;
  let cancel: (() => void) | undefined;

  const check = () => {
    const leftMs = notAfter - now();
    if (leftMs < 0) onOver("late");
    else cancel = schedule(check, Math.min(Math.floor(leftMs) + 1, MAX_TIMER_MS));
  };
  const onAbort = () => onOver("aborted");

  if (notAfter !== Infinity) check();
  signal?.addEventListener("abort", onAbort, { once: true });
  request.cancelLimit = () => {
    cancel?.();
    signal?.removeEventListener("abort", onAbort);
  };
}
