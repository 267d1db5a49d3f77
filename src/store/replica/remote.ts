/**
 * Keeps the pages of the store in PostgreSQL, with the lease of the process that may change them.
 *
 * Each change is one statement that names the lease's epoch and the last sequence. PostgreSQL does
 * nothing if either has moved on: a process that slept cannot write, and a statement that the network
 * delivers late cannot overwrite newer pages. All times of the lease are the database's.
 */

import { Buffer } from "node:buffer";
import postgres from "postgres";
import { z } from "zod";
import { PAGE_BYTES, type PageChange } from "./wal.ts";
import { dialerOf, inTransaction, serverOf } from "./dial.ts";
import { asRemoteError, RemoteError } from "./remote_error.ts";
import type { SharingProcess } from "../../core/shared_store.ts";
import { type OwnReport, readReports, writeReport } from "./report.ts";
import {
  type AnySql,
  type InspectedServer,
  inspectServer,
  OLDEST,
  prepareTables,
  readState,
  readTwin,
  type RemoteState,
} from "./tables.ts";

export { OLDEST, type RemoteState };

/** How long a lease lasts without renewal, in milliseconds. */
export const LEASE_MS = 10_000;

/** Pages of one statement, which has twice their bytes as text; fewer changed ones are the last. */
export const PAGES_AT_ONCE = 1_000;

/** Bots in the name of a connection, which has 63 bytes at most. */
const NAMED_BOTS = 4;

/** How long one statement may take in milliseconds, and how long the connection in seconds. */
const ANSWER_MS = 20_000;
const CONNECT_SEC = 5;
/** How long a person waits for the first answer of a server that may be down. */
const FIRST_MS = 900;
/** How long the first statements may take: another program may listen there, and say nothing. */
const OPEN_MS = 8_000;

/**
 * Codes (SQLSTATE) of a failure that a new connection does not mend: data, constraints and conflicts of
 * transactions. After all others it may, such as that of a server which became a replica.
 */
const DATA_FAULT = /^(?:22|23|40)/;

/** A held lease, as each change names it. */
export interface Lease {
  /** Counts the owners. */
  readonly epoch: number;
  /** Counts the changes, over all owners. */
  readonly sequence: number;
}

export interface TakenLease extends Lease {
  /** Number of pages of the store; 0 if there is none yet. */
  readonly pageCount: number;
  /** When it was taken, by the database's clock, as Unix time in milliseconds. */
  readonly since: number;
}

export interface LeaseTaker {
  /** Random id of the data directory. */
  readonly owner: string;
  /** Machine and data directory, for people. */
  readonly place: string;
  /** Marks of its bots: a store belongs to one bot, or to several that run together. */
  readonly bots: readonly string[];
  /** The epoch of its last lease: the server may be older, and no epoch comes twice. */
  readonly lastEpoch?: number;
}

export const pageSchema = z.object({
  number: z.int(), // from 1 on
  bytes: z.instanceof(Uint8Array),
  sequence: z.number(), // the change that stored it
});

export type RemotePage = z.infer<typeof pageSchema>;

const takenSchema: z.ZodType<TakenLease> = z.object({
  epoch: z.number(),
  sequence: z.number(),
  pageCount: z.int(),
  since: z.number(),
});

const hashSchema = z.object({ number: z.int(), hash: z.string() });

/**
 * Creates the access to the tables. It connects with the first call, and again after each failure.
 *
 * It is long because it is a list of statements. Each method rejects with a {@link RemoteError}.
 */
