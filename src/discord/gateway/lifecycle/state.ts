/**
 * What is known of a shard's life, what can happen to it, and what may follow.
 *
 * Plain data only; what follows from what is decided in `reconnect.ts`.
 *
 * @module
 */

import { SPACING_MS } from "../../../core/discord/identify_budget.ts";
import type { GatewaySession } from "../../../core/inbound/inbound.ts";
import type { ReconnectPlan, ReconnectRules } from "./plan_reconnect.ts";

/** The two clocks. Waits go by the first, which no operator can set and which sleeps with the machine. */
export interface Now {
  readonly monotonicMs: number;
  /** Unix time in milliseconds. */
  readonly wallMs: number;
}

/** Milliseconds that each step of connecting may take. */
export interface Deadlines {
  /** From the name's look-up to the 101. */
  readonly connectMs: number;
  /** From the 101 to HELLO. */
  readonly helloMs: number;
  /** From IDENTIFY to READY, from RESUME to RESUMED. */
  readonly readyMs: number;
}

export const DEADLINES: Deadlines = { connectMs: 10_000, helloMs: 10_000, readyMs: 30_000 };

/** What a shard goes by; only the address may change while it lives. */
export interface LifeRules {
  /** Where to IDENTIFY; to resume, READY has named another place. */
  readonly url: string;
  readonly reconnect: ReconnectRules;
  readonly deadlines: Deadlines;
}

export type Intent = "identify" | "resume";

/** What an IDENTIFY waits for, where nothing else is in its way. */
export type Hold = "budget" | "spacing";

/** What main says to a shard that would IDENTIFY. */
export type PermitAnswer =
  /** It is stored that one is sent now; to a shard that asked ahead: one might be sent now. */
  | { readonly kind: "granted" }
  /** Not before so many milliseconds have passed. */
  | { readonly kind: "wait"; readonly waitMs: number; readonly why: Hold };

export type Phase =
  | {
    readonly kind: "waiting";
    readonly intent: Intent;
    readonly untilMs: number;
    readonly hold?: Hold;
  }
  /** The socket is on its way. */
  | { readonly kind: "connecting"; readonly intent: Intent; readonly untilMs: number }
  /** The socket is open, and HELLO is to come. */
  | { readonly kind: "greeting"; readonly intent: Intent; readonly untilMs: number }
  /**
   * Main is asked for an IDENTIFY. It may be blocked for a minute, so only the
   * heart bounds this: a socket that beats is none too old.
   */
  | { readonly kind: "permitting" }
  | { readonly kind: "identifying"; readonly untilMs: number }
  | { readonly kind: "resuming"; readonly untilMs: number }
  /** Main is asked whether a session may take the place of this one, which has a hole. */
  | { readonly kind: "ready"; readonly sinceMs: number; readonly isAsking?: true }
  /** Our close frame is sent. What Discord sends before its own still counts. */
  | { readonly kind: "closing"; readonly sinceMs: number; readonly untilMs: number }
  | { readonly kind: "final"; readonly plan: FinalPlan }
  | { readonly kind: "stopped" };

export type FinalPlan = Extract<ReconnectPlan, { kind: "stop" | "give_up" }>;

/** The heartbeat of one connection, from HELLO on. */
export interface Heart {
  readonly intervalMs: number;
  readonly dueMs: number;
  /** Whether the last beat was acknowledged; true before the first. */
  readonly isAcked: boolean;
  readonly sentMs?: number;
  /** By how much the last beat was late. */
  readonly lateMs: number;
  /** Beats that were asked for since then, and answered. */
  readonly asked?: { readonly sinceMs: number; readonly count: number };
}

