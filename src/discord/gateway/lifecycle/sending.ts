/**
 * Computes what a shard sends while it is connected: heartbeats, and its presence (op 3).
 *
 * Presence updates above Discord's limit are not lost: the newest is sent once the limit allows it. A
 * lost connection may swallow an update, so an update without a later acknowledged heartbeat is
 * repeated.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#sending-heartbeats}
 */

import {
  type Effect,
  type HeartbeatState,
  type LifecycleState,
  PRESENCE_LIMIT,
  presenceAtMs,
  type Transition,
} from "./state.ts";

/**
 * Maximum heartbeats on request within a period. Discord closes connections that send more than 120
 * payloads in a minute. Discord's minute may overlap two of our periods, which leaves 20 payloads
 * for everything else.
 */
const ASKED = { max: 50, everyMs: 60_000 };

/**
 * Starts the heartbeat of a connection.
 *
 * @param random A number from 0 up to, but not including, 1. The first heartbeat is due after this
 *   fraction of the interval.
 */
export function startHeartbeat(intervalMs: number, nowMs: number, random: number): HeartbeatState {
  return { intervalMs, dueMs: nowMs + intervalMs * random, isAcked: true, lateMs: 0 };
}

export function recordBeat(heartbeat: HeartbeatState, nowMs: number): HeartbeatState {
  return {
    ...heartbeat,
    dueMs: heartbeat.dueMs + heartbeat.intervalMs, // lateness does not add up
    isAcked: false,
    sentMs: nowMs,
    lateMs: nowMs - heartbeat.dueMs,
  };
}

/** Answers Discord's request for a heartbeat at once, unless there are too many requests. */
export function answerBeatRequest(
  heartbeat: HeartbeatState,
  nowMs: number,
): { readonly heartbeat: HeartbeatState; readonly effects: readonly Effect[] } {
  const { asked } = heartbeat;
  const isSame = asked !== undefined && nowMs - asked.sinceMs < ASKED.everyMs;
  const count = isSame ? asked.count + 1 : 1;
  return {
    heartbeat: { ...heartbeat, asked: { sinceMs: isSame ? asked.sinceMs : nowMs, count } },
    effects: count <= ASKED.max
      ? [{ kind: "heartbeat" }]
      : count === ASKED.max + 1
      ? [{ kind: "report_flood" }]
      : [],
  };
}

export function sendPresence(state: LifecycleState, nowMs: number): Transition {
  if (nowMs < presenceAtMs(state)) return { state, effects: [] };
  const presenceSentMs = [...state.presenceSentMs, nowMs].slice(-PRESENCE_LIMIT.max);
  return {
    state: { ...state, mustSendPresence: false, presenceSentMs },
    effects: [{ kind: "send_presence" }],
  };
}

/** Whether Discord may not have got the last update: no later heartbeat was acknowledged. */
export function isPresenceUnconfirmed({ presenceSentMs, confirmedMs }: LifecycleState): boolean {
  const last = presenceSentMs.at(-1);
  return last !== undefined && (confirmedMs === undefined || confirmedMs < last);
}
