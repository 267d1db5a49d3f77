/**
 * Computes the states from HELLO to IDENTIFY: a shard needs a permit of the main thread.
 *
 * Discord resets the token of a bot that sends more than 1,000 IDENTIFYs a day. So the store counts
 * each before it is sent, and only the main thread has the store. The shard asks with an open
 * socket: it can use a permit at once, and a broken network cannot waste one. Having to wait is no
 * failure.
 */

import { startHeartbeat } from "./sending.ts";
import {
  CLOSE_MS,
  type ConnectPurpose,
  identifyFromMs,
  type LifecycleState,
  omit,
  type PermitAnswer,
  type Phase,
  readyWithinMs,
  type Transition,
} from "./state.ts";
import { type IdentifyWaitReason } from "../../../core/discord/gateway.ts";
import { DAY_MS } from "../../../lib/clock.ts";
import type { StepContext } from "./loss.ts";

/**
 * Bounds of a wait in milliseconds: a wrong answer causes neither a busy loop nor endless waiting.
 */
const WAIT_MS = { min: 500, max: DAY_MS };

/** Takes HELLO: the heartbeat starts, and the shard resumes or asks for a permit. */
export function takeHello(
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
  const untilMs = now.monotonicMs + readyWithinMs(state, rules);
  return {
    state: { ...state, phase: { kind: "resuming", untilMs } },
    effects: [{ kind: "resume", sessionId }],
  };
}

/** Asks for a permit after HELLO, or waits if an IDENTIFY is not due yet. */
export function askPermit(state: LifecycleState, { now }: StepContext): Transition {
  const waitMs = identifyFromMs(state, state.isDown) - now.monotonicMs;
  if (waitMs > 0) return waitToIdentify(state, waitMs, "spacing", now.monotonicMs);
  return {
    state: { ...state, phase: { kind: "permitting" } },
    effects: [{ kind: "ask_permit", socket: state.socket }],
  };
}

/** Takes the main thread's answer to the current socket. Answers to earlier ones never get here. */
export function takePermitAnswer(
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