export interface Life {
  readonly phase: Phase;
  /** Number of the socket in use, or else of the last one; events of others are void. */
  readonly socket: number;
  readonly session?: Pick<GatewaySession, "sessionId" | "resumeUrl" | "hasHole">;
  /** When the session was last heard of. */
  readonly heardMs: number;
  readonly heart?: Heart;
  /** Lost connections since a session last lived. */
  readonly failures: number;
  /** RESUMEs in a row that HELLO had been said to and that did not end in RESUMED. */
  readonly failedResumes: number;
  /** Connections in a row that came to no HELLO. */
  readonly failedDials: number;
  readonly identifiedMs?: number;
  /** Until when others of the account have the turn to IDENTIFY. */
  readonly heldUntilMs?: number;
  /** Set where the session was begun by a process that may have shown the bot otherwise. */
  readonly mustSendPresence: boolean;
  /** Since when whoever reads the dispatches has had no room for more. */
  readonly congestedMs?: number;
  readonly isDown: boolean;
  /** By how much the wall clock was ahead of the other one. */
  readonly aheadMs: number;
  /** Unix time in milliseconds at which it was last ready, or else was started. */
  readonly readyAt: number;
  /** The last ACK, in Unix time. */
  readonly ack?: { readonly at: number; readonly intervalMs: number };
}

export type LifeEvent =
  | { readonly kind: "start" | "tick" | "congested" | "drained" | "stop" }
  /** Another shard has the turn to IDENTIFY for so long. */
  | { readonly kind: "held"; readonly forMs: number }
  | ({ readonly socket: number } & SocketEvent);

/** What the socket in use brings. */
export type SocketEvent =
  | { readonly kind: "opened" | "resumed" | "acked" | "beat_asked" | "reconnect_asked" }
  /** Discord has forgotten events that the store has lost, so the session needs a successor. */
  | { readonly kind: "hole" }
  | { readonly kind: "hello"; readonly intervalMs: number }
  | { readonly kind: "permit"; readonly answer: PermitAnswer }
  | { readonly kind: "invalid_session"; readonly canResume: boolean }
  | { readonly kind: "ready"; readonly sessionId: string; readonly resumeUrl: string }
  /** It is gone already. */
  | { readonly kind: "closed"; readonly code?: number; readonly reason: string }
  /** What it brings cannot be read any more. */
  | { readonly kind: "garbled"; readonly reason: string };

/** Why a connection is no more. */
export type Cause =
  | { readonly kind: "closed"; readonly code?: number; readonly reason: string }
  | { readonly kind: "late"; readonly waitedFor: "connection" | "HELLO" | "READY" | "RESUMED" }
  | { readonly kind: "zombie" | "slept" | "reconnect_asked" | "congested" | "hole" }
  | { readonly kind: "invalid_session"; readonly canResume: boolean }
  | { readonly kind: "garbled"; readonly reason: string };

/** One connection's end, for the log and the counters. */
export interface Lost {
  readonly cause: Cause;
  /** How many losses in a row it makes; the next try is the one of this number. */
  readonly attempt: number;
  /** Milliseconds since READY or RESUMED; absent if it came to neither. */
  readonly livedMs?: number;
  readonly during: Phase["kind"];
  readonly next: ReconnectPlan;
  /** Set where a session that there was is given up. */
  readonly isSessionLost: boolean;
  /** RESUMEs in a row that came to nothing, this one among them. */
  readonly failedResumes: number;
}

export type Effect =
  | {
    readonly kind: "open";
    readonly socket: number;
    readonly url: string;
    readonly intent: Intent;
  }
  /** Close the socket in use, and hear nothing of it any more. */
  | { readonly kind: "drop"; readonly socket: number }
  /** Send the close frame, and go on reading until Discord has closed, too. */
  | { readonly kind: "close" }
  /** `isAhead`: asks whether there would be a permit, and takes none. */
  | { readonly kind: "ask_permit"; readonly socket: number; readonly isAhead?: true }
  | { readonly kind: "identify" | "heartbeat" | "send_presence" }
  | { readonly kind: "resume"; readonly sessionId: string }
  | { readonly kind: "report_beat"; readonly lateMs: number; readonly latencyMs?: number }
  | { readonly kind: "report_lost"; readonly lost: Lost }
  /** The socket is given up although nothing is wrong with it: the turn to IDENTIFY is to come. */
  | { readonly kind: "report_held"; readonly hold: Hold; readonly waitMs: number }
  /** More beats are asked for than may be sent; said once in each count of them. */
  | { readonly kind: "report_flood" }
  /** The session was not heard of for too long to try it. */
  | { readonly kind: "report_stale" };

