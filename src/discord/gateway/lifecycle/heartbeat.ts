/**
 * Computes the heartbeat of one connection: due times, and answers to Discord's requests.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#sending-heartbeats}
 * @module
 */

import type { HeartbeatState } from "./state.ts";
import type { Effect } from "./step.ts";

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

/** Records that a due heartbeat is sent. */
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
