/**
 * The life of a shard as one pure function: what is, what happens, what to do.
 *
 * Every rule of Discord's about connecting, identifying, resuming and beating
 * is here and nowhere else, so that each can be a row of a test, and no two of
 * them can act at once: there is one state, and at most one socket in it.
 * `effects.ts` carries the effects out.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#connection-lifecycle}
 * @module
 */

import { beat, beatAsked, startHeart } from "./heartbeat.ts";
import {
  CLOSE_MS,
  type Effect,
  hasSocket,
  identifyFromMs,
  type Intent,
  type Life,
  type LifeEvent,
  type LifeRules,
  type Now,
  omit,
  type Phase,
  renewAtMs,
  type SocketEvent,
  type Step,
} from "./state.ts";
import { type Circumstances, lose } from "./loss.ts";
import { askPermit, takePermit } from "./permits.ts";

/**
 * Milliseconds; the socket ends a connection that takes too long by itself, and
 * can say at which step: this is for one that does not.
 */
const CONNECT_SLACK_MS = 1_000;

/**
 * Takes one step.
 *
 * @param random A number from 0 up to, but not including, 1.
 */
export function advance(
  before: Life,
  event: LifeEvent,
  rules: LifeRules,
  now: Now,
  random: number,
): Step {
  const { phase } = before;
  const aheadMs = now.wallMs - now.monotonicMs;
  const jumpMs = aheadMs - before.aheadMs;
  const life: Life = event.kind === "tick" ? { ...before, aheadMs } : before;
  const at = { rules, now, random };

  if ("socket" in event) {
    return event.socket === life.socket && hasSocket(phase)
      ? onSocket(life, event, at)
      : { life, effects: [] };
  }
  switch (event.kind) {
    case "start":
      return phase.kind === "stopped" ? connect(life, at) : { life, effects: [] };
    case "tick":
      return onTick(life, jumpMs, at);
    case "congested":
      return { life: { congestedMs: now.monotonicMs, ...life }, effects: [] };
    case "drained":
      return { life: relieved(life, at), effects: [] };
    case "held": {
      const untilMs = now.monotonicMs + event.forMs;
      return {
        life: { ...life, heldUntilMs: Math.max(life.heldUntilMs ?? untilMs, untilMs) },
        effects: [],
      };
    }
    case "stop":
      return phase.kind === "final" ? { life, effects: [] } : {
        life: { ...omit(life, "heart"), phase: { kind: "stopped" } },
        effects: hasSocket(phase) ? [{ kind: "drop", socket: life.socket }] : [],
      };
  }
}

function connect(life: Life, { rules, now }: Circumstances): Step {
  const nowMs = now.monotonicMs;
  const { resumeSession, sessionCacheTtlSec } = rules.reconnect;
  const isStale = nowMs - life.heardMs > sessionCacheTtlSec * 1_000;
  const session = resumeSession && !isStale ? life.session : undefined;
  const kept = session ? life : omit(life, "session");

  const identifyAtMs = identifyFromMs(life, life.isDown);
  if (!session && identifyAtMs > nowMs) {
    const phase: Phase = {
      kind: "waiting",
      intent: "identify",
      untilMs: identifyAtMs,
      hold: "spacing",
    };
    return { life: { ...life, phase }, effects: [] };
  }
  const intent = session ? "resume" : "identify";
  const socket = life.socket + 1;
  const stale: readonly Effect[] = isStale && life.session ? [{ kind: "report_stale" }] : [];
  return {
    life: {
      ...kept,
      socket,
      phase: {
        kind: "connecting",
        intent,
        untilMs: nowMs + rules.deadlines.connectMs + CONNECT_SLACK_MS,
      },
    },
    effects: [...stale, { kind: "open", socket, url: addressOf(life, session, rules), intent }],
  };
}

/** Connections to where READY said to resume that may fail before the gateway's own is tried. */
const MAX_FAILED_DIALS = 2;

/** A host that is gone takes no session with it: the others know it, too. */
function addressOf(
  { failedDials }: Life,
  session: Life["session"],
  { url }: Circumstances["rules"],
): string {
  return failedDials < MAX_FAILED_DIALS && session?.resumeUrl || url;
}

