/**
 * How long to wait for the next connection, and whether there will be one.
 *
 * @module
 */

import { GatewayCloseEventCodes as Code } from "@discordeno/types";
import { type Backoff, backoffMs } from "../../../lib/network/backoff.ts";
import { meaningOf } from "./close_codes.ts";

/** `channels.discord.gateway.reconnect`. */
export interface ReconnectRules {
  readonly enabled: boolean;
  /** Failures in a row after which the account is down. */
  readonly maxRetries: number;
  readonly backoffBase: number;
  readonly backoffMaxSec: number;
  readonly resumeSession: boolean;
  /** Seconds after which a gateway session that was not heard of is taken for dead. */
  readonly sessionCacheTtlSec: number;
  /** Whether the process ends once the account is down. */
  readonly exitOnGiveUp: boolean;
}

/** A connection that is no more. */
export interface Loss {
  /** Close code of the WebSocket; `undefined` if there was none. */
  readonly code: number | undefined;
  /** Whether there is a gateway session that could be resumed. */
  readonly hasSession: boolean;
  /** The retry to plan, from 1; the count starts anew once a session has lived. */
  readonly attempt: number;
  /** Set where Discord asked to be called back at once (op 7). */
  readonly isAtOnce?: boolean;
  /** Milliseconds that are waited at least (op 9). */
  readonly minDelayMs?: number;
}

/**
 * The next step after a loss.
 *
 * - `resume`, `identify`: connect again after the delay; `isDown` is what health
 *   says meanwhile.
 * - `stop`: Discord refuses this account until the operator acts on the hint.
 * - `give_up`: nobody tries again; with `exit`, the process ends (EX_TEMPFAIL).
 */
export type ReconnectPlan =
  | { readonly kind: "resume" | "identify"; readonly delayMs: number; readonly isDown: boolean }
  | { readonly kind: "stop"; readonly code: number; readonly hint: string }
  | { readonly kind: "give_up"; readonly exit: boolean };

/** Milliseconds; Discord's limit is 120 messages a minute, and it closes who goes over. */
const RATE_LIMITED_MIN_DELAY_MS = 10_000;

/** Milliseconds; the least wait of the back-off. */
const MIN_DELAY_MS = 500;

/** Milliseconds; short, because Discord forgets a session that stays away for long. */
const RESUME_MAX_DELAY_MS = 8_000;

/** Within what a wait is drawn. */
export function backoffOf(next: "resume" | "identify", rules: ReconnectRules): Backoff {
  const ownMaxMs = rules.backoffMaxSec * 1_000;
  return {
    minDelayMs: MIN_DELAY_MS,
    maxDelayMs: next === "resume" ? Math.min(ownMaxMs, RESUME_MAX_DELAY_MS) : ownMaxMs,
    base: rules.backoffBase,
  };
}

/**
 * Plans the next step.
 *
 * An account that is down goes on trying, since a home's uplink can be away for
 * a day, unless the operator has a supervisor that would rather see it exit.
 *
 * @param random A number from 0 up to, but not including, 1.
 */
export function planReconnect(loss: Loss, rules: ReconnectRules, random: number): ReconnectPlan {
  const { code, attempt, minDelayMs = 0 } = loss;
  const meaning = code === undefined ? undefined : meaningOf(code);
  if (code !== undefined && meaning?.hint !== undefined) {
    return { kind: "stop", code, hint: meaning.hint };
  }

  const isDown = attempt > rules.maxRetries;
  if (!rules.enabled || (isDown && rules.exitOnGiveUp)) {
    return { kind: "give_up", exit: rules.exitOnGiveUp };
  }

  const resumes = rules.resumeSession && loss.hasSession && meaning?.recovery !== "identify";
  const kind = resumes ? "resume" : "identify";
  if (loss.isAtOnce) return { kind, delayMs: 0, isDown };

  const backoff = backoffOf(kind, rules);
  return {
    kind,
    delayMs: Math.max(
      isDown ? backoff.maxDelayMs : backoffMs(attempt, random, backoff),
      minDelayMs,
      code === Code.RateLimited ? RATE_LIMITED_MIN_DELAY_MS : 0,
    ),
    isDown,
  };
}
