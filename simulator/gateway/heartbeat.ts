/**
 * Watches a connection's heartbeats: records each, and ends a connection without any.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#sending-heartbeats}
 */

import type { Account, RecordedHeartbeat } from "./accounts.ts";

export interface HeartbeatMonitor {
  /** Starts to watch, with HELLO. */
  start(): void;
  /** Records a beat; without a session, it only shows that the connection lives. */
  beat(
    session: { readonly id: string; readonly account: Account } | undefined,
    seq: number | null,
  ): void;
}

export interface HeartbeatMonitorDeps {
  readonly now: () => number;
  readonly intervalMs: number;
  /**
   * Runs `action` after that many milliseconds.
   *
   * @returns Cancels it.
   */
  later(ms: number, action: () => void): () => void;
  /** Called if no beat came within two intervals and {@link BEAT_GRACE_MS}. */
  stopped(): void;
}

/** Milliseconds by which a heartbeat may be late without counting as late. */
const BEAT_GRACE_MS = 1_000;

/** Number of recorded beats of an account; a soak test would keep them for ever. */
const MAX_BEATS = 10_000;

export function createHeartbeatMonitor(
  { now, intervalMs, later, stopped }: HeartbeatMonitorDeps,
): HeartbeatMonitor {
  let lastAt = now();
  let cancel = () => {};

  const watch = () => {
    cancel();
    cancel = later(2 * intervalMs + BEAT_GRACE_MS, stopped);
  };

  return {
    start: watch,
    beat(session, seq) {
      const at = now();
      if (session) {
        const lateMs = Math.max(0, at - lastAt - intervalMs);
        note(session.account, { at, sessionId: session.id, seq, lateMs });
      }
      lastAt = at;
      watch();
    },
  };
}

function note(account: Account, beat: RecordedHeartbeat): void {
  account.heartbeats += 1;
  if (beat.lateMs > BEAT_GRACE_MS) account.lateBeats += 1;
  account.beats.push(beat);
  if (account.beats.length > 2 * MAX_BEATS) { // seldom, because it moves all of them
    account.beats.splice(0, account.beats.length - MAX_BEATS);
  }
}
