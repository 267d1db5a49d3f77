/**
 * Gateway sessions, which outlive their connections.
 *
 * A session keeps its sent payloads, bounded, so that RESUME can replay them. Without a connection
 * it gathers new ones until it times out.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#resuming}
 */

import type { ApplicationId } from "../../src/core/discord/ids.ts";
import type { Account } from "./accounts.ts";
import type { Dispatch, Viewer } from "./dispatches.ts";

/** One session; its payloads are numbered from 1. */
export interface Session {
  readonly id: string;
  readonly account: Account;
  readonly viewer: Viewer;
  /** Ids of the channels that it saw without a name. */
  readonly hidden: Set<unknown>;
  /** Number of the last payload. */
  seq: number;
  /** The last payloads, oldest first. */
  readonly replay: { readonly seq: number; readonly text: string }[];
  /** Sends to the session's connection; `undefined` if there is none. */
  connection: { send(text: string): void; close(code: number, reason: string): void } | undefined;
  /** Unix time in milliseconds at which its connection ended. */
  detachedAt: number | undefined;
}

/** The current state of a session, for tests. */
export interface SessionState extends Pick<Session, "id" | "seq"> {
  readonly applicationId: ApplicationId;
  readonly isConnected: boolean;
}

/** Payloads that a session keeps for replay. */
const MAX_REPLAY = 10_000;

export interface SessionLimits {
  /** Milliseconds for which a session lives without a connection. */
  readonly timeoutMs: number;
  /** Called once a session can no longer be resumed. */
  readonly ended: (id: string) => void;
}

export type Resumed =
  | { readonly kind: "resumed"; readonly session: Session; readonly missed: readonly string[] }
  | { readonly kind: "unknown" }
  | { readonly kind: "seq_from_the_future" };

export interface Sessions {
  open(account: Account, viewer: Viewer): Session;
  /** Living sessions, with a connection or without. */
  alive(now: number): readonly Session[];
  /**
   * @param mayHaveHole Whether to resume a session that has forgotten some missed payloads, too.
   */
  resume(id: string, account: Account, seq: number, now: number, mayHaveHole?: boolean): Resumed;
  drop(session: Session): void;
}

export function createSessions(
  { timeoutMs, ended }: SessionLimits,
  random: () => number,
): Sessions {
  const sessions = new Map<string, Session>();

  const isDead = ({ detachedAt }: Session, now: number) =>
    detachedAt !== undefined && now - detachedAt > timeoutMs;

  const end = (id: string) => {
    if (sessions.delete(id)) ended(id);
  };

  return {
    open(account, viewer) {
      const id = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join("");
      const session: Session = {
        id,
        account,
        viewer,
        hidden: new Set(),
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
        if (isDead(session, now)) end(session.id);
      }
      return [...sessions.values()];
    },
    resume(id, account, seq, now, mayHaveHole = false) {
      const session = sessions.get(id);
      if (!session || session.account !== account || isDead(session, now)) {
        return { kind: "unknown" };
      }
      if (seq > session.seq) return { kind: "seq_from_the_future" };
      const kept = session.replay.slice(-MAX_REPLAY);
      const oldest = kept[0]?.seq ?? session.seq + 1;
      if (seq + 1 < oldest && !mayHaveHole) return { kind: "unknown" }; // payloads are missing
      const missed = kept.filter((payload) => payload.seq > seq).map(({ text }) => text);
      return { kind: "resumed", session, missed };
    },
    drop(session) {
      end(session.id);
    },
  };
}

export function forgetUpTo({ replay }: Session, seq: number): void {
  const first = replay.findIndex((payload) => payload.seq > seq);
  replay.splice(0, first < 0 ? replay.length : first);
}

/** Numbers a dispatch, keeps it for replay, and sends it if the session has a connection. */
export function sendDispatch(session: Session, { t, d }: Dispatch): void {
  session.seq += 1;
  const text = JSON.stringify({ t, s: session.seq, op: 0, d });
  session.replay.push({ seq: session.seq, text });
  if (session.replay.length > 2 * MAX_REPLAY) { // seldom, because it moves all of them
    session.replay.splice(0, session.replay.length - MAX_REPLAY);
  }
  session.connection?.send(text);
}
