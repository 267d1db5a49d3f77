/**
 * Implements the connection lifecycle as one pure function from state and event to effects.
 *
 * All of Discord's rules about connecting, identifying, resuming and heartbeats are here. So a test
 * can check each rule by itself. No two rules can act at once, because there is one state with at
 * most one socket. `shard/shard.ts` executes the effects.
 *
 * Discord resets the token of a bot that sends more than 1,000 IDENTIFYs a day. So the store counts
 * each before it is sent, and only the main thread has the store. The shard asks with an open
 * socket: it can use a permit at once, and a broken network cannot waste one. Having to wait is no
 * failure.
 *
 * Presence updates above Discord's limit are not lost: the newest is sent once the limit allows it.
 * A lost connection may swallow an update, so a RESUME repeats the last one.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#connection-lifecycle}
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#sending-heartbeats}
 */

import { type IdentifyWaitReason, SPACING_MS } from "../../../core/discord/gateway.ts";
import type { GatewaySession } from "../../../core/inbound/inbound.ts";
import { DAY_MS } from "../../../lib/clock.ts";
import {
  meaningOf,
  planReconnect,
  type ReconnectPlan,
  type ReconnectRules,
} from "./close_codes.ts";

/**
 * The two clocks. Delays use the monotonic one: no operator sets it, and it sleeps with the
 * machine.
 */
export interface Now {
  /** Milliseconds of the monotonic clock. */
  readonly monotonicMs: number;
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
  readonly deadlines: Deadlines;
}

export type ConnectPurpose = "identify" | "resume";

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
  readonly dueMs: number;
  /** Whether Discord acknowledged the last heartbeat; true before the first. */
  readonly isAcked: boolean;
  /** Monotonic time of the last heartbeat; absent before the first. */
  readonly sentMs?: number;
  /** Milliseconds by which the last heartbeat was late. */
  readonly lateMs: number;
}

