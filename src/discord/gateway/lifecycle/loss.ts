/**
 * What a lost connection does to the life of a shard.
 *
 * @module
 */

import { meaningOf } from "./close_codes.ts";
import {
  type Cause,
  identifyFromMs,
  type LifecycleRules,
  type LifecycleState,
  type LostConnection,
  type Now,
  omit,
  type Step,
} from "./state.ts";
import { planReconnect, type ReconnectPlan } from "./plan_reconnect.ts";

/** Milliseconds after READY or RESUMED at which a session has lived. */
export const LIVED_MS = 60_000;

/** After so many a new session is begun (G5a). */
export const MAX_FAILED_RESUMES = 3;

/** Milliseconds after READY within which a second op 7 waits like any other loss. */
const HASTY_MS = 5_000;

/** Milliseconds; op 9 `false` wants a wait of 1 to 5 seconds. */
const INVALID_SESSION_DELAY_MS = { min: 1_000, range: 4_000 };

const AT_ONCE = { kind: "identify", delayMs: 0, isDown: false } as const;

/** What a step is taken in, besides the life itself. */
export interface StepContext {
  readonly rules: LifecycleRules;
  readonly now: Now;
  readonly random: number;
}

/** Ends the connection, if that has not happened yet, and plans the next one. */
export function loseConnection(
  state: LifecycleState,
  cause: Cause,
  { rules, now, random }: StepContext,
): Step {
  const { phase } = state;
  const nowMs = now.monotonicMs;
  const livedMs = "sinceMs" in phase ? nowMs - phase.sinceMs : undefined;
  // Closing a session that has a hole is planned, and no failure.
  const isPlanned = cause.kind === "hole";
  const hasLived = livedMs !== undefined && livedMs >= LIVED_MS;
  const failures = isPlanned ? state.failures : hasLived ? 1 : state.failures + 1;
  const isFailedResume = phase.kind === "resuming" && cause.kind !== "congested";
  const failedResumes = state.failedResumes + (isFailedResume ? 1 : 0);

  const isFailedConnect = phase.kind === "connecting" || phase.kind === "greeting";

  const code = cause.kind === "closed" ? cause.code : undefined;
  const isRefused = cause.kind === "invalid_session" && !cause.canResume;
  // Messages in the hole are for catch-up, but only a READY tells how guilds have changed in it.
  const isSessionOver = isRefused || cause.kind === "hole" ||
    failedResumes >= MAX_FAILED_RESUMES ||
    (code !== undefined && meaningOf(code).recovery !== "resume");
  const planned: ReconnectPlan = isPlanned ? AT_ONCE : planReconnect(
    {
      code,
      hasSession: state.session !== undefined && !isSessionOver,
      attempt: failures,
      isAtOnce: cause.kind === "reconnect_asked" && livedMs !== undefined &&
        (failures === 1 || livedMs >= HASTY_MS),
      minDelayMs: isRefused
        ? INVALID_SESSION_DELAY_MS.min + random * INVALID_SESSION_DELAY_MS.range
        : 0,
    },
    rules.reconnect,
    random,
  );
  const next = spaced(planned, state, nowMs);
  const isOver = next.kind === "stop" || next.kind === "give_up";

  const kept = omit(omit(state, "heartbeat"), "ack");
  const lost: LostConnection = {
    cause,
    attempt: failures,
    ...(livedMs !== undefined && { livedMs }),
    during: phase.kind,
    next,
    isSessionLost: state.session !== undefined && next.kind === "identify",
    failedResumes,
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

/** No IDENTIFY is planned for a time at which it may not be sent. */
function spaced(plan: ReconnectPlan, state: LifecycleState, nowMs: number): ReconnectPlan {
  if (plan.kind !== "identify") return plan;
  return { ...plan, delayMs: Math.max(plan.delayMs, identifyFromMs(state, plan.isDown) - nowMs) };
}
