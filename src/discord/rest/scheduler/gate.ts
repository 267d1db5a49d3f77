/**
 * Decides whether a request may still be sent: not if the gate is closed, the caller has cancelled
 * the request, or its deadline has passed.
 *
 * @module
 */

import { type RestError, type RestErrorKind, toUnsent } from "../exchange/rest_error.ts";
import type { Route } from "../exchange/route.ts";
import type { SchedulingOptions } from "./waiting_request.ts";

/** Lets requests through until it is closed. */
export interface Gate {
  /** Refuses all requests from now on. Only the first call's reason counts. */
  close(kind: RestErrorKind, reason: string): void;
  /** Whether `close` was called. */
  readonly isClosed: boolean;
  /** Why a request may not leave now; `undefined` if it may. */
  problemOf(route: Route, options: SchedulingOptions): RestError | undefined;
  /** Why a request cannot wait for `waitMs` milliseconds; `undefined` if it can. */
  tooLong(route: Route, options: SchedulingOptions, waitMs: number): RestError | undefined;
}

/**
 * Creates an open gate.
 *
 * @param now Unix time in milliseconds.
 */
export function createGate(now: () => number): Gate {
  let closed: { readonly kind: RestErrorKind; readonly reason: string } | undefined;

  return {
    close: (kind, reason) => void (closed ??= { kind, reason }),
    get isClosed() {
      return closed !== undefined;
    },
    problemOf(route, { notAfter, signal }) {
      if (closed) return toUnsent(route, closed.kind, closed.reason);
      if (signal?.aborted) return toUnsent(route, "unsent", CANCELLED);
      return now() > notAfter ? toUnsent(route, "unsent", TOO_LATE) : undefined;
    },
    tooLong(route, { notAfter }, waitMs) {
      if (waitMs <= 0 || waitMs === Infinity || now() + waitMs <= notAfter) return undefined;
      const ms = Math.ceil(waitMs);
      const reason = `Discord's rate limit lasts ${Math.ceil(ms / 1_000)} s more, ` +
        "which is past the deadline; try again after that";
      return toUnsent(route, "rate_limited", reason, ms);
    },
  };
}

/** Reason of a request that its caller has cancelled. */
export const CANCELLED = "the caller cancelled it";
/** Reason of a request whose deadline has passed. */
export const TOO_LATE = "its turn came after its deadline";