/** The state of a shard. Times in `…Ms` are of the monotonic clock. */
export interface LifecycleState {
  readonly phase: Phase;
  /** Number of the current or last socket; events of other sockets are ignored. */
  readonly socket: number;
  /** The session that can be resumed; absent if there is none. */
  readonly session?: Pick<GatewaySession, "sessionId" | "resumeUrl" | "hasHole">;
  readonly lastAliveMs: number;
  /** The connection's heartbeat; absent before HELLO. */
  readonly heartbeat?: HeartbeatState;
  /**
   * Lost connections since the last session that lived. HELLO subtracts those of `failedConnects`.
   */
  readonly failures: number;
  /** RESUMEs in a row that were sent and did not end in RESUMED. */
  readonly failedResumes: number;
  /** Connections in a row without a HELLO. */
  readonly failedConnects: number;
  /** Time of the last IDENTIFY; absent before the first. */
  readonly identifiedMs?: number;
  /** Time before which the store allows no IDENTIFY; absent if there is none. */
  readonly identifyNotBeforeMs?: number;
  /** Set if the session may show another presence than the current one. */
  readonly mustSendPresence: boolean;
  /** Times of the last presence updates, oldest first; as many as the limit counts. */
  readonly presenceSentMs: readonly number[];
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

export interface StartFacts {
  /** Session to resume; absent if there is none. */
  readonly session?: LifecycleState["session"];
  /** Milliseconds to wait before an IDENTIFY; 0 if absent. */
  readonly identifyInMs?: number;
  /** Lost connections since the last session that lived; 0 if absent. */
  readonly failures?: number;
  /** Whether the account counts as down: `maxRetries` connections in a row have failed. */
  readonly isDown?: boolean;
  /** Whether another process or thread may have set a different presence; false if absent. */
  readonly mustSendPresence?: boolean;
}

export function initialState(now: Now, facts: StartFacts = {}): LifecycleState {
  const { session, identifyInMs = 0, failures = 0, isDown = false } = facts;
  return {
    phase: { kind: "stopped" },
    socket: 0,
    session,
    lastAliveMs: now.monotonicMs,
    failures,
    failedResumes: 0,
    failedConnects: 0,
    identifyNotBeforeMs: identifyInMs > 0 ? now.monotonicMs + identifyInMs : undefined,
    mustSendPresence: facts.mustSendPresence ?? false,
    presenceSentMs: [],
    isDown,
    wallAheadMs: now.wallMs - now.monotonicMs,
    readyAt: now.wallMs,
  };
}

const CLOSE_MS = 1_000;

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
const PRESENCE_LIMIT = { max: 5, everyMs: 20_000 };

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
function renewAtMs(state: LifecycleState): number {
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

/** Returns the state without one of its optional fields. */
function omit<
  Key extends keyof LifecycleState & ("session" | "heartbeat" | "ack" | "congestedMs"),
>(state: LifecycleState, key: Key): Omit<LifecycleState, Key> {
  const { [key]: _, ...rest } = state;
  return rest;
}

export type LifecycleEvent =
  | { readonly kind: "start" | "tick" | "congested" | "drained" | "stop" | "presence_changed" }
  /** The session lacks events, also while no socket is open: the shard needs a new one. */
  | { readonly kind: "hole" }
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

export interface LostConnection {
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
export type ShardEffect =
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
  | { readonly kind: "report_stale" };

interface Transition {
  readonly state: LifecycleState;
  readonly effects: readonly ShardEffect[];
}

/**
 * Starts the heartbeat of a connection.
 *
 * @param random A number from 0 up to, but not including, 1. The first heartbeat is due after this
 *   fraction of the interval.
 */
function startHeartbeat(intervalMs: number, nowMs: number, random: number): HeartbeatState {
  return { intervalMs, dueMs: nowMs + intervalMs * random, isAcked: true, lateMs: 0 };
}

function recordBeat(heartbeat: HeartbeatState, nowMs: number): HeartbeatState {
  return {
    ...heartbeat,
    dueMs: heartbeat.dueMs + heartbeat.intervalMs, // lateness does not add up
    isAcked: false,
    sentMs: nowMs,
    lateMs: nowMs - heartbeat.dueMs,
  };
}

function sendPresence(state: LifecycleState, nowMs: number): Transition {
  if (nowMs < presenceAtMs(state)) return { state, effects: [] };
  const presenceSentMs = [...state.presenceSentMs, nowMs].slice(-PRESENCE_LIMIT.max);
  return {
    state: { ...state, mustSendPresence: false, presenceSentMs },
    effects: [{ kind: "send_presence" }],
  };
}

/**
 * Bounds of a wait in milliseconds: a wrong answer causes neither a busy loop nor endless waiting.
 */
const WAIT_MS = { min: 500, max: DAY_MS };

/** Takes HELLO: the heartbeat starts, and the shard resumes or asks for a permit. */
function takeHello(
  before: LifecycleState,
  intent: ConnectPurpose,
  intervalMs: number,
  at: StepContext,
): Transition {
  const nowMs = at.now.monotonicMs;
  // HELLO ends an outage, so its failed attempts delay no later step. Losses after a HELLO stay
  // counted until a session has lived: they bound a loop of IDENTIFYs.
  const failures = before.failures - before.failedConnects;
  const state: LifecycleState = {
    ...before,
    failures,
    failedConnects: 0,
    isDown: before.isDown && failures > at.rules.reconnect.maxRetries,
    heartbeat: startHeartbeat(intervalMs, nowMs, at.random),
  };
  if (intent === "identify" || !state.session) return askPermit(state, at);
  return resume(state, state.session, at);
}

function resume(
  state: LifecycleState,
  { sessionId }: NonNullable<LifecycleState["session"]>,
  { rules, now }: StepContext,
): Transition {
  const untilMs = now.monotonicMs + rules.deadlines.readyMs;
  return {
    state: { ...state, phase: { kind: "resuming", untilMs } },
    effects: [{ kind: "resume", sessionId }],
  };
}

/** Asks for a permit after HELLO, or waits if an IDENTIFY is not due yet. */
function askPermit(state: LifecycleState, { now }: StepContext): Transition {
  const waitMs = identifyFromMs(state, state.isDown) - now.monotonicMs;
  if (waitMs > 0) return waitToIdentify(state, waitMs, "spacing", now.monotonicMs);
  return {
    state: { ...state, phase: { kind: "permitting" } },
    effects: [{ kind: "ask_permit", socket: state.socket }],
  };
}

/** Takes the main thread's answer to the current socket. Answers to earlier ones never get here. */
function takePermitAnswer(
  state: LifecycleState,
  answer: PermitAnswer,
  at: StepContext,
): Transition {
  const { rules, now } = at;
  const nowMs = now.monotonicMs;
  if (state.phase.kind === "ready" && state.phase.isAsking) {
    return takePreviewAnswer(state, state.phase, answer, nowMs);
  }
  if (state.phase.kind !== "permitting") return { state, effects: [] };
  if (answer.kind === "wait") return waitToIdentify(state, answer.waitMs, answer.why, nowMs);
  return {
    state: {
      ...state,
      phase: { kind: "identifying", untilMs: nowMs + rules.deadlines.readyMs },
      identifiedMs: nowMs,
      mustSendPresence: false,
      presenceSentMs: [], // of the session before
    },
    effects: [{ kind: "identify" }],
  };
}

/**
 * Takes the answer to a preview. The shard closes a session with a hole only if the next one may
 * begin at once, because it hears nothing in between. It first delivers all received dispatches.
 */
function takePreviewAnswer(
  state: LifecycleState,
  { isAsking: _, ...ready }: Extract<Phase, { kind: "ready" }>,
  answer: PermitAnswer,
  nowMs: number,
): Transition {
  if (answer.kind === "wait") {
    const identifyNotBeforeMs = nowMs + bounded(answer.waitMs);
    return { state: { ...state, phase: ready, identifyNotBeforeMs }, effects: [] };
  }
  if (state.congestedMs !== undefined) return { state: { ...state, phase: ready }, effects: [] };
  return {
    state: {
      ...omit(state, "heartbeat"),
      phase: { ...ready, kind: "closing", untilMs: nowMs + CLOSE_MS },
    },
    effects: [{ kind: "close" }],
  };
}

/** Closes the socket until an IDENTIFY may be sent, because Discord closes idle sockets. */
function waitToIdentify(
  state: LifecycleState,
  wantedMs: number,
  why: IdentifyWaitReason,
  nowMs: number,
): Transition {
  const waitMs = bounded(wantedMs);
  return {
    state: {
      ...omit(omit(state, "heartbeat"), "ack"),
      phase: { kind: "waiting", intent: "identify", untilMs: nowMs + waitMs, waitReason: why },
    },
    effects: [
      { kind: "drop", socket: state.socket },
      { kind: "report_identify_wait", reason: why, waitMs },
    ],
  };
}

function bounded(waitMs: number): number {
  return Math.min(Math.max(WAIT_MS.min, waitMs), WAIT_MS.max);
}

/** Milliseconds after READY or RESUMED from which on a session counts as having lived. */
export const LIVED_MS = 60_000;

/** Failed RESUMEs in a row after which the shard opens a new session (G5a). */
const MAX_FAILED_RESUMES = 3;

/** Milliseconds to wait after op 9 `false`; Discord requires 1 to 5 seconds. */
const INVALID_SESSION_DELAY_MS = { min: 1_000, range: 4_000 };

const AT_ONCE = { kind: "identify", delayMs: 0, isDown: false } as const;

interface StepContext {
  readonly rules: LifecycleRules;
  /** The clocks at the time of the event. */
  readonly now: Now;
  /** A number from 0 up to, but not including, 1. */
  readonly random: number;
}

/** Ends the connection, if it is still open, and plans the next one. */
function loseConnection(
  state: LifecycleState,
  cause: Cause,
  { rules, now, random }: StepContext,
): Transition {
  const { phase } = state;
  const nowMs = now.monotonicMs;
  const livedMs = "sinceMs" in phase ? nowMs - phase.sinceMs : undefined;
  // The shard closes a session with a hole on purpose: that is no failure.
  const isPlanned = cause.kind === "hole";
  const hasLived = livedMs !== undefined && livedMs >= LIVED_MS;
  const failures = isPlanned ? state.failures : hasLived ? 1 : state.failures + 1;
  const isFailedResume = phase.kind === "resuming" && cause.kind !== "congested";
  const failedResumes = state.failedResumes + (isFailedResume ? 1 : 0);
  const isResumeGivenUp = failedResumes >= MAX_FAILED_RESUMES;
  const isFailedConnect = phase.kind === "connecting" || phase.kind === "greeting";

  const code = cause.kind === "closed" ? cause.code : undefined;
  const isRefused = cause.kind === "invalid_session" && !cause.canResume;
  // Catch-up reads messages in the hole, but only a READY brings the changes of guilds.
  const isSessionOver = isRefused || cause.kind === "hole" ||
    isResumeGivenUp ||
    (code !== undefined && meaningOf(code).recovery !== "resume");
  const planned: ReconnectPlan = isPlanned ? AT_ONCE : planReconnect(
    {
      code,
      hasSession: state.session !== undefined && !isSessionOver,
      attempt: failures,
      // A second op 7 soon after READY gets a back-off, like any other loss.
      isAtOnce: cause.kind === "reconnect_asked" && livedMs !== undefined && failures === 1,
      minDelayMs: isRefused
        ? INVALID_SESSION_DELAY_MS.min + random * INVALID_SESSION_DELAY_MS.range
        : 0,
    },
    rules.reconnect,
    random,
  );
  const next = spaced(planned, state, nowMs);
  const isSessionLost = state.session !== undefined && next.kind === "identify";
  const isOver = next.kind === "stop" || next.kind === "give_up";

  const kept = omit(omit(state, "heartbeat"), "ack");
  const lost: LostConnection = {
    cause,
    attempt: failures,
    livedMs,
    during: phase.kind,
    next,
    isSessionLost,
    failedResumes,
    isResumeGivenUp,
  };
  return {
    state: {
      ...(next.kind === "resume" ? kept : omit(kept, "session")),
      phase: isOver
        ? { kind: "final", plan: next }
        : { kind: "waiting", intent: next.kind, untilMs: nowMs + next.delayMs },
      failures,
      failedResumes: next.kind === "resume" ? failedResumes : 0,
      failedConnects: isFailedConnect ? state.failedConnects + 1 : 0,
      isDown: state.isDown || isOver || next.isDown,
    },
    effects: [
      ...(cause.kind === "closed" ? [] : [{ kind: "drop" as const, socket: state.socket }]),
      { kind: "report_lost", lost },
    ],
  };
}

/** Delays an IDENTIFY until it may be sent. */
function spaced(plan: ReconnectPlan, state: LifecycleState, nowMs: number): ReconnectPlan {
  if (plan.kind !== "identify") return plan;
  return { ...plan, delayMs: Math.max(plan.delayMs, identifyFromMs(state, plan.isDown) - nowMs) };
}

/**
 * Milliseconds beyond the socket's own time limit. The socket ends a slow connection by itself, and
 * can name the step. This limit is for a socket that fails to do so.
 */
const CONNECT_SLACK_MS = 1_000;

/**
 * Processes one event.
 *
 * @param random A number from 0 up to, but not including, 1.
 */
export function advance(
  before: LifecycleState,
  event: LifecycleEvent,
  rules: LifecycleRules,
  now: Now,
  random: number,
): Transition {
  const { phase } = before;
  const wallAheadMs = now.wallMs - now.monotonicMs;
  const jumpMs = wallAheadMs - before.wallAheadMs;
  const state: LifecycleState = event.kind === "tick" ? { ...before, wallAheadMs } : before;
  const at = { rules, now, random };

  if ("socket" in event) {
    return event.socket === state.socket && hasSocket(phase)
      ? onSocket(state, event, at)
      : { state, effects: [] };
  }
  switch (event.kind) {
    case "start":
      return phase.kind === "stopped" ? connect(state, at) : { state, effects: [] };
    case "tick":
      return onTick(state, jumpMs, at);
    case "congested":
      return { state: { congestedMs: now.monotonicMs, ...state }, effects: [] };
    case "drained":
      return { state: onDrained(state, at), effects: [] };
    case "hole": {
      const session = state.session && { ...state.session, hasHole: true } as const;
      return { state: session ? { ...state, session } : state, effects: [] };
    }
    case "presence_changed":
      return sendPresence({ ...state, mustSendPresence: true }, now.monotonicMs);
    case "stop":
      return phase.kind === "final" ? { state, effects: [] } : {
        state: { ...omit(state, "heartbeat"), phase: { kind: "stopped" } },
        effects: hasSocket(phase) ? [{ kind: "drop", socket: state.socket }] : [],
      };
  }
}

function connect(state: LifecycleState, { rules, now }: StepContext): Transition {
  const nowMs = now.monotonicMs;
  const { resumeSession, sessionCacheTtlSec } = rules.reconnect;
  const isStale = nowMs - state.lastAliveMs > sessionCacheTtlSec * 1_000;
  const session = resumeSession && !isStale ? state.session : undefined;
  const kept = session ? state : omit(state, "session");

  const identifyAtMs = identifyFromMs(state, state.isDown);
  if (!session && identifyAtMs > nowMs) {
    const phase: Phase = {
      kind: "waiting",
      intent: "identify",
      untilMs: identifyAtMs,
      waitReason: "spacing",
    };
    return { state: { ...state, phase }, effects: [] };
  }
  const intent = session ? "resume" : "identify";
  const socket = state.socket + 1;
  const stale: readonly ShardEffect[] = isStale && state.session ? [{ kind: "report_stale" }] : [];
  return {
    state: {
      ...kept,
      socket,
      phase: {
        kind: "connecting",
        intent,
        untilMs: nowMs + rules.deadlines.connectMs + CONNECT_SLACK_MS,
      },
    },
    effects: [...stale, { kind: "open", socket, url: addressOf(state, session, rules), intent }],
  };
}

/** Failed connections to the session's own URL after which the gateway's URL is tried. */
const MAX_FAILED_CONNECTS = 2;

/** The session survives the loss of its host, because other hosts know it, too. */
function addressOf(
  { failedConnects }: LifecycleState,
  session: LifecycleState["session"],
  { url }: StepContext["rules"],
): string {
  return failedConnects < MAX_FAILED_CONNECTS && session?.resumeUrl || url;
}

function onTick(state: LifecycleState, jumpMs: number, at: StepContext): Transition {
  const { phase, heartbeat } = state;
  const nowMs = at.now.monotonicMs;
  if (phase.kind === "waiting") {
    const isDue = nowMs >= phase.untilMs && state.congestedMs === undefined;
    return isDue ? connect(state, at) : { state, effects: [] };
  }
  if (!hasSocket(phase)) return { state, effects: [] };
  const isCongested = state.congestedMs !== undefined;
  if ("untilMs" in phase && nowMs >= phase.untilMs && !isCongested) {
    return phase.kind === "closing"
      ? loseConnection(state, { kind: "hole" }, at)
      : loseConnection(state, { kind: "late", waitedFor: WAITED_FOR[phase.kind] }, at);
  }
  if (phase.kind === "ready" && nowMs >= renewAtMs(state) && !isCongested) {
    return {
      state: { ...state, phase: { ...phase, isAsking: true } },
      effects: [{ kind: "ask_permit", socket: state.socket, isPreview: true }],
    };
  }
  if (!heartbeat) return { state, effects: [] };

  const overdueMs = nowMs - heartbeat.dueMs;
  if (jumpMs > heartbeat.intervalMs || overdueMs >= heartbeat.intervalMs) {
    return loseConnection(state, { kind: "slept" }, at);
  }
  if (state.congestedMs !== undefined && nowMs - state.congestedMs > heartbeat.intervalMs) {
    return loseConnection(state, { kind: "congested" }, at);
  }
  if (overdueMs < 0) return sendPresence(state, nowMs);
  if (!heartbeat.isAcked) {
    // While the main thread has no room, the socket is not read, so an ACK may be waiting on it.
    const step = loseConnection(state, { kind: isCongested ? "congested" : "zombie" }, at);
    return {
      ...step,
      effects: [{ kind: "report_heartbeat", lateMs: heartbeat.lateMs }, ...step.effects],
    };
  }
  return {
    state: { ...state, heartbeat: recordBeat(heartbeat, nowMs) },
    effects: [{ kind: "heartbeat" }],
  };
}

/** There is room again: time limits that were suspended start anew. */
function onDrained(state: LifecycleState, { rules, now }: StepContext): LifecycleState {
  const { phase, ...rest } = omit(state, "congestedMs");
  switch (phase.kind) {
    case "identifying":
    case "resuming":
      return {
        ...rest,
        phase: { ...phase, untilMs: now.monotonicMs + rules.deadlines.readyMs },
      };
    case "closing":
      return { ...rest, phase: { ...phase, untilMs: now.monotonicMs + CLOSE_MS } };
    default:
      return { ...rest, phase };
  }
}

/** The message that each phase with a time limit waits for. */
const WAITED_FOR = {
  connecting: "connection",
  greeting: "HELLO",
  identifying: "READY",
  resuming: "RESUMED",
} as const;

function onSocket(state: LifecycleState, event: SocketEvent, at: StepContext): Transition {
  const { phase, heartbeat } = state;
  const { rules, now } = at;
  const nowMs = now.monotonicMs;
  const unchanged: Transition = { state, effects: [] };
  switch (event.kind) {
    case "opened":
      if (phase.kind !== "connecting") return unchanged;
      return {
        state: {
          ...state,
          phase: { ...phase, kind: "greeting", untilMs: nowMs + rules.deadlines.helloMs },
        },
        effects: [],
      };
    case "hello":
      return phase.kind === "greeting"
        ? takeHello(state, phase.intent, event.intervalMs, at)
        : unchanged;
    case "acked": {
      if (!heartbeat || heartbeat.isAcked || heartbeat.sentMs === undefined) return unchanged;
      return {
        state: {
          ...state,
          lastAliveMs: nowMs,
          heartbeat: { ...heartbeat, isAcked: true },
          ack: { at: now.wallMs, intervalMs: heartbeat.intervalMs },
        },
        effects: [
          {
            kind: "report_heartbeat",
            lateMs: heartbeat.lateMs,
            latencyMs: nowMs - heartbeat.sentMs,
          },
        ],
      };
    }
    case "heartbeat_requested":
      return heartbeat ? { state, effects: [{ kind: "heartbeat" }] } : unchanged;
    case "permit":
      return takePermitAnswer(state, event.answer, at);
    case "ready":
    case "resumed": {
      if (phase.kind !== (event.kind === "ready" ? "identifying" : "resuming")) return unchanged;
      const session = event.kind === "ready"
        ? { sessionId: event.sessionId, resumeUrl: event.resumeUrl }
        : state.session;
      return sendPresence({
        ...state,
        ...(session && { session }),
        phase: { kind: "ready", sinceMs: nowMs },
        lastAliveMs: nowMs,
        failedResumes: 0,
        // An IDENTIFY contains the presence.
        mustSendPresence: state.mustSendPresence ||
          event.kind === "resumed" && state.presenceSentMs.length > 0,
        isDown: false,
        readyAt: now.wallMs,
      }, nowMs);
    }
    case "reconnect_asked":
      return loseConnection(state, { kind: "reconnect_asked" }, at);
    case "invalid_session":
      return loseConnection(state, { kind: "invalid_session", canResume: event.canResume }, at);
    case "closed":
      if (phase.kind === "closing") return loseConnection(state, { kind: "hole" }, at);
      return loseConnection(state, { kind: "closed", code: event.code, reason: event.reason }, at);
    case "garbled":
      return loseConnection(state, { kind: "garbled", reason: event.reason }, at);
  }
}