export function createRemote(
  url: string,
  { bots = [], oldest = OLDEST }: {
    /** Marks of the bots, by which other processes of the server find this one; none by default. */
    readonly bots?: readonly string[];
    /** Oldest version of the server. */
    readonly oldest?: number;
  } = {},
) {
  let client: postgres.Sql | undefined;

  /** Runs work within a time limit; a connection that does not answer is given up. */
  async function within<T>(
    work: (sql: postgres.Sql) => Promise<T>,
    limitMs: number = ANSWER_MS,
  ): Promise<T> {
    const sql = client ??= connect(url, bots);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new RemoteError("unreachable", `no answer within ${limitMs / 1_000} s`)),
        limitMs,
      );
    });
    const working = work(sql);
    working.catch(() => {}); // after the limit, its failure changes nothing
    try {
      return await Promise.race([working, late]);
    } catch (error) {
      // The data of one statement are at fault; others wait behind it.
      if (error instanceof postgres.PostgresError && DATA_FAULT.test(error.code)) {
        throw asRemoteError(error);
      }
      if (client === sql) client = undefined;
      void sql.end({ timeout: 0 }).catch(() => {});
      throw asRemoteError(error);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    /**
     * Creates the tables if there are none.
     *
     * @throws {RemoteError} Also if the server is too old, or the tables are of another Barnacle.
     */
    open: (): Promise<RemoteState> =>
      within(async (sql) => {
        await prepareTables(sql, oldest);
        return await readState(sql);
      }, OPEN_MS),
    look: (): Promise<RemoteState> => within(readState),
    use: <T>(work: (sql: postgres.Sql) => Promise<T>): Promise<T> => within(work),
    /** Another database of the server that one of these bots uses now; `undefined` if none is. */
    twin: (): Promise<string | undefined> => within((sql) => readTwin(sql, bots)),
    /**
     * Takes the lease if it has ended, or if this data directory had it last.
     *
     * @param epoch The last known one.
     * @returns `undefined` if another process has it, or has taken it meanwhile.
     */
    take: (
      { owner, place, bots, lastEpoch = 0 }: LeaseTaker,
      epoch: number,
    ): Promise<TakenLease | undefined> =>
      within(async (sql) => {
        const [row] = await sql`
          UPDATE barnacle.store
          SET epoch = greatest(epoch, ${lastEpoch}) + 1, owner = ${owner}, place = ${place}, bots = ${bots.join()},
              owned_since = clock_timestamp(),
              hand_overs = CASE WHEN place IN ('', ${place}) THEN hand_overs
                ELSE hand_overs + 1 END,
              handed_over = CASE WHEN place IN ('', ${place}) THEN handed_over
                ELSE clock_timestamp() END,
              previous = CASE WHEN place IN ('', ${place}) THEN previous ELSE place END,
              was_released = CASE WHEN place IN ('', ${place}) THEN was_released
                ELSE lease_ends = '-infinity' END,
              lease_ends = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
          WHERE epoch = ${epoch} AND (lease_ends < clock_timestamp()
            OR owner = ${owner} AND place = ${place})
          RETURNING epoch::float8 AS epoch, sequence::float8 AS sequence,
                    page_count AS "pageCount",
                    extract(epoch FROM owned_since)::float8 * 1000 AS since`;
        return row && takenSchema.parse(row);
      }),
    /**
     * Stores pages, all or none, and renews the lease.
     *
     * @param change Absent: the lease is only renewed.
     * @returns The new sequence; `undefined` if epoch or sequence have moved on.
     */
    push: (lease: Lease, change?: PageChange): Promise<number | undefined> =>
      within(async (sql) => {
        const pages = [...change?.pages ?? []];
        const pageCount = change?.pageCount ?? null;
        if (pages.length <= PAGES_AT_ONCE) {
          return await put(sql, lease, pages, pageCount);
        }
        return await inTransaction(sql, async (sql) => {
          let { sequence } = lease;
          for (let from = 0; from < pages.length; from += PAGES_AT_ONCE) {
            const part = pages.slice(from, from + PAGES_AT_ONCE);
            const next = await put(sql, { ...lease, sequence }, part, pageCount);
            if (next === undefined) return undefined; // the first statement: nothing is stored
            sequence = next;
          }
          return sequence;
        });
      }, ANSWER_MS * Math.max(1, Math.ceil((change?.pages.size ?? 0) / PAGES_AT_ONCE))),
    /** Stores a report of this process, and reads those of all. */
    report: (
      self: OwnReport,
    ): Promise<{ readonly state: RemoteState; readonly processes: readonly SharingProcess[] }> =>
      within(async (sql) => {
        await writeReport(sql, self);
        return { state: await readState(sql), processes: await readReports(sql) };
      }),
    /** Reads everything about the server that an operator needs; changes nothing. */
    async inspect(): Promise<InspectedServer> {
      await within((sql) => sql`SELECT 1`, FIRST_MS);
      return await within(async (sql) => {
        const server = await inspectServer(sql, oldest);
        return server.state ? { ...server, processes: await readReports(sql) } : server;
      }, OPEN_MS);
    },
    /** Ends the lease, so that another process may take it at once. */
    release: ({ epoch }: Pick<Lease, "epoch">): Promise<void> =>
      within(async (sql) => {
        await sql`UPDATE barnacle.store SET lease_ends = '-infinity' WHERE epoch = ${epoch}`;
      }),
    /** Hashes (SHA-256, hexadecimal) of the next pages, in order; empty after the last one. */
    hashes: (after: number): Promise<readonly Readonly<z.infer<typeof hashSchema>>[]> =>
      within(async (sql) =>
        hashSchema.array().parse(
          await sql`
            SELECT number, encode(sha256(bytes), 'hex') AS hash FROM barnacle.pages
            WHERE number > ${after} ORDER BY number LIMIT ${10 * PAGES_AT_ONCE}`,
        )
      ),
    /** The pages that have changed since, oldest change first, up to a bounded number. */
    changedSince: (
      { sequence, number }: Pick<RemotePage, "sequence" | "number">,
    ): Promise<readonly RemotePage[]> =>
      within(async (sql) =>
        pageSchema.array().parse(
          await sql`
            SELECT number, bytes, sequence::float8 AS sequence FROM barnacle.pages
            WHERE (sequence, number) > (${sequence}, ${number})
            ORDER BY sequence, number LIMIT ${PAGES_AT_ONCE}`,
        )
      ),
    pages: (numbers: readonly number[]): Promise<readonly RemotePage[]> =>
      within(async (sql) =>
        pageSchema.array().parse(
          await sql`
            SELECT number, bytes, sequence::float8 AS sequence FROM barnacle.pages
            WHERE number = ANY(string_to_array(${numbers.join()}, ',')::int[])`,
        )
      ),
    async close(): Promise<void> {
      await client?.end({ timeout: 1 }).catch(() => {});
      client = undefined;
    },
  };
}

