/**
 * Lost connections: the meaning of Discord's close codes, whether and when a shard reconnects, and
 * the log line about each loss (G3), with its cause, who closed the connection, how long it lived,
 * and the next step.
 *
 * Resuming replays the missed events and costs no IDENTIFY. So Barnacle resumes after every code
 * for which Discord allows it. Some codes end the gateway session. After others, only the operator
 * can help, because retries would use up the bot's 1,000 IDENTIFYs a day.
 *
 * @see {@link
 *   https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes}
 */

import { GatewayCloseEventCodes as Code } from "@discordeno/types";
import { type Backoff, backoffMs } from "../../../lib/network/backoff.ts";
import { durationText } from "../../../lib/text/units.ts";
import type { Cause, LostConnection } from "./advance.ts";

interface CloseMeaning {
  /** Description for a log line: `"session timed out"`. */
  readonly name: string;
  /** How to recover: resume the session, identify anew, or not at all. */
  readonly recovery: "resume" | "identify" | "final";
  /** Advice for the operator; only for final codes. */
  readonly hint?: string;
}

const PORTAL = "under Bot at https://discord.com/developers/applications";

/** Advice for the operator if Discord refuses the token. */
export const TOKEN_HINT =
  `The bot token is wrong. Copy it anew from the Developer Portal, ${PORTAL}.`;

const BUG = "This is a bug in Barnacle: please report it.";

const MEANINGS: ReadonlyMap<number, CloseMeaning> = new Map<number, CloseMeaning>([
  [Code.NormalClosure, { name: "normal closure", recovery: "resume" }],
  [1001, { name: "going away", recovery: "resume" }],
  [1006, { name: "connection broke", recovery: "resume" }],
  [Code.UnknownError, { name: "unknown error", recovery: "resume" }],
  [Code.UnknownOpcode, { name: "unknown opcode", recovery: "resume" }],
  [Code.DecodeError, { name: "decode error", recovery: "resume" }],
  [Code.NotAuthenticated, { name: "not authenticated", recovery: "identify" }],
  [Code.AuthenticationFailed, {
    name: "authentication failed",
    recovery: "final",
    hint: TOKEN_HINT,
  }],
  [Code.AlreadyAuthenticated, { name: "already authenticated", recovery: "resume" }],
  [Code.InvalidSeq, { name: "invalid sequence number", recovery: "identify" }],
  [Code.RateLimited, { name: "rate limited", recovery: "resume" }],
  [Code.SessionTimedOut, { name: "session timed out", recovery: "identify" }],
  [Code.InvalidShard, {
    name: "invalid shard",
    recovery: "final",
    hint: `The shard numbers are wrong. ${BUG}`,
  }],
  [Code.ShardingRequired, {
    name: "sharding required",
    recovery: "final",
    hint: "The bot is in too many guilds for one shard (2,500 at most): remove it from some.",
  }],
  [Code.InvalidApiVersion, {
    name: "invalid API version",
    recovery: "final",
    hint: "Discord has retired this gateway version. Update Barnacle.",
  }],
  [Code.InvalidIntents, {
    name: "invalid intents",
    recovery: "final",
    hint: `The intents are wrong. ${BUG}`,
  }],
  [Code.DisallowedIntents, {
    name: "disallowed intents",
    recovery: "final",
    hint: `Switch on Message Content Intent ${PORTAL}, and any other privileged intent that ` +
      "channels.discord.gateway.intents lists.",
  }],
]);

export function meaningOf(code: number): CloseMeaning {
  return MEANINGS.get(code) ?? { name: "undocumented code", recovery: "resume" };
}

/** Log line for a session that cannot be resumed; catch-up reads its messages (G6). */
export const SESSION_LOST =
  "The session could not be resumed: catch-up reads the messages that were sent since then";

/**
 * Describes a lost connection.
 *
 * @returns `"Discord closed the connection: 4009, session timed out; it had lived 3 h 2 min; a new
 *   session in 0.7 s"`.
 */
export function closeLine({ cause, livedMs, during, next, isSessionLost }: LostConnection): string {
  const lifetime = livedMs === undefined
    ? "it was not ready yet"
    : `it had lived ${durationText(livedMs)}`;
  const sessionNote = isSessionLost ? "the session is lost; " : "";
  return `${whatHappened(cause, during)}; ${lifetime}; ${sessionNote}${whatNext(next)}`;
}

