/**
 * The heartbeat of one connection: when it beats, and when Discord asks it to.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#sending-heartbeats}
 * @module
 */

import type { Effect, HeartbeatState } from "./state.ts";

/**
 * How many beats are sent because they were asked for, in how many milliseconds.
 * Discord closes who sends more than 120 payloads in a minute. A minute that is
 * counted may meet two of ours, which leaves 20 for all else that is sent.
 */
const ASKED = { max: 50, everyMs: 60_000 };

/** @param random A number from 0 up to, but not including, 1: what part of an interval comes first. */
export function startHeartbeat(intervalMs: number, nowMs: number, random: number): HeartbeatState {
  return { intervalMs, dueMs: nowMs + intervalMs * random, isAcked: true, lateMs: 0 };
}

/** A beat is sent that was due. */
export function recordBeat(heartbeat: HeartbeatState, nowMs: number): HeartbeatState {
  return {
    ...heartbeat,
    dueMs: heartbeat.dueMs + heartbeat.intervalMs, // lateness does not add up
    isAcked: false,
    sentMs: nowMs,
    lateMs: nowMs - heartbeat.dueMs,
  };
}

/** Discord asks for a beat, which is answered at once: a flood of them only so far. */
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
