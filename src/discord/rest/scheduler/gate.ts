/**
 * Decides whether a request may leave at all: not once the gate is closed, given up, or too late.
 *
 * @module
 */

import { type RestError, type RestErrorKind, toUnsent } from "../exchange/rest_error.ts";
import type { Route } from "../exchange/route.ts";
import type { Terms } from "./ticket.ts";

export interface Gate {
  /** From now on nothing leaves. The first reason stays. */
  close(kind: RestErrorKind, reason: string): void;
  readonly isClosed: boolean;
  /** Why a request may not leave now; `undefined` if it may. */
  problemOf(route: Route, terms: Terms): RestError | undefined;
  /** Why a request that has to wait so long will not leave; `undefined` if it may. */
  tooLong(route: Route, terms: Terms, waitMs: number): RestError | undefined;
}

/** @param now Unix time in milliseconds. */
export function createGate(now: () => number): Gate {
  let closed: { readonly kind: RestErrorKind; readonly reason: string } | undefined;

  return {
    close: (kind, reason) => void (closed ??= { kind, reason }),
    get isClosed() {
      return closed !== undefined;
    },
    problemOf(route, { notAfter, signal }) {
      if (closed) return toUnsent(route, closed.kind, closed.reason);
      if (signal?.aborted) return toUnsent(route, "unsent", "it was given up");
      return now() > notAfter ? toUnsent(route, "unsent", "its turn came too late") : undefined;
    },
    tooLong(route, { notAfter }, waitMs) {
      if (waitMs <= 0 || waitMs === Infinity || now() + waitMs <= notAfter) return undefined;
      const ms = Math.ceil(waitMs);
      const lasts = `a limit lasts ${Math.ceil(ms / 1_000)} s more`;
      const reason = `${lasts}, and by then it would be too late; try again after that`;
      return toUnsent(route, "rate_limited", reason, ms);
    },
  };
}
