/**
 * The state of a shard's connection lifecycle, its events and its effects.
 *
 * Plain data only: `advance.ts` decides, and `shard/shard.ts` executes the effects.
 */

import type { IdentifyWaitReason } from "../../../core/discord/gateway.ts";
import { SPACING_MS } from "../../../core/discord/gateway.ts";
import type { GatewaySession } from "../../../core/inbound/inbound.ts";
import type { ReconnectPlan, ReconnectRules } from "./close_codes.ts";

/**
 * The two clocks. Delays use the monotonic one: no operator sets it, and it sleeps with the
 * machine.
 */
export interface Now {
  /** Milliseconds of the monotonic clock. */
  readonly monotonicMs: number;
  /** Unix time in milliseconds. */
  readonly wallMs: number;
}

/** Maximum milliseconds of each step of connecting. */
export interface Deadlines {
  /** From the name look-up to the 101 response. */
  readonly connectMs: number;
  /** From the 101 response to HELLO. */
  readonly helloMs: number;
  /** From IDENTIFY to READY, and from RESUME to RESUMED. */
  readonly readyMs: number;
}

export const DEADLINES: Deadlines = { connectMs: 10_000, helloMs: 10_000, readyMs: 30_000 };

/** The rules of a shard; only the URL may change while it runs. */
export interface LifecycleRules {
  /** The gateway's URL. To resume, the session's own URL comes first. */
  readonly url: string;
  readonly reconnect: ReconnectRules;
  /** Time limits of connecting. */
  readonly deadlines: Deadlines;
}

/** Milliseconds from a RESUME to RESUMED, if the one before got no answer. */
const RESUMED_AGAIN_MS = 10_000;

/** Maximum milliseconds from IDENTIFY to READY, or from RESUME to RESUMED. */
export function readyWithinMs(
  { ignoredResumes }: { readonly ignoredResumes: number },
  { deadlines: { readyMs } }: LifecycleRules,
): number {
  return ignoredResumes > 0 ? Math.min(readyMs, RESUMED_AGAIN_MS) : readyMs;
}

export type ConnectPurpose = "identify" | "resume";

/** The main thread's answer to a request for a permit. */
export type PermitAnswer =
  /** The store counts the IDENTIFY, which may be sent. For a preview, nothing is counted yet. */
  | { readonly kind: "granted" }
  /** No IDENTIFY for `waitMs` milliseconds. */
  | { readonly kind: "wait"; readonly waitMs: number; readonly why: IdentifyWaitReason };

/** The current step of the lifecycle. Times in `…Ms` are of the monotonic clock. */
export type Phase =
  | {
    readonly kind: "waiting";
    readonly intent: ConnectPurpose;
    readonly untilMs: number;
    readonly waitReason?: IdentifyWaitReason;
  }
  | { readonly kind: "connecting"; readonly intent: ConnectPurpose; readonly untilMs: number }
  /** The socket is open, and HELLO is due. */
  | { readonly kind: "greeting"; readonly intent: ConnectPurpose; readonly untilMs: number }
  /**
   * The shard has asked for a permit. The main thread may be blocked for a minute, so only
   * the heartbeat limits this: a socket with a working heartbeat is not too old.
   */
  | { readonly kind: "permitting" }
  | { readonly kind: "identifying"; readonly untilMs: number }
  | { readonly kind: "resuming"; readonly untilMs: number }
  /** With `isAsking`, the shard has asked whether it may replace this session, which has a hole. */
  | { readonly kind: "ready"; readonly sinceMs: number; readonly isAsking?: true }
  /** Our close frame is sent. Dispatches before Discord's close frame still count. */
  | { readonly kind: "closing"; readonly sinceMs: number; readonly untilMs: number }
  | { readonly kind: "final"; readonly plan: FinalPlan }
  | { readonly kind: "stopped" };

/** A plan after which the shard never connects again. */
export type FinalPlan = Extract<ReconnectPlan, { kind: "stop" | "give_up" }>;

export interface HeartbeatState {
  /** Milliseconds between two heartbeats, from HELLO. */
  readonly intervalMs: number;
  /** Monotonic time of the next heartbeat. */
  readonly dueMs: number;
  /** Whether Discord acknowledged the last heartbeat; true before the first. */
  readonly isAcked: boolean;
  /** Monotonic time of the last heartbeat; absent before the first. */
  readonly sentMs?: number;
  /** Milliseconds by which the last heartbeat was late. */
  readonly lateMs: number;
  /** Requests for heartbeats in the current period, and the period's start. */
  readonly asked?: { readonly sinceMs: number; readonly count: number };
}

