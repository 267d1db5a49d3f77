/**
 * Hears at once that rows of PostgreSQL have changed, by LISTEN and NOTIFY (O16).
 *
 * Rows decide; a notice only wakes. A lost connection costs the time until the next look, and is found
 * by notices of this process to itself: not every lost connection ends.
 */

import type { Sql } from "postgres";
import type { StartTimer } from "../../lib/clock.ts";
import type { AnySql } from "./tables.ts";

/** The channel of all notices. */
export const CHANNEL = "barnacle";

/** A request waits for the owner of a partition. */
export const ASK_NOTICE = "ask";
/** With the request's id behind it: there is a part of its answer. */
export const ANSWER_NOTICE = "answer ";
/** With the request's id behind it: nothing waits for its answer. */
export const GONE_NOTICE = "gone ";

/** Milliseconds between two notices of a process to itself. */
const CHECK_MS = 10_000;

/** Wakes all processes, once the transaction is committed. */
export async function notify(sql: AnySql): Promise<void> {
  await sql`SELECT pg_notify(${CHANNEL}, '')`;
}

/** Everything that listening needs. */
export interface ListeningOptions {
  /** Makes a client; its first statement connects. */
  readonly connect: () => Sql;
  /** Sends this process a notice, over another connection. */
  readonly send: (work: (sql: AnySql) => Promise<void>) => Promise<void>;
  /** Names this process. */
  readonly place: string;
  /** Rows may have changed. */
  readonly onNotice: () => void;
  /** Gets notices about requests between processes. */
  readonly onAskNotice?: (text: string) => void;
  readonly schedule: StartTimer;
}

/** A process that listens. */
export interface NoticeListener {
  /** Listens no more. */
  close(): Promise<void>;
}

/** Begins to listen; without a connection, it tries again. */
export function listenForNotices(
  { connect, send, place, onNotice, onAskNotice, schedule }: ListeningOptions,
): NoticeListener {
  let client: Sql | undefined;
  let isHeard = false;
  let isClosed = false;
  let cancel: (() => void) | undefined;
  let checking = Promise.resolve();

  async function drop(): Promise<void> {
    const dropped = client;
    client = undefined;
    await dropped?.end({ timeout: 0 }).catch(() => {});
  }

  async function check(): Promise<void> {
    if (client && !isHeard) await drop();
    if (!client) {
      client = connect();
      await client.listen(CHANNEL, (heard) => {
        if (heard === "") onNotice();
        else if (heard === place) isHeard = true;
        else onAskNotice?.(heard); // or another process's notice to itself
      }, onNotice); // rows may have changed while nothing listened
    }
    isHeard = false;
    await send(async (sql) => void await sql`SELECT pg_notify(${CHANNEL}, ${place})`);
  }

  function run(): void {
    checking = check().catch(drop).then(() => {
      if (!isClosed) cancel = schedule(run, CHECK_MS);
    });
  }

  run();
  return {
    async close() {
      isClosed = true;
      cancel?.();
      await drop();
      await checking;
      await drop();
    },
  };
}
