/** Decides whether a shard reconnects, and after which delay. */

import { GatewayCloseEventCodes as Code } from "@discordeno/types";
import { type Backoff, backoffMs } from "../../../lib/network/backoff.ts";
import { meaningOf } from "./close_codes.ts";

/** The rules of `channels.discord.gateway.reconnect`. */
export interface ReconnectRules {
  readonly enabled: boolean;
  /** Failures in a row after which the account counts as down. */
  readonly maxRetries: number;
  /** Factor by which the delay grows after each failure. */
  readonly backoffBase: number;
  /** Maximum delay in seconds. */
  readonly backoffMaxSec: number;
  readonly resumeSession: boolean;
  /** Seconds after its last sign of life from which on a session is not resumed. */
  readonly sessionCacheTtlSec: number;
  /** Whether the process exits once the account is down. */
  readonly exitOnGiveUp: boolean;
}

/** Facts about a lost connection. */
export interface Loss {
  /** Close code of the WebSocket; `undefined` if there was none. */
  readonly code: number | undefined;
  readonly hasSession: boolean;
  /** Number of the planned retry, from 1. It restarts once a session has lived. */
  readonly attempt: number;
  /** Whether the server closed a connection that worked. */
  readonly isClosed?: boolean;
  /** Set if Discord asked for a new connection at once (op 7). */
  readonly isAtOnce?: boolean;
  /** Minimum delay in milliseconds (op 9). */
  readonly minDelayMs?: number;
}

/**
 * The next step after a lost connection.
 *
 * - `resume`, `identify`: connect again after the delay. Health checks show `isDown` meanwhile.
 * - `stop`: Discord refuses this account until the operator acts on the hint.
 * - `give_up`: no more tries; with `exit`, the process exits (EX_TEMPFAIL).
 */
export type ReconnectPlan =
  | { readonly kind: "resume" | "identify"; readonly delayMs: number; readonly isDown: boolean }
  | { readonly kind: "stop"; readonly code: number; readonly hint: string }
  | { readonly kind: "give_up"; readonly exit: boolean };

/** Milliseconds; Discord closes connections that send more than 120 messages a minute. */
const RATE_LIMITED_MIN_DELAY_MS = 10_000;

/** Milliseconds; the minimum delay of the back-off. */
const MIN_DELAY_MS = 500;

/** Milliseconds; short, because Discord forgets sessions without a connection. */
const RESUME_MAX_DELAY_MS = 8_000;

/**
 * The same after the server closed a connection that worked. Discord and the network are there, so
 * the wait only keeps apart the bots that were closed together. Losses in a row make it grow.
 */
const CLOSED_BACKOFF = { minDelayMs: 100, firstMs: 250 };

/**
 * Bounds and growth of the random delay.
 *
 * @param isClosed Whether the server closed a connection that worked.
 */
export function backoffOf(
  next: "resume" | "identify",
  rules: ReconnectRules,
  isClosed = false,
): Backoff {
  const maxDelayMs = rules.backoffMaxSec * 1_000;
  const base = rules.backoffBase;
  if (next === "identify") return { minDelayMs: MIN_DELAY_MS, maxDelayMs, base };
  return {
    minDelayMs: MIN_DELAY_MS,
    maxDelayMs: Math.min(maxDelayMs, RESUME_MAX_DELAY_MS),
    base,
    ...(isClosed && CLOSED_BACKOFF),
  };
}

/**
 * Plans the next step.
 *
 * An account that is down keeps trying, because a home's Internet access may be away for a day.
 * With `exitOnGiveUp` the process exits instead, for operators whose supervisor handles that.
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

  const backoff = backoffOf(kind, rules, loss.isClosed);
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