/** Label for the counter of lost connections: the close code, or the kind of cause. */
export function closeLabel(cause: Cause): string {
  if (cause.kind !== "closed") return cause.kind;
  return cause.code === undefined ? "none" : String(cause.code);
}

function whatHappened(cause: Cause, during: LostConnection["during"]): string {
  switch (cause.kind) {
    case "closed":
      if (cause.code === undefined) return networkEnd(cause.reason, during);
      return `Discord closed the connection: ${cause.code}, ${meaningOf(cause.code).name}`;
    case "late":
      return cause.waitedFor === "connection"
        ? "Barnacle gave up connecting: no answer in time"
        : `Barnacle closed the connection: ${cause.waitedFor} did not come in time`;
    case "zombie":
      return "Barnacle closed the connection: a heartbeat was not acknowledged";
    case "slept":
      return "Barnacle closed the connection: the machine slept, or its clock was set";
    case "congested":
      return "Barnacle closed the connection: it could not keep up with what arrived";
    case "hole":
      return "Barnacle closed the connection: the session lacks events";
    case "reconnect_asked":
      return "Discord asked for a new connection (op 7)";
    case "invalid_session":
      return `Discord called the session invalid (op 9, ${cause.canResume ? "" : "not "}resumable)`;
    case "garbled":
      return `Barnacle closed the connection: it could not read the data (${cause.reason})`;
  }
}

/** Describes why connecting failed, or why the network ended a connection. */
function networkEnd(reason: string, during: LostConnection["during"]): string {
  const meaning = explainReason(reason);
  const why = meaning === undefined ? reason : `${meaning} (${reason})`;
  return during === "connecting"
    ? `Could not connect: ${why}`
    : `The network ended the connection${BEFORE[during] ?? ""}: ${why}`;
}

const BEFORE: Readonly<Partial<Record<LostConnection["during"], string>>> = {
  greeting: " before HELLO",
  permitting: " before IDENTIFY",
  identifying: " before READY",
  resuming: " before RESUMED",
};

function whatNext(next: ReconnectPlan): string {
  switch (next.kind) {
    case "resume":
      return `resuming ${delayText(next.delayMs)}${next.isDown ? ", and counted as down" : ""}`;
    case "identify":
      return `a new session ${delayText(next.delayMs)}${
        next.isDown ? ", and counted as down" : ""
      }`;
    case "stop":
      return `no more tries with the same settings: ${next.hint}`;
    case "give_up":
      return "no more tries, as channels.discord.gateway.reconnect says";
  }
}

function delayText(ms: number): string {
  return ms === 0 ? "at once" : `in ${(ms / 1_000).toFixed(1)} s`;
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^(?:ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|DNS_\w+)$/, "the name could not be looked up"],
  [/^ECONNREFUSED$/, "TCP: no server listens there"],
  [/^(?:EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL)$/, "TCP: no route to the host"],
  [/^ETIMEDOUT$/, "TCP: no answer"],
  [
    /^(?:ECONNRESET|EPIPE|ECONNABORTED)$/,
    "TCP: the server, or a device on the way to it, reset the connection",
  ],
  [
    /^[A-Z_]*(?:CERT|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)[A-Z_]*$|peer certificate/,
    "TLS: the certificate cannot be trusted",
  ],
  [/^(?:EPROTO|ERR_SSL_\w+|ERR_TLS_\w+)$/, "TLS: the server does not use TLS"],
  [/^HTTP \d{3}$|answer to (?:an|our) upgrade/, "the upgrade was refused"],
];

/**
 * Explains a network error.
 *
 * @returns `undefined` if the reason is unknown, or needs no explanation.
 */
export function explainReason(reason: string): string | undefined {
  return REASONS.find(([pattern]) => pattern.test(reason))?.[1];
}

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
  readonly exitOnGiveUp: boolean;
}

export interface Loss {
  /** Close code of the WebSocket; `undefined` if there was none. */
  readonly code: number | undefined;
  readonly hasSession: boolean;
  /** Number of the planned retry, from 1. It restarts once a session has lived. */
  readonly attempt: number;
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

/** Bounds and growth of the random delay. */
export function backoffOf(next: "resume" | "identify", rules: ReconnectRules): Backoff {
  const maxDelayMs = rules.backoffMaxSec * 1_000;
  return {
    minDelayMs: MIN_DELAY_MS,
    maxDelayMs: next === "resume" ? Math.min(maxDelayMs, RESUME_MAX_DELAY_MS) : maxDelayMs,
    base: rules.backoffBase,
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