function onTick(life: Life, jumpMs: number, at: Circumstances): Step {
  const { phase, heart } = life;
  const nowMs = at.now.monotonicMs;
  if (phase.kind === "waiting") {
    const isDue = nowMs >= phase.untilMs && life.congestedMs === undefined;
    return isDue ? connect(life, at) : { life, effects: [] };
  }
  if (!hasSocket(phase)) return { life, effects: [] };
  const isCongested = life.congestedMs !== undefined;
  if ("untilMs" in phase && nowMs >= phase.untilMs && !isCongested) {
    return phase.kind === "closing"
      ? lose(life, { kind: "hole" }, at)
      : lose(life, { kind: "late", waitedFor: WAITED_FOR[phase.kind] }, at);
  }
  if (phase.kind === "ready" && nowMs >= renewAtMs(life) && !isCongested) {
    return {
      life: { ...life, phase: { ...phase, isAsking: true } },
      effects: [{ kind: "ask_permit", socket: life.socket, isAhead: true }],
    };
  }
  if (!heart) return { life, effects: [] };

  const overdueMs = nowMs - heart.dueMs;
  if (jumpMs > heart.intervalMs || overdueMs >= heart.intervalMs) {
    return lose(life, { kind: "slept" }, at);
  }
  if (life.congestedMs !== undefined && nowMs - life.congestedMs > heart.intervalMs) {
    return lose(life, { kind: "congested" }, at);
  }
  if (overdueMs < 0) return { life, effects: [] };
  if (!heart.isAcked) {
    // while nobody has room for dispatches the socket is not read, nor an ACK on it
    const step = lose(life, { kind: isCongested ? "congested" : "zombie" }, at);
    return {
      ...step,
      effects: [{ kind: "report_beat", lateMs: heart.lateMs }, ...step.effects],
    };
  }
  return { life: { ...life, heart: beat(heart, nowMs) }, effects: [{ kind: "heartbeat" }] };
}

/** There is room again: what was held up counts from now. */
function relieved(life: Life, { rules, now }: Circumstances): Life {
  const { phase, ...rest } = omit(life, "congestedMs");
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

/** What each phase that has an end waits for. */
const WAITED_FOR = {
  connecting: "connection",
  greeting: "HELLO",
  identifying: "READY",
  resuming: "RESUMED",
} as const;

function onSocket(life: Life, event: SocketEvent, at: Circumstances): Step {
  const { phase, heart } = life;
  const { rules, now } = at;
  const nowMs = now.monotonicMs;
  const still: Step = { life, effects: [] };
  switch (event.kind) {
    case "opened":
      if (phase.kind !== "connecting") return still;
      return {
        life: {
          ...life,
          phase: { ...phase, kind: "greeting", untilMs: nowMs + rules.deadlines.helloMs },
        },
        effects: [],
      };
    case "hello":
      return phase.kind === "greeting" ? greet(life, phase.intent, event.intervalMs, at) : still;
    case "acked": {
      if (!heart || heart.isAcked || heart.sentMs === undefined) return still;
      return {
        life: {
          ...life,
          heardMs: nowMs,
          heart: { ...heart, isAcked: true },
          ack: { at: now.wallMs, intervalMs: heart.intervalMs },
        },
        effects: [
          { kind: "report_beat", lateMs: heart.lateMs, latencyMs: nowMs - heart.sentMs },
        ],
      };
    }
    case "beat_asked": {
      if (!heart) return still;
      const { heart: next, effects } = beatAsked(heart, nowMs);
      return { life: { ...life, heart: next }, effects };
    }
    case "permit":
      return takePermit(life, event.answer, at);
    case "ready":
    case "resumed": {
      if (phase.kind !== (event.kind === "ready" ? "identifying" : "resuming")) return still;
      const session = event.kind === "ready"
        ? { sessionId: event.sessionId, resumeUrl: event.resumeUrl }
        : life.session;
      return {
        life: {
          ...life,
          ...(session && { session }),
          phase: { kind: "ready", sinceMs: nowMs },
          heardMs: nowMs,
          failedResumes: 0,
          mustSendPresence: false,
          isDown: false,
          readyAt: now.wallMs,
        },
        // an IDENTIFY has said it already
        effects: event.kind === "resumed" && life.mustSendPresence
          ? [{ kind: "send_presence" }]
          : [],
      };
    }
    case "hole":
      if (!life.session) return still;
      return { life: { ...life, session: { ...life.session, hasHole: true } }, effects: [] };
    case "reconnect_asked":
      return lose(life, { kind: "reconnect_asked" }, at);
    case "invalid_session":
      return lose(life, { kind: "invalid_session", canResume: event.canResume }, at);
    case "closed":
      if (phase.kind === "closing") return lose(life, { kind: "hole" }, at);
      return lose(life, {
        kind: "closed",
        ...(event.code !== undefined && { code: event.code }),
        reason: event.reason,
      }, at);
    case "garbled":
      return lose(life, { kind: "garbled", reason: event.reason }, at);
  }
}

function greet(before: Life, intent: Intent, intervalMs: number, at: Circumstances): Step {
  const nowMs = at.now.monotonicMs;
  const life: Life = { ...before, heart: startHeart(intervalMs, nowMs, at.random) };
  if (intent === "identify" || !life.session) return askPermit(life, at);
  return {
    life: { ...life, phase: { kind: "resuming", untilMs: nowMs + at.rules.deadlines.readyMs } },
    effects: [{ kind: "resume", sessionId: life.session.sessionId }],
  };
}
