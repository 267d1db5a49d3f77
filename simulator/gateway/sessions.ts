/**
 * Gateway sessions: what lives on when a connection breaks.
 *
 * A session keeps the payloads it has sent, bounded, so that RESUME can replay
 * them, and gathers new ones while nobody is connected, until it times out.
 *
 * @module
 * @see {@link https://docs.discord.com/developers/events/gateway#resuming}
 */

import type { ApplicationId } from "../../src/core/discord/ids.ts";
import type { Account } from "./bot_notes.ts";
import type { Dispatch, Viewer } from "./dispatches.ts";

/** One session; its payloads are numbered from 1. */
export interface Session {
  readonly id: string;
  readonly account: Account;
  readonly viewer: Viewer;
  /** The number of the last payload. */
  seq: number;
  /** The last payloads, the oldest first. */
  readonly replay: { readonly seq: number; readonly text: string }[];
  /** Sends to the connection that has it; `undefined` while there is none. */
  connection: { send(text: string): void; close(code: number, reason: string): void } | undefined;
  /** Unix time in milliseconds at which its connection went. */
  detachedAt: number | undefined;
}

/** A session as it is now, for a judge to look at. */
export interface SessionState extends Pick<Session, "id" | "seq"> {
  readonly applicationId: ApplicationId;
  readonly shard: Viewer["shard"];
  readonly isConnected: boolean;
}

export interface SessionLimits {
  /** Payloads kept for replay, at most. */
  readonly replayLimit: number;
  /** Milliseconds that a session lives without a connection. */
  readonly timeoutMs: number;
}

/** What became of a RESUME. */
export type Resumed =
  | { readonly kind: "resumed"; readonly session: Session; readonly missed: readonly string[] }
  | { readonly kind: "unknown" }
  /** Not now, and the session stays. */
  | { readonly kind: "refused" }
  | { readonly kind: "seq_from_the_future" };

export interface Sessions {
  open(account: Account, viewer: Viewer): Session;
  /** Those that live, with a connection or without. */
  alive(now: number): readonly Session[];
  /** @param mayHaveHole Whether it is resumed, too, where it has forgotten some of what it missed. */
  resume(
    id: string,
    account: Account,
    seq: number,
    now: number,
    mayHaveHole?: boolean,
  ): Resumed;
  /** Refuses a RESUME that was good; the session is gone, unless it is to stay. */
  refuse(id: string, account: Account, isToStay: boolean): Resumed;
  drop(session: Session): void;
}

export function createSessions(
  { replayLimit, timeoutMs }: SessionLimits,
  random: () => number,
): Sessions {
  const sessions = new Map<string, Session>();

  const isDead = ({ detachedAt }: Session, now: number) =>
    detachedAt !== undefined && now - detachedAt > timeoutMs;

  return {
    open(account, viewer) {
      const id = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join("");
      const session: Session = {
        id,
        account,
        viewer,
        seq: 0,
        replay: [],
        connection: undefined,
        detachedAt: undefined,
      };
      sessions.set(id, session);
      return session;
    },
    alive(now) {
      for (const session of sessions.values()) {
        if (isDead(session, now)) sessions.delete(session.id);
      }
      return [...sessions.values()];
    },
    resume(id, account, seq, now, mayHaveHole = false) {
      const session = sessions.get(id);
      if (!session || session.account !== account || isDead(session, now)) {
        return { kind: "unknown" };
      }
      if (seq > session.seq) return { kind: "seq_from_the_future" };
      const kept = session.replay.slice(-replayLimit);
      const oldest = kept[0]?.seq ?? session.seq + 1;
      if (seq + 1 < oldest && !mayHaveHole) return { kind: "unknown" }; // what it missed is forgotten
      const missed = kept.filter((payload) => payload.seq > seq).map(({ text }) => text);
      return { kind: "resumed", session, missed };
    },
    refuse(id, account, isToStay) {
      if (isToStay) return { kind: "refused" };
      if (sessions.get(id)?.account === account) sessions.delete(id);
      return { kind: "unknown" };
    },
    drop(session) {
      sessions.delete(session.id);
    },
  };
}

/** Forgets payloads up to a number. */
export function forgetUpTo({ replay }: Session, seq: number): void {
  const first = replay.findIndex((payload) => payload.seq > seq);
  replay.splice(0, first < 0 ? replay.length : first);
}

/** Numbers a dispatch, keeps it for replay and sends it if somebody is connected. */
export function sendDispatch(session: Session, { t, d }: Dispatch, replayLimit: number): void {
  session.seq += 1;
  const text = JSON.stringify({ t, s: session.seq, op: 0, d });
  session.replay.push({ seq: session.seq, text });
  if (session.replay.length > 2 * replayLimit) { // seldom, for it moves them all
    session.replay.splice(0, session.replay.length - replayLimit);
  }
  session.connection?.send(text);
}
