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
  type Hold,
  identifyFromMs,
  type Life,
  omit,
  type PermitAnswer,
  type Phase,
  type Step,
} from "./state.ts";
import type { Circumstances } from "./loss.ts";

/** Milliseconds; a wait that main got wrong neither spins nor lasts for ever. */
const HOLD_MS = { min: 500, max: 24 * 60 * 60 * 1_000 };

/** HELLO was said, and an IDENTIFY is to follow. */
export function askPermit(life: Life, { now }: Circumstances): Step {
  const waitMs = identifyFromMs(life, life.isDown) - now.monotonicMs;
  if (waitMs > 0) return hold(life, waitMs, "spacing", now.monotonicMs);
  return {
    life: { ...life, phase: { kind: "permitting" } },
    effects: [{ kind: "ask_permit", socket: life.socket }],
  };
}

/** Main has answered the socket in use; what it says to another one never comes here. */
export function takePermit(life: Life, answer: PermitAnswer, { rules, now }: Circumstances): Step {
  const nowMs = now.monotonicMs;
  if (life.phase.kind === "ready" && life.phase.isAsking) {
    return takeAhead(life, life.phase, answer, nowMs);
  }
  if (life.phase.kind !== "permitting") return { life, effects: [] };
  if (answer.kind === "wait") return hold(life, answer.waitMs, answer.why, nowMs);
  return {
    life: {
      ...life,
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
function takeAhead(
  life: Life,
  { isAsking: _, ...ready }: Extract<Phase, { kind: "ready" }>,
  answer: PermitAnswer,
  nowMs: number,
): Step {
  if (answer.kind === "wait") {
    const heldUntilMs = nowMs + bounded(answer.waitMs);
    return { life: { ...life, phase: ready, heldUntilMs }, effects: [] };
  }
  if (life.congestedMs !== undefined) return { life: { ...life, phase: ready }, effects: [] };
  return {
    life: {
      ...omit(life, "heart"),
      phase: { ...ready, kind: "closing", untilMs: nowMs + CLOSE_MS },
    },
    effects: [{ kind: "close" }],
  };
}

/** Gives the socket up until the turn comes: one that does nothing would be closed by Discord. */
function hold(life: Life, wantedMs: number, why: Hold, nowMs: number): Step {
  const waitMs = bounded(wantedMs);
  return {
    life: {
      ...omit(omit(life, "heart"), "ack"),
      phase: { kind: "waiting", intent: "identify", untilMs: nowMs + waitMs, hold: why },
    },
    effects: [
      { kind: "drop", socket: life.socket },
      { kind: "report_held", hold: why, waitMs },
    ],
  };
}

function bounded(waitMs: number): number {
  return Math.min(Math.max(HOLD_MS.min, waitMs), HOLD_MS.max);
}