export interface Step {
  readonly life: Life;
  readonly effects: readonly Effect[];
}

/**
 * Milliseconds between two IDENTIFYs while the account is down: 909 a day. A READY that is lost again
 * within a minute would make 1,440 of `backoffMaxSec`'s default, spend the
 * budget (G5) in 16 hours, and leave the bot without a try for the next eight.
 */
export const DOWN_IDENTIFY_SPACING_MS = 95_000;

/** What is known of a shard before it starts. */
export interface Beginning {
  /** A session to resume. */
  readonly session?: Life["session"] | undefined;
  /** Milliseconds that must pass before an IDENTIFY. */
  readonly identifyInMs?: number;
  readonly failures?: number;
  readonly isDown?: boolean;
  readonly mustSendPresence?: boolean;
}

/** A shard that has not been started. */
export function newLife(now: Now, beginning: Beginning = {}): Life {
  const { session, identifyInMs = 0, failures = 0, isDown = false } = beginning;
  return {
    phase: { kind: "stopped" },
    socket: 0,
    ...(session && { session }),
    heardMs: now.monotonicMs,
    failures,
    failedResumes: 0,
    failedDials: 0,
    ...(identifyInMs > 0 && { heldUntilMs: now.monotonicMs + identifyInMs }),
    mustSendPresence: beginning.mustSendPresence ?? false,
    isDown,
    aheadMs: now.wallMs - now.monotonicMs,
    readyAt: now.wallMs,
  };
}

/** Milliseconds that Discord gets to answer a close frame. */
export const CLOSE_MS = 1_000;

/** Whether a phase has a socket, open or on its way. */
export function hasSocket(phase: Phase): boolean {
  return phase.kind !== "waiting" && phase.kind !== "final" && phase.kind !== "stopped";
}

/** Whether dispatches count: before READY they belong to no session. */
export function isOfSession({ kind }: Phase): boolean {
  return kind === "ready" || kind === "resuming" || kind === "closing";
}

/**
 * The monotonic time at which the next tick is due; `Infinity` if none is.
 *
 * While there is no room for dispatches no step is due: it waits for `drained`,
 * and a time that has passed would be due at once, again and again.
 */
export function wakeAtMs(life: Life): number {
  const { phase, heart, congestedMs } = life;
  const untilMs = "untilMs" in phase ? phase.untilMs : renewAtMs(life);
  return Math.min(congestedMs === undefined ? untilMs : Infinity, heart?.dueMs ?? Infinity);
}

/**
 * The monotonic time at which a new session takes the place of one with a hole: not before it may
 * IDENTIFY, since nothing is heard in between. `Infinity` if the session is whole.
 */
export function renewAtMs(life: Life): number {
  const { phase, session } = life;
  const isDue = phase.kind === "ready" && !phase.isAsking && session?.hasHole;
  return isDue ? identifyFromMs(life, life.isDown) : Infinity;
}

/** The monotonic time from which an IDENTIFY may be sent. */
export function identifyFromMs(
  { identifiedMs = -Infinity, heldUntilMs = -Infinity }: Life,
  isDown: boolean,
): number {
  const ownMs = identifiedMs + (isDown ? DOWN_IDENTIFY_SPACING_MS : SPACING_MS);
  return Math.max(ownMs, heldUntilMs);
}

/** Whether it is to IDENTIFY next, as far as can be told now. */
export function wantsIdentify({ phase }: Life): boolean {
  return phase.kind === "permitting" || ("intent" in phase && phase.intent === "identify");
}

/** The same without one of its optional fields. */
export function omit<Key extends "session" | "heart" | "ack" | "congestedMs">(
  life: Life,
  key: Key,
): Omit<Life, Key> {
  const { [key]: _, ...rest } = life;
  return rest;
}
