/**
 * Implements the connection lifecycle as one pure function from state and event to effects.
 *
 * All of Discord's rules about connecting, identifying, resuming and heartbeats are here. So a test
 * can check each rule by itself. No two rules can act at once, because there is one state with at
 * most one socket. `shard/shard.ts` executes the effects.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#connection-lifecycle}
 */

import { answerBeatRequest, isPresenceUnconfirmed, recordBeat, sendPresence } from "./sending.ts";
import {
  CLOSE_MS,
  type Effect,
  hasSocket,
  identifyFromMs,
  type LifecycleEvent,
  type LifecycleRules,
  type LifecycleState,
  type Now,
  omit,
  type Phase,
  readyWithinMs,
  renewAtMs,
  type SocketEvent,
  type Transition,
} from "./state.ts";
import { loseConnection, type StepContext } from "./loss.ts";
import { takeHello, takePermitAnswer } from "./permits.ts";

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
    case "identify_delayed": {
      const untilMs = now.monotonicMs + event.forMs;
      return {
        state: {
          ...state,
          identifyNotBeforeMs: Math.max(state.identifyNotBeforeMs ?? untilMs, untilMs),
        },
        effects: [],
      };
    }
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
  const stale: readonly Effect[] = isStale && state.session ? [{ kind: "report_stale" }] : [];
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
        phase: { ...phase, untilMs: now.monotonicMs + readyWithinMs(state, rules) },
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
          confirmedMs: heartbeat.sentMs,
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
    case "heartbeat_requested": {
      if (!heartbeat) return unchanged;
      const { heartbeat: next, effects } = answerBeatRequest(heartbeat, nowMs);
      return { state: { ...state, heartbeat: next }, effects };
    }
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
        ignoredResumes: 0,
        // An IDENTIFY contains the presence.
        mustSendPresence: state.mustSendPresence ||
          event.kind === "resumed" && isPresenceUnconfirmed(state),
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
