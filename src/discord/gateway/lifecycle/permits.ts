/**
 * What stands between HELLO and an IDENTIFY: main's permit.
 *
 * Discord resets the token of whoever sends more than 1,000 IDENTIFYs in a day,
 * so each is in the store before it is sent, and only main knows the store. The
 * socket is open while main is asked: what a permit pays for is then sent at
 * once, and no broken network can spend one. To be told to wait is no failure.
 *
 * @module
 */

import {
  CLOSE_MS,
  identifyFromMs,
  type IdentifyWaitReason,
  type LifecycleState,
  omit,
  type PermitAnswer,
  type Phase,
  type Step,
} from "./state.ts";
import type { StepContext } from "./loss.ts";

/** Milliseconds; a wait that main got wrong neither spins nor lasts for ever. */
const WAIT_MS = { min: 500, max: 24 * 60 * 60 * 1_000 };

/** HELLO was said, and an IDENTIFY is to follow. */
export function askPermit(state: LifecycleState, { now }: StepContext): Step {
  const waitMs = identifyFromMs(state, state.isDown) - now.monotonicMs;
  if (waitMs > 0) return waitToIdentify(state, waitMs, "spacing", now.monotonicMs);
  return {
    state: { ...state, phase: { kind: "permitting" } },
    effects: [{ kind: "ask_permit", socket: state.socket }],
  };
}

/** Main has answered the socket in use; what it says to another one never comes here. */
export function takePermitAnswer(
  state: LifecycleState,
  answer: PermitAnswer,
  { rules, now }: StepContext,
): Step {
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
    },
    effects: [{ kind: "identify" }],
  };
}

/**
 * A session with a hole is closed only if the next one may begin at once: nothing is heard in
 * between. What has come must be taken first.
 */
function takePreviewAnswer(
  state: LifecycleState,
  { isAsking: _, ...ready }: Extract<Phase, { kind: "ready" }>,
  answer: PermitAnswer,
  nowMs: number,
): Step {
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

/** Gives the socket up until the turn comes: one that does nothing would be closed by Discord. */
function waitToIdentify(
  state: LifecycleState,
  wantedMs: number,
  why: IdentifyWaitReason,
  nowMs: number,
): Step {
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
