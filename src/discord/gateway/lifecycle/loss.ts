/** Computes the state after a lost connection. */

import { GatewayCloseEventCodes as Code } from "@discordeno/types";
import { meaningOf } from "./close_codes.ts";
import {
  type Cause,
  identifyFromMs,
  type LifecycleRules,
  type LifecycleState,
  type LostConnection,
  type Now,
  omit,
  type Transition,
} from "./state.ts";
import { planReconnect, type ReconnectPlan } from "./plan_reconnect.ts";

/** Milliseconds after READY or RESUMED from which on a session counts as having lived. */
export const LIVED_MS = 60_000;

/** Failed RESUMEs in a row after which the shard opens a new session (G5a). */
const MAX_FAILED_RESUMES = 3;

/** The same for RESUMEs that got no answer: a server that ignored two ignores the third, too. */
const MAX_IGNORED_RESUMES = 2;

/** Milliseconds after READY within which a second op 7 gets a back-off, like any other loss. */
const HASTY_MS = 5_000;

/** Milliseconds to wait after op 9 `false`; Discord requires 1 to 5 seconds. */
const INVALID_SESSION_DELAY_MS = { min: 1_000, range: 4_000 };

const AT_ONCE = { kind: "identify", delayMs: 0, isDown: false } as const;

export interface StepContext {
  readonly rules: LifecycleRules;
  /** The clocks at the time of the event. */
  readonly now: Now;
  /** A number from 0 up to, but not including, 1. */
  readonly random: number;
}

/** Ends the connection, if it is still open, and plans the next one. */
export function loseConnection(
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

  const isIgnoredResume = isFailedResume && cause.kind === "late";
  const ignoredResumes = state.ignoredResumes + (isIgnoredResume ? 1 : 0);
  const isResumeGivenUp = failedResumes >= MAX_FAILED_RESUMES ||
    ignoredResumes >= MAX_IGNORED_RESUMES;

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
      isClosed: isClosedAlive({ cause, livedMs }),
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
      ignoredResumes: next.kind === "resume" ? ignoredResumes : 0,
      failedConnects: isFailedConnect ? state.failedConnects + 1 : 0,
      isDown: state.isDown || isOver || next.isDown,
    },
    effects: [
      ...(cause.kind === "closed" ? [] : [{ kind: "drop" as const, socket: state.socket }]),
      { kind: "report_lost", lost },
    ],
  };
}

/** Whether the server closed a connection that worked, and not because it was sent too much. */
export function isClosedAlive(
  { cause, livedMs }: Pick<LostConnection, "cause" | "livedMs">,
): boolean {
  return livedMs !== undefined && cause.kind === "closed" && cause.code !== undefined &&
    cause.code !== Code.RateLimited;
}

/** Delays an IDENTIFY until it may be sent. */
function spaced(plan: ReconnectPlan, state: LifecycleState, nowMs: number): ReconnectPlan {
  if (plan.kind !== "identify") return plan;
  return { ...plan, delayMs: Math.max(plan.delayMs, identifyFromMs(state, plan.isDown) - nowMs) };
}