/** The state of a shard. Times in `…Ms` are of the monotonic clock. */
export interface LifecycleState {
  readonly phase: Phase;
  /** Number of the current or last socket; events of other sockets are ignored. */
  readonly socket: number;
  /** The session that can be resumed; absent if there is none. */
  readonly session?: Pick<GatewaySession, "sessionId" | "resumeUrl" | "hasHole">;
  /** Time of the session's last sign of life. */
  readonly lastAliveMs: number;
  /** The connection's heartbeat; absent before HELLO. */
  readonly heartbeat?: HeartbeatState;
  /**
   * Lost connections since the last session that lived. HELLO subtracts those of `failedConnects`.
   */
  readonly failures: number;
  /** RESUMEs in a row that were sent and did not end in RESUMED. */
  readonly failedResumes: number;
  /** Those of them that got no answer in time. */
  readonly ignoredResumes: number;
  /** Connections in a row without a HELLO. */
  readonly failedConnects: number;
  /** Time of the last IDENTIFY; absent before the first. */
  readonly identifiedMs?: number;
  /** Time before which other shards of the account identify; absent if there is none. */
  readonly identifyNotBeforeMs?: number;
  /** Set if the session may show another presence than the current one. */
  readonly mustSendPresence: boolean;
  /** Times of the last presence updates, oldest first; as many as the limit counts. */
  readonly presenceSentMs: readonly number[];
  /** Time of sending of the last heartbeat that was acknowledged; absent before the first. */
  readonly confirmedMs?: number;
  /** Time since when the main thread has had no room for dispatches; absent if it has. */
  readonly congestedMs?: number;
  /** Whether more than `maxRetries` connections have failed; false again after READY or RESUMED. */
  readonly isDown: boolean;
  /** Milliseconds from the monotonic to the wall clock at the last tick. */
  readonly wallAheadMs: number;
  /** Unix time in milliseconds at which it was last ready; before that, of its start. */
  readonly readyAt: number;
  /** Unix time in milliseconds of the last ACK, and the heartbeat's interval. */
  readonly ack?: { readonly at: number; readonly intervalMs: number };
}

/**
 * Milliseconds between two IDENTIFYs while the account is down: at most 909 a day. With the default
 * of `backoffMaxSec`, READYs that are lost within a minute would cause 1,440 a day. That would
 * spend the budget (G5) in 16 hours, and leave the bot without a try for the next eight.
 */
export const DOWN_IDENTIFY_SPACING_MS = 95_000;

/** The initial values of a shard's state. */
export interface StartFacts {
  /** Session to resume; absent if there is none. */
  readonly session?: LifecycleState["session"];
  /** Milliseconds to wait before an IDENTIFY; 0 if absent. */
  readonly identifyInMs?: number;
  /** Lost connections since the last session that lived; 0 if absent. */
  readonly failures?: number;
  /** Whether the account counts as down; false if absent. */
  readonly isDown?: boolean;
  /** Whether another process may have set a different presence; false if absent. */
  readonly mustSendPresence?: boolean;
}

/** Creates the state of a shard that has not started. */
export function initialState(now: Now, facts: StartFacts = {}): LifecycleState {
  const { session, identifyInMs = 0, failures = 0, isDown = false } = facts;
  return {
    phase: { kind: "stopped" },
    socket: 0,
    session,
    lastAliveMs: now.monotonicMs,
    failures,
    failedResumes: 0,
    ignoredResumes: 0,
    failedConnects: 0,
    identifyNotBeforeMs: identifyInMs > 0 ? now.monotonicMs + identifyInMs : undefined,
    mustSendPresence: facts.mustSendPresence ?? false,
    presenceSentMs: [],
    isDown,
    wallAheadMs: now.wallMs - now.monotonicMs,
    readyAt: now.wallMs,
  };
}

/** Milliseconds that Discord has to answer a close frame. */
export const CLOSE_MS = 1_000;

/** Whether a phase has a socket, open or connecting. */
export function hasSocket(phase: Phase): boolean {
  return phase.kind !== "waiting" && phase.kind !== "final" && phase.kind !== "stopped";
}

/** Whether dispatches belong to the session: before READY they do not. */
export function isOfSession({ kind }: Phase): boolean {
  return kind === "ready" || kind === "resuming" || kind === "closing";
}

/**
 * Returns the monotonic time of the next tick; `Infinity` if none is due.
 *
 * While there is no room for dispatches, time limits do not apply: the shard waits for `drained`. A
 * limit in the past would otherwise cause ticks without end.
 */
export function wakeAtMs(state: LifecycleState): number {
  const { phase, heartbeat, congestedMs } = state;
  const untilMs = "untilMs" in phase ? phase.untilMs : renewAtMs(state);
  return Math.min(
    congestedMs === undefined ? untilMs : Infinity,
    heartbeat?.dueMs ?? Infinity,
    presenceAtMs(state),
  );
}

/** Discord's limit of presence updates in one session. */
export const PRESENCE_LIMIT = { max: 5, everyMs: 20_000 };

/** Returns the monotonic time from which the presence is to be sent; `Infinity` if it is not. */
export function presenceAtMs({ phase, mustSendPresence, presenceSentMs }: LifecycleState): number {
  if (phase.kind !== "ready" || !mustSendPresence) return Infinity;
  const oldest = presenceSentMs.at(-PRESENCE_LIMIT.max);
  return oldest === undefined ? 0 : oldest + PRESENCE_LIMIT.everyMs;
}

