/**
 * The server's side of heartbeats: notes each, and ends a connection that has none.
 *
 * @module
 * @see {@link https://docs.discord.com/developers/events/gateway#sending-heartbeats}
 */

import type { Account, Beat } from "./bot_notes.ts";

export interface Heart {
  /** Begins to watch, with HELLO. */
  start(): void;
  /** Notes that op 1 was sent. */
  ask(): void;
  /** Notes a beat; of a connection without a session it only shows that it lives. */
  beat(
    session: { readonly id: string; readonly account: Account } | undefined,
    seq: number | null,
  ): void;
}

export interface HeartDeps {
  readonly now: () => number;
  readonly intervalMs: number;
  /** Runs `action` after that many milliseconds; returns what takes it back. */
  later(ms: number, action: () => void): () => void;
  /** Called when no beat came within two intervals and {@link BEAT_GRACE_MS}. */
  stopped(): void;
}

/** Milliseconds by which a heartbeat may be late without being counted so. */
const BEAT_GRACE_MS = 1_000;

/** Beats that an account keeps; a soak would keep them for ever. */
const MAX_BEATS = 10_000;

export function createHeart({ now, intervalMs, later, stopped }: HeartDeps): Heart {
  let lastAt = now();
  let askedAt: number | undefined;
  let cancel = () => {};

  const watch = () => {
    cancel();
    cancel = later(2 * intervalMs + BEAT_GRACE_MS, stopped);
  };

  return {
    start: watch,
    ask() {
      askedAt ??= now();
    },
    beat(session, seq) {
      const at = now();
      if (session) {
        const lateMs = Math.max(0, at - lastAt - intervalMs);
        note(session.account, {
          at,
          sessionId: session.id,
          seq,
          lateMs,
          ...(askedAt !== undefined && { askedMs: at - askedAt }),
        });
      }
      askedAt = undefined;
      lastAt = at;
      watch();
    },
  };
}

function note(account: Account, beat: Beat): void {
  account.heartbeats += 1;
  if (beat.lateMs > BEAT_GRACE_MS) account.lateBeats += 1;
  account.beats.push(beat);
  if (account.beats.length > 2 * MAX_BEATS) { // seldom, for it moves them all
    account.beats.splice(0, account.beats.length - MAX_BEATS);
  }
}
