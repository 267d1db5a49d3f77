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
export interface LifecycleRules {
  /** Where to IDENTIFY; to resume, READY has named another place. */
  readonly url: string;
  readonly reconnect: ReconnectRules;
  readonly deadlines: Deadlines;
}

export type Intent = "identify" | "resume";

/** What an IDENTIFY waits for, where nothing else is in its way. */
export type IdentifyWaitReason = "budget" | "spacing";

/** What main says to a shard that would IDENTIFY. */
export type PermitAnswer =
  /** It is stored that one is sent now; to a shard that asked ahead: one might be sent now. */
  | { readonly kind: "granted" }
  /** Not before so many milliseconds have passed. */
  | { readonly kind: "wait"; readonly waitMs: number; readonly why: IdentifyWaitReason };

export type Phase =
  | {
    readonly kind: "waiting";
    readonly intent: Intent;
    readonly untilMs: number;
    readonly waitReason?: IdentifyWaitReason;
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
export interface HeartbeatState {
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

export interface LifecycleState {
  readonly phase: Phase;
  /** Number of the socket in use, or else of the last one; events of others are void. */
  readonly socket: number;
  readonly session?: Pick<GatewaySession, "sessionId" | "resumeUrl" | "hasHole">;
  /** When the session was last heard of. */
  readonly lastAliveMs: number;
  readonly heartbeat?: HeartbeatState;
  /** Lost connections since a session last lived. */
  readonly failures: number;
  /** RESUMEs in a row that HELLO had been said to and that did not end in RESUMED. */
  readonly failedResumes: number;
  /** Connections in a row that came to no HELLO. */
  readonly failedConnects: number;
  readonly identifiedMs?: number;
  /** Until when others of the account have the turn to IDENTIFY. */
  readonly identifyNotBeforeMs?: number;
  /** Set where the session was begun by a process that may have shown the bot otherwise. */
  readonly mustSendPresence: boolean;
  /** Since when whoever reads the dispatches has had no room for more. */
  readonly congestedMs?: number;
  readonly isDown: boolean;
  /** By how much the wall clock was ahead of the other one. */
  readonly wallAheadMs: number;
  /** Unix time in milliseconds at which it was last ready, or else was started. */
  readonly readyAt: number;
  /** The last ACK, in Unix time. */
  readonly ack?: { readonly at: number; readonly intervalMs: number };
}

export type LifecycleEvent =
  | { readonly kind: "start" | "tick" | "congested" | "drained" | "stop" }
  /** Another shard has the turn to IDENTIFY for so long. */
  | { readonly kind: "identify_delayed"; readonly forMs: number }
  | ({ readonly socket: number } & SocketEvent);

/** What the socket in use brings. */
export type SocketEvent =
  | { readonly kind: "opened" | "resumed" | "acked" | "heartbeat_requested" | "reconnect_asked" }
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
export interface LostConnection {
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
  | { readonly kind: "ask_permit"; readonly socket: number; readonly isPreview?: true }
  | { readonly kind: "identify" | "heartbeat" | "send_presence" }
  | { readonly kind: "resume"; readonly sessionId: string }
  | { readonly kind: "report_heartbeat"; readonly lateMs: number; readonly latencyMs?: number }
  | { readonly kind: "report_lost"; readonly lost: LostConnection }
  /** The socket is given up although nothing is wrong with it: the turn to IDENTIFY is to come. */
  | {
    readonly kind: "report_identify_wait";
    readonly reason: IdentifyWaitReason;
    readonly waitMs: number;
  }
  /** More beats are asked for than may be sent; said once in each count of them. */
  | { readonly kind: "report_flood" }
  /** The session was not heard of for too long to try it. */
  | { readonly kind: "report_stale" };

export interface Step {
  readonly state: LifecycleState;
  readonly effects: readonly Effect[];
}

/**
 * Milliseconds between two IDENTIFYs while the account is down: 909 a day. A READY that is lost again
 * within a minute would make 1,440 of `backoffMaxSec`'s default, spend the
 * budget (G5) in 16 hours, and leave the bot without a try for the next eight.
 */
export const DOWN_IDENTIFY_SPACING_MS = 95_000;

/** What is known of a shard before it starts. */
export interface StartFacts {
  /** A session to resume. */
  readonly session?: LifecycleState["session"] | undefined;
  /** Milliseconds that must pass before an IDENTIFY. */
  readonly identifyInMs?: number;
  readonly failures?: number;
  readonly isDown?: boolean;
  readonly mustSendPresence?: boolean;
}

/** A shard that has not been started. */
export function initialState(now: Now, facts: StartFacts = {}): LifecycleState {
  const { session, identifyInMs = 0, failures = 0, isDown = false } = facts;
  return {
    phase: { kind: "stopped" },
    socket: 0,
    ...(session && { session }),
    lastAliveMs: now.monotonicMs,
    failures,
    failedResumes: 0,
    failedConnects: 0,
    ...(identifyInMs > 0 && { identifyNotBeforeMs: now.monotonicMs + identifyInMs }),
    mustSendPresence: facts.mustSendPresence ?? false,
    isDown,
    wallAheadMs: now.wallMs - now.monotonicMs,
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
export function wakeAtMs(state: LifecycleState): number {
  const { phase, heartbeat, congestedMs } = state;
  const untilMs = "untilMs" in phase ? phase.untilMs : renewAtMs(state);
  return Math.min(congestedMs === undefined ? untilMs : Infinity, heartbeat?.dueMs ?? Infinity);
}

/**
 * The monotonic time at which a new session takes the place of one with a hole: not before it may
 * IDENTIFY, since nothing is heard in between. `Infinity` if the session is whole.
 */
export function renewAtMs(state: LifecycleState): number {
  const { phase, session } = state;
  const isDue = phase.kind === "ready" && !phase.isAsking && session?.hasHole;
  return isDue ? identifyFromMs(state, state.isDown) : Infinity;
}

/** The monotonic time from which an IDENTIFY may be sent. */
export function identifyFromMs(
  { identifiedMs = -Infinity, identifyNotBeforeMs = -Infinity }: LifecycleState,
  isDown: boolean,
): number {
  const ownMs = identifiedMs + (isDown ? DOWN_IDENTIFY_SPACING_MS : SPACING_MS);
  return Math.max(ownMs, identifyNotBeforeMs);
}

/** Whether it is to IDENTIFY next, as far as can be told now. */
export function wantsIdentify({ phase }: LifecycleState): boolean {
  return phase.kind === "permitting" || ("intent" in phase && phase.intent === "identify");
}

/** The same without one of its optional fields. */
export function omit<
  Key extends keyof LifecycleState & ("session" | "heartbeat" | "ack" | "congestedMs"),
>(
  state: LifecycleState,
  key: Key,
): Omit<LifecycleState, Key> {
  const { [key]: _, ...rest } = state;
  return rest;
}