/**
 * Returns the monotonic time from which a new session may replace one with a hole. The shard waits
 * until it may IDENTIFY, because it hears nothing in between. `Infinity` if there is no hole.
 */
export function renewAtMs(state: LifecycleState): number {
  const { phase, session } = state;
  const isDue = phase.kind === "ready" && !phase.isAsking && session?.hasHole;
  return isDue ? identifyFromMs(state, state.isDown) : Infinity;
}

/** Returns the monotonic time from which an IDENTIFY may be sent. */
export function identifyFromMs(
  { identifiedMs = -Infinity, identifyNotBeforeMs = -Infinity }: LifecycleState,
  isDown: boolean,
): number {
  const ownMs = identifiedMs + (isDown ? DOWN_IDENTIFY_SPACING_MS : SPACING_MS);
  return Math.max(ownMs, identifyNotBeforeMs);
}

/** Whether the next step is an IDENTIFY, as far as the shard knows. */
export function wantsIdentify({ phase }: LifecycleState): boolean {
  return phase.kind === "permitting" || ("intent" in phase && phase.intent === "identify");
}

/** Returns the state without one of its optional fields. */
export function omit<
  Key extends keyof LifecycleState & ("session" | "heartbeat" | "ack" | "congestedMs"),
>(state: LifecycleState, key: Key): Omit<LifecycleState, Key> {
  const { [key]: _, ...rest } = state;
  return rest;
}

export type LifecycleEvent =
  | { readonly kind: "start" | "tick" | "congested" | "drained" | "stop" | "presence_changed" }
  /** The session lacks events, also while no socket is open: the shard needs a new one. */
  | { readonly kind: "hole" }
  /** Another shard identifies next, so this one waits for `forMs` milliseconds. */
  | { readonly kind: "identify_delayed"; readonly forMs: number }
  | ({ readonly socket: number } & SocketEvent);

export type SocketEvent =
  | { readonly kind: "opened" | "resumed" | "acked" | "heartbeat_requested" | "reconnect_asked" }
  | { readonly kind: "hello"; readonly intervalMs: number }
  | { readonly kind: "permit"; readonly answer: PermitAnswer }
  | { readonly kind: "invalid_session"; readonly canResume: boolean }
  | { readonly kind: "ready"; readonly sessionId: string; readonly resumeUrl: string }
  | { readonly kind: "closed"; readonly code?: number; readonly reason: string }
  /** The received data cannot be decoded any more. */
  | { readonly kind: "garbled"; readonly reason: string };

/** Why a connection ended. Counters use the kinds as labels. */
export type Cause =
  | { readonly kind: "closed"; readonly code?: number; readonly reason: string }
  | { readonly kind: "late"; readonly waitedFor: "connection" | "HELLO" | "READY" | "RESUMED" }
  | { readonly kind: "zombie" | "slept" | "reconnect_asked" | "congested" | "hole" }
  | { readonly kind: "invalid_session"; readonly canResume: boolean }
  | { readonly kind: "garbled"; readonly reason: string };

/** A lost connection, for the log and the counters. */
export interface LostConnection {
  /** Why it ended. */
  readonly cause: Cause;
  /** Number of losses in a row, which is also the number of the next try. */
  readonly attempt: number;
  /** Milliseconds since READY or RESUMED; absent if neither came. */
  readonly livedMs?: number;
  readonly during: Phase["kind"];
  readonly next: ReconnectPlan;
  /** Set if there was a session that cannot be resumed. */
  readonly isSessionLost: boolean;
  /** Failed RESUMEs in a row, including this one. */
  readonly failedResumes: number;
  /** Whether no further RESUME follows, because so many have failed. */
  readonly isResumeGivenUp: boolean;
}

/** Effects of a step, which `shard/shard.ts` executes in order. */
export type Effect =
  | {
    readonly kind: "open";
    readonly socket: number;
    readonly url: string;
    readonly intent: ConnectPurpose;
  }
  /** Close the current socket; no event of it follows. */
  | { readonly kind: "drop"; readonly socket: number }
  /** Send the close frame, and keep reading until Discord has closed, too. */
  | { readonly kind: "close" }
  /** Ask for a permit; with `isPreview`, ask only whether there would be one. */
  | { readonly kind: "ask_permit"; readonly socket: number; readonly isPreview?: true }
  | { readonly kind: "identify" | "heartbeat" | "send_presence" }
  | { readonly kind: "resume"; readonly sessionId: string }
  | { readonly kind: "report_heartbeat"; readonly lateMs: number; readonly latencyMs?: number }
  | { readonly kind: "report_lost"; readonly lost: LostConnection }
  /** The shard closed a working socket, because it must wait to IDENTIFY. */
  | {
    readonly kind: "report_identify_wait";
    readonly reason: IdentifyWaitReason;
    readonly waitMs: number;
  }
  /** Discord requests too many heartbeats; reported once per period. */
  | { readonly kind: "report_flood" }
  /** The session is too old to resume. */
  | { readonly kind: "report_stale" };

export interface Transition {
  readonly state: LifecycleState;
  /** Effects to execute, in order. */
  readonly effects: readonly Effect[];
}
