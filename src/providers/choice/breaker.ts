/**
 * Decides when to skip a provider that fails (L3). Each function is pure: the caller has the clock.
 *
 * An open breaker does not forbid requests. It only puts other providers first, so a bot with one
 * provider asks it as before.
 *
 * @module
 */

import type { ModelErrorKind } from "../../core/model.ts";

/** State of one provider's breaker. */
export interface BreakerState {
  /** Failures in a row that count. */
  readonly failures: number;
  /** Unix time in milliseconds until which the provider is skipped; 0 if it is not. */
  readonly openUntil: number;
}

/** The provider works, as far as known. */
export const CLOSED: BreakerState = { failures: 0, openUntil: 0 };

/** Failures in a row after which a provider is skipped. */
const FAILURES = 3;
/** Milliseconds of the first pause; it doubles with each further failure. */
const PAUSE_MS = 30_000;
/** Longest pause in milliseconds. */
const PAUSE_MAX_MS = 10 * 60_000;
/** Milliseconds that one request gets to find out whether the provider works again. */
const PROBE_MS = 60_000;

/** Whether a request may go to the provider. */
export function isClosed({ openUntil }: BreakerState, now: number): boolean {
  return now >= openUntil;
}

/**
 * The state when a request begins. After a pause, the first request probes the provider, and the
 * others still skip it.
 */
export function afterAsking(state: BreakerState, now: number): BreakerState {
  const isProbe = state.openUntil > 0 && isClosed(state, now);
  return isProbe ? { ...state, openUntil: now + PROBE_MS } : state;
}

/** The state after a failed request. */
export function afterFailure(
  state: BreakerState,
  kind: ModelErrorKind,
  now: number,
): BreakerState {
  switch (weightOf(kind)) {
    case "none":
      return state;
    case "down":
      return opened(Math.max(state.failures + 1, FAILURES), now);
    case "busy": {
      const failures = state.failures + 1;
      return failures < FAILURES ? { ...state, failures } : opened(failures, now);
    }
  }
}

function opened(failures: number, now: number): BreakerState {
  const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** (failures - FAILURES));
  return { failures, openUntil: now + pauseMs };
}

/** Whether a failure concerns the whole provider, and will last. */
function weightOf(kind: ModelErrorKind): "none" | "busy" | "down" {
  switch (kind) {
    case "unauthorized":
    case "quota":
    case "web_page":
    case "redirected":
      return "down";
    case "rate_limited":
    case "unavailable":
    case "timeout":
      return "busy";
    case "not_found": // of one model
    case "rejected": // of one request
    case "not_an_answer":
      return "none";
  }
}