export type Remote = ReturnType<typeof createRemote>;

async function put(
  sql: AnySql,
  { epoch, sequence }: Lease,
  pages: readonly (readonly [number, Uint8Array])[],
  pageCount: number | null,
): Promise<number | undefined> {
  const numbers = pages.map(([number]) => number).join(); // an array would need its type first
  const bytes = Buffer.concat(pages.map(([, bytes]) => bytes));
  const [row] = await sql`
    WITH fence AS (
      UPDATE barnacle.store
      SET sequence = sequence + 1, page_count = coalesce(${pageCount}::int, page_count),
          lease_ends = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
      WHERE epoch = ${epoch} AND sequence = ${sequence}
      RETURNING sequence
    ), cut AS (
      DELETE FROM barnacle.pages USING fence
      WHERE number > ${pageCount}::int
    ), put AS (
      INSERT INTO barnacle.pages (number, bytes, sequence)
      SELECT page, substring(${bytes}::bytea FROM ((place - 1) * ${PAGE_BYTES} + 1)::int
        FOR ${PAGE_BYTES}), fence.sequence
      FROM fence, unnest(string_to_array(${numbers}, ',')::int[]) WITH ORDINALITY AS part (page, place)
      ON CONFLICT (number) DO UPDATE SET bytes = excluded.bytes, sequence = excluded.sequence
    )
    SELECT sequence::float8 AS sequence FROM fence`;
  return row && z.object({ sequence: z.number() }).parse(row).sequence;
}

/**
 * Prepares a connection; the first statement opens it. A server that does not answer must not hold
 * the lease's row for long, so it ends the transactions of a process that sleeps.
 */
function connect(text: string, bots: readonly string[]): postgres.Sql {
  const url = new URL(text);
  const { username, password, pathname } = url;
  const options = { // their type lacks the socket
    socket: dialerOf(url, CONNECT_SEC * 1_000),
    ...serverOf(url),
    ssl: false, // the socket has it already
    ...(username !== "" && { user: decodeURIComponent(username) }),
    ...(password !== "" && { password: decodeURIComponent(password) }),
    database: decodeURIComponent(pathname.slice(1)),
    max: 1,
    connect_timeout: CONNECT_SEC,
    keep_alive: 5,
    fetch_types: false,
    onnotice() {},
    connection: {
      application_name: ["barnacle", ...bots.slice(0, NAMED_BOTS)].join(" "),
      synchronous_commit: "on",
      idle_in_transaction_session_timeout: LEASE_MS,
      statement_timeout: ANSWER_MS,
    },
  };
  return postgres(options);
}
