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
import { asRemoteError, RemoteError } from "./remote_error.ts";

/** How long a lease lasts without renewal, in milliseconds. */
export const LEASE_MS = 10_000;

/** Oldest version of PostgreSQL to use. */
const OLDEST = 15;

/** Format of the tables. */
const FORMAT = 1;

/** Pages of one statement, which has twice their bytes as text. */
const PAGES_AT_ONCE = 1_000;

/** How long one statement may take, and how long the connection, in milliseconds. */
const ANSWER_MS = 20_000;
const CONNECT_SEC = 5;
/** How long the first statements may take: another program may listen there, and say nothing. */
const OPEN_MS = 8_000;

const SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS barnacle;
  CREATE TABLE IF NOT EXISTS barnacle.store (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    format integer NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    epoch bigint NOT NULL DEFAULT 0,
    owner text NOT NULL DEFAULT '',
    place text NOT NULL DEFAULT '',
    lease_ends timestamptz NOT NULL DEFAULT '-infinity',
    page_bytes integer NOT NULL,
    page_count integer NOT NULL DEFAULT 0,
    sequence bigint NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS barnacle.pages (
    number integer PRIMARY KEY,
    bytes bytea NOT NULL,
    sequence bigint NOT NULL
  );
  ALTER TABLE barnacle.pages ALTER COLUMN bytes SET STORAGE EXTERNAL;
  CREATE INDEX IF NOT EXISTS pages_sequence ON barnacle.pages (sequence, number);
  INSERT INTO barnacle.store (format, page_bytes) VALUES (${FORMAT}, ${PAGE_BYTES})
    ON CONFLICT DO NOTHING;
`;

/** Any constant: two processes do not create the tables at once. */
const LOCK = 7_162_032;

/** The row of the store in PostgreSQL. */
export interface RemoteState {
  /** Format of the tables. */
  readonly format: number;
  /** Random id of the store. */
  readonly id: string;
  /** Counts the owners. */
  readonly epoch: number;
  /** Id of the last owner's data directory; empty before the first one. */
  readonly owner: string;
  /** The last owner, for people. */
  readonly place: string;
  /** Whether the lease has ended. */
  readonly isFree: boolean;
  /** Number of pages; 0 before the first ones. */
  readonly pageCount: number;
  /** Counts the changes, over all owners. */
  readonly sequence: number;
}

const stateSchema: z.ZodType<RemoteState> = z.object({
  format: z.int(),
  id: z.string(),
  epoch: z.number(),
  owner: z.string(),
  place: z.string(),
  isFree: z.boolean(),
  pageCount: z.int(),
  sequence: z.number(),
});

/** A held lease, as each change names it. */
export interface Lease {
  /** Counts the owners. */
  readonly epoch: number;
  /** Counts the changes, over all owners. */
  readonly sequence: number;
}

/** Who takes the lease. */
export interface LeaseTaker {
  /** Random id of the data directory. */
  readonly owner: string;
  /** Machine and data directory, for people. */
  readonly place: string;
}

/** A stored page. */
export interface RemotePage {
  /** From 1 on. */
  readonly number: number;
  readonly bytes: Uint8Array;
  /** The change that stored it. */
  readonly sequence: number;
}

const pageSchema: z.ZodType<RemotePage> = z.object({
  number: z.int(),
  bytes: z.instanceof(Uint8Array),
  sequence: z.number(),
});

const hashSchema = z.object({ number: z.int(), hash: z.string() });

type Sql = postgres.Sql | postgres.TransactionSql;

/**
 * Creates the access to the tables. It connects with the first call, and again after each failure.
 *
 * It is long because it is a list of statements. Each method rejects with a {@link RemoteError}.
 */
export function createRemote(url: string) {
  let client: postgres.Sql | undefined;

  /** Runs work within a time limit; a connection that does not answer is given up. */
  async function within<T>(
    work: (sql: postgres.Sql) => Promise<T>,
    limitMs: number = ANSWER_MS,
  ): Promise<T> {
    const sql = client ??= connect(url);
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
      if (client === sql) client = undefined;
      void sql.end({ timeout: 0 }).catch(() => {});
      throw asRemoteError(error);
    } finally {
      clearTimeout(timer);
    }
  }

  const look = (sql: Sql): Promise<RemoteState | undefined> =>
    sql`
      SELECT format, id::text, epoch::float8 AS epoch, owner, place, page_count AS "pageCount",
             sequence::float8 AS sequence, lease_ends < clock_timestamp() AS "isFree"
      FROM barnacle.store
    `.then(([row]) => row && stateSchema.parse(row));

  return {
    /**
     * Creates the tables if there are none.
     *
     * @throws {RemoteError} Also if the server is too old, or the tables are of a newer Barnacle.
     */
    open: () =>
      within(async (sql) => {
        const [row] = await sql`SELECT current_setting('server_version_num')::int AS version`;
        const version = Math.floor(z.object({ version: z.int() }).parse(row).version / 10_000);
        if (version < OLDEST) {
          throw new RemoteError("unusable", `it is PostgreSQL ${version}; use ${OLDEST} or newer`);
        }
        await sql.begin(async (sql) => {
          await sql`SELECT pg_advisory_xact_lock(${LOCK})`;
          const [{ found } = { found: null }] = await sql`
            SELECT to_regclass('barnacle.store') AS found`;
          if (found === null) await sql.unsafe(SCHEMA);
        });
        const state = await look(sql);
        if (state?.format === FORMAT) return state;
        throw new RemoteError("unusable", "its tables are of another version of Barnacle");
      }, OPEN_MS),
    /** The current row. */
    look: () =>
      within(async (sql) => {
        const state = await look(sql);
        if (state) return state;
        throw new RemoteError("unusable", "its table barnacle.store is empty");
      }),
    /**
     * Takes the lease if it has ended, or if this data directory had it last.
     *
     * @param epoch The last known one.
     * @returns `undefined` if another process has it, or has taken it meanwhile.
     */
    take: ({ owner, place }: LeaseTaker, epoch: number): Promise<Lease | undefined> =>
      within(async (sql) => {
        const [row] = await sql`
          UPDATE barnacle.store
          SET epoch = epoch + 1, owner = ${owner}, place = ${place},
              lease_ends = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
          WHERE epoch = ${epoch} AND (lease_ends < clock_timestamp()
            OR owner = ${owner} AND place = ${place})
          RETURNING epoch::float8 AS epoch, sequence::float8 AS sequence`;
        return row && z.object({ epoch: z.number(), sequence: z.number() }).parse(row);
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
        if (pages.length <= PAGES_AT_ONCE) return await put(sql, lease, pages, pageCount);
        return await sql.begin(async (sql) => {
          let { sequence } = lease;
          for (let from = 0; from < pages.length; from += PAGES_AT_ONCE) {
            const part = pages.slice(from, from + PAGES_AT_ONCE);
            const next = await put(sql, { ...lease, sequence }, part, pageCount);
            if (next === undefined) return undefined; // the first statement: nothing is stored
            sequence = next;
          }
          return sequence;
        });
      }),
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
    /** The pages of these numbers. */
    pages: (numbers: readonly number[]): Promise<readonly RemotePage[]> =>
      within(async (sql) =>
        pageSchema.array().parse(
          await sql`
            SELECT number, bytes, sequence::float8 AS sequence FROM barnacle.pages
            WHERE number = ANY(string_to_array(${numbers.join()}, ',')::int[])`,
        )
      ),
    /** Closes the connections. */
    async close(): Promise<void> {
      await client?.end({ timeout: 1 }).catch(() => {});
      client = undefined;
    },
  };
}

/** The tables of the store in PostgreSQL. */
export type Remote = ReturnType<typeof createRemote>;

async function put(
  sql: Sql,
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
      DELETE FROM barnacle.pages USING fence WHERE number > ${pageCount}::int
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
function connect(text: string): postgres.Sql {
  const url = new URL(text);
  const host = url.searchParams.get("host") ?? decodeURIComponent(url.hostname);
  url.searchParams.delete("host");
  return postgres(url.href, {
    ...(host !== "" && { host }),
    max: 1,
    connect_timeout: CONNECT_SEC,
    keep_alive: 5,
    fetch_types: false,
    onnotice: () => {},
    connection: {
      application_name: "barnacle",
      synchronous_commit: "on",
      idle_in_transaction_session_timeout: LEASE_MS,
      statement_timeout: ANSWER_MS,
    },
  });
}
