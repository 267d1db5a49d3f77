/**
 * The tables in PostgreSQL, and the checks of a server that a start makes before it uses them.
 *
 * All times are the database's: the clocks of two machines never agree.
 */

import { z } from "zod";
import type { Sql, TransactionSql } from "postgres";
import type { SharingProcess } from "../../core/shared_store.ts";
import { inTransaction } from "./dial.ts";
import { RemoteError } from "./remote_error.ts";
import { PAGE_BYTES } from "./wal.ts";

/** Oldest version of PostgreSQL to use. */
export const OLDEST = 15;

/** Format of the tables. */
export const FORMAT = 6;

/**
 * Number of the row that is there while a store with several partitions is moved into the tables. If the
 * move is interrupted, some partitions lack pages, and a start would make them anew.
 */
const MOVING = -1;

/** Number of the row that is there once the store is being brought back into a file, and afterwards. */
export const RETURNED: number = -2;

/** Any constant: two processes do not create the tables at once. */
const LOCK = 7_162_032;

const SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS barnacle;
  CREATE TABLE IF NOT EXISTS barnacle.store (
    partition integer PRIMARY KEY,
    format integer NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    epoch bigint NOT NULL DEFAULT 0,
    owner text NOT NULL DEFAULT '',
    place text NOT NULL DEFAULT '',
    bots text NOT NULL DEFAULT '',
    lease_ends timestamptz NOT NULL DEFAULT '-infinity',
    owned_since timestamptz NOT NULL DEFAULT clock_timestamp(),
    hand_overs bigint NOT NULL DEFAULT 0,
    handed_over timestamptz,
    previous text NOT NULL DEFAULT '',
    was_released boolean NOT NULL DEFAULT false,
    page_bytes integer NOT NULL,
    page_count integer NOT NULL DEFAULT 0,
    sequence bigint NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS barnacle.pages (
    partition integer NOT NULL,
    number integer NOT NULL,
    bytes bytea NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (partition, number)
  );
  ALTER TABLE barnacle.pages ALTER COLUMN bytes SET STORAGE EXTERNAL;
  CREATE INDEX IF NOT EXISTS pages_sequence ON barnacle.pages (partition, sequence, number);
  CREATE TABLE IF NOT EXISTS barnacle.processes (
    partition integer NOT NULL,
    place text NOT NULL,
    version text NOT NULL,
    behind bigint,
    seen timestamptz NOT NULL,
    PRIMARY KEY (partition, place)
  );
  CREATE TABLE IF NOT EXISTS barnacle.members (
    place text PRIMARY KEY,
    copied text NOT NULL,
    seen timestamptz NOT NULL,
    leaves_by timestamptz
  );
  CREATE TABLE IF NOT EXISTS barnacle.identifies (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    account text NOT NULL,
    shard integer NOT NULL,
    at timestamptz NOT NULL
  );
  CREATE TABLE IF NOT EXISTS barnacle.changes (
    sequence bigint PRIMARY KEY,
    id text NOT NULL UNIQUE,
    name text NOT NULL,
    key text NOT NULL,
    value text,
    at timestamptz NOT NULL
  );
  CREATE TABLE IF NOT EXISTS barnacle.arrivals (
    sequence bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    message_id text NOT NULL UNIQUE,
    account text NOT NULL,
    hook text NOT NULL,
    sender text,
    channel text NOT NULL,
    partition integer,
    event text,
    at timestamptz NOT NULL,
    UNIQUE (hook, sender)
  );
  CREATE INDEX IF NOT EXISTS arrivals_waiting ON barnacle.arrivals (hook) WHERE event IS NOT NULL;
  CREATE INDEX IF NOT EXISTS arrivals_by_time ON barnacle.arrivals (at);
  CREATE INDEX IF NOT EXISTS changes_of_row ON barnacle.changes USING hash (key);
  CREATE TABLE IF NOT EXISTS barnacle.positions (
    partition integer PRIMARY KEY,
    applied bigint NOT NULL
  );
  CREATE UNLOGGED TABLE IF NOT EXISTS barnacle.asks (
    id text PRIMARY KEY,
    partition integer NOT NULL,
    place text NOT NULL,
    question text NOT NULL,
    taken bigint
  );
  CREATE UNLOGGED TABLE IF NOT EXISTS barnacle.invalid_requests (
    partition integer NOT NULL,
    minute bigint NOT NULL,
    count integer NOT NULL,
    PRIMARY KEY (partition, minute)
  );
  CREATE UNLOGGED TABLE IF NOT EXISTS barnacle.answers (
    ask text NOT NULL REFERENCES barnacle.asks ON DELETE CASCADE,
    number integer NOT NULL,
    kind text NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (ask, number)
  );
`;

/** Direction of a move: there, or back into a file. */
export type MoveWay = "there" | "back";

/** A connection, or a transaction of it. */
export type AnySql = Sql | TransactionSql;

/** The row of a partition of the store in PostgreSQL. Times are Unix times in milliseconds. */
export interface RemoteState {
  /** Number of the partition, from 0. */
  readonly partition: number;
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
  /** Marks of the bots of the last owner, with a comma between them; empty before the first one. */
  readonly bots: string;
  /** Whether the lease has ended. */
  readonly isFree: boolean;
  /** When the last owner took the lease. */
  readonly ownedSince: number;
  /** Number of owners after another one. */
  readonly handOvers: number;
  /** When the last of them came; `null` if there was none. */
  readonly handedOverAt: number | null;
  /** The owner before it; empty if there was none. */
  readonly previous: string;
  /** Whether that one had ended its lease by itself. */
  readonly wasReleased: boolean;
  /** Number of pages; 0 before the first ones. */
  readonly pageCount: number;
  /** Counts the changes, over all owners. */
  readonly sequence: number;
  /** The database's clock. */
  readonly clockMs: number;
}

const stateSchema: z.ZodType<RemoteState> = z.object({
  partition: z.int(),
  format: z.int(),
  id: z.string(),
  epoch: z.number(),
  owner: z.string(),
  place: z.string(),
  bots: z.string(),
  isFree: z.boolean(),
  ownedSince: z.number(),
  handOvers: z.number(),
  handedOverAt: z.number().nullable(),
  previous: z.string(),
  wasReleased: z.boolean(),
  pageCount: z.int(),
  sequence: z.number(),
  clockMs: z.number(),
});

/**
 * Reads the row of each partition, in their order.
 *
 * @throws {RemoteError} If the table has none.
 */
export async function readStates(sql: AnySql): Promise<readonly RemoteState[]> {
  const rows = await sql`
    SELECT partition, format, id::text, epoch::float8 AS epoch, owner, place, bots,
           page_count AS "pageCount",
           sequence::float8 AS sequence, lease_ends < clock_timestamp() AS "isFree",
           extract(epoch FROM owned_since)::float8 * 1000 AS "ownedSince",
           hand_overs::float8 AS "handOvers", previous, was_released AS "wasReleased",
           extract(epoch FROM handed_over)::float8 * 1000 AS "handedOverAt",
           extract(epoch FROM clock_timestamp())::float8 * 1000 AS "clockMs"
    FROM barnacle.store WHERE partition >= 0 ORDER BY partition`;
  if (rows.length > 0) return stateSchema.array().parse(rows);
  throw new RemoteError("unusable", "its table barnacle.store is empty");
}

/** Reads the row of a partition. @throws {RemoteError} If there is none. */
export async function readState(sql: AnySql, partition: number): Promise<RemoteState> {
  const state = (await readStates(sql)).find((one) => one.partition === partition);
  if (state) return state;
  throw new RemoteError("unusable", `its table barnacle.store has no partition ${partition}`);
}

/** The server's version, such as 15. */
export async function readVersion(sql: AnySql): Promise<number> {
  const [row] = await sql`SELECT current_setting('server_version_num')::int AS version`;
  return Math.floor(z.object({ version: z.int() }).parse(row).version / 10_000);
}

/** Whether the server takes no changes: it follows another one, or its settings say so. */
export async function readIsReplica(sql: AnySql): Promise<boolean> {
  const [row] = await sql`
    SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS found`;
  return row?.["found"] === true;
}

/** Whether a failover may lose confirmed commits: the server has replicas, and commits wait for none. */
export async function readMayLose(sql: AnySql): Promise<boolean> {
  const [row] = await sql`
    SELECT current_setting('synchronous_standby_names') = ''
      AND EXISTS (SELECT FROM pg_stat_replication) AS found`;
  return row?.["found"] === true;
}

/**
 * Reads the format of the tables.
 *
 * @returns `undefined` if there are none.
 */
export async function readFormat(sql: AnySql): Promise<number | undefined> {
  const [there] = await sql`SELECT to_regclass('barnacle.store')::text AS found`;
  if (!there?.["found"]) return undefined;
  const [row] = await sql`SELECT format FROM barnacle.store LIMIT 1`;
  return row && z.object({ format: z.int() }).parse(row).format;
}

/**
 * Creates the tables if there are none.
 *
 * @param oldest Oldest version of the server; a test takes one that does not exist yet.
 * @param partitions Number of partitions of the store.
 * @param move Where a store is moved to by this process; absent: none is.
 * @throws {RemoteError} If the server is too old, or the tables are of another Barnacle or have a
 * store of another number of partitions.
 */
export async function prepareTables(
  sql: Sql,
  oldest: number,
  { partitions, move }: { readonly partitions: number; readonly move: MoveWay | undefined },
): Promise<void> {
  const version = await readVersion(sql);
  if (version < oldest) {
    throw new RemoteError("unusable", `it is PostgreSQL ${version}; use ${oldest} or newer`);
  }
  if (await readIsReplica(sql)) throw new RemoteError("replica", "it takes no changes");
  const format = await inTransaction(sql, async (sql) => {
    await sql`SELECT pg_advisory_xact_lock(${LOCK})`;
    const found = await readFormat(sql);
    if (found === undefined) await sql.unsafe(SCHEMA);
    if ((found ?? FORMAT) === FORMAT) await divide(sql, partitions, move);
    return found ?? FORMAT;
  });
  if (format !== FORMAT) {
    throw new RemoteError("unusable", "its tables are of another version of Barnacle");
  }
}

/** Creates the row of each partition, unless the tables have a store of another number of them. */
async function divide(sql: AnySql, partitions: number, move: MoveWay | undefined): Promise<void> {
  const [row] = await sql`
    SELECT count(*) FILTER (WHERE partition >= 0)::int AS count,
           coalesce(bool_or(page_count > 0 OR lease_ends >= clock_timestamp()), false) AS "isUsed",
           coalesce(bool_or(partition = ${MOVING}), false) AS "isMoving",
           coalesce(bool_or(partition = ${RETURNED}), false) AS "isReturned"
    FROM barnacle.store`;
  const { count, isUsed, isMoving, isReturned } = dividedSchema.parse(row);
  if (isReturned && move !== "back") {
    throw new RemoteError("returned", "barnacle store move has brought its store back into a file");
  }
  if (isMoving && move !== "there") {
    throw new RemoteError("moving", "barnacle store move has begun to bring a store there");
  }
  if (count !== partitions && isUsed) {
    throw new RemoteError(
      "divided",
      `its store has store.partitions: ${count}, and this process ${partitions}`,
    );
  }
  if (count !== partitions) {
    await sql`DELETE FROM barnacle.store`;
    await sql`DELETE FROM barnacle.positions`;
    await sql`
      INSERT INTO barnacle.store (partition, format, page_bytes)
      SELECT partition, ${FORMAT}::int, ${PAGE_BYTES}::int
      FROM generate_series(0, ${partitions}::int - 1) AS partition`;
  }
  if (move !== "there" || isUsed) return; // a store that is there stays usable if it is another one
  await sql`
    INSERT INTO barnacle.store (partition, format, page_bytes)
    VALUES (${MOVING}, ${FORMAT}, ${PAGE_BYTES}) ON CONFLICT (partition) DO NOTHING`;
}

const dividedSchema = z.object({
  count: z.int(),
  isUsed: z.boolean(),
  isMoving: z.boolean(),
  isReturned: z.boolean(),
});

/** The store that was moved into the tables is whole. */
export async function finishMove(sql: AnySql): Promise<void> {
  await sql`DELETE FROM barnacle.store WHERE partition = ${MOVING}`;
}

/** From now on, no other process uses the store or takes a lease: it is brought back into a file. */
export async function markReturned(sql: AnySql): Promise<void> {
  await sql`
    INSERT INTO barnacle.store (partition, format, page_bytes)
    VALUES (${RETURNED}, ${FORMAT}, ${PAGE_BYTES}) ON CONFLICT (partition) DO NOTHING`;
}

/** Ends the way back: the mark stays for good, or it goes, unless an earlier call did it. */
export async function endReturned(sql: AnySql, isDone: boolean): Promise<void> {
  if (isDone) await sql`UPDATE barnacle.store SET epoch = 1 WHERE partition = ${RETURNED}`;
  else await sql`DELETE FROM barnacle.store WHERE partition = ${RETURNED} AND epoch = 0`;
}

/** The server, as a command sees it. */
export interface InspectedServer {
  /** Such as 15. */
  readonly version: number;
  readonly isTooOld: boolean;
  /** Whether it takes no changes. */
  readonly isReplica: boolean;
  /** Whether a failover to a replica may lose confirmed commits. */
  readonly mayLose: boolean;
  /** Whether the user may create the tables, or use those that there are. */
  readonly mayWrite: boolean;
  /** Whether the tables are of another version of Barnacle. */
  readonly isForeign: boolean;
  /** The row of the store; absent if there are no tables yet. */
  readonly state?: RemoteState;
  /** The rows of all partitions; absent as above. */
  readonly states?: readonly RemoteState[];
  /** The reports of the processes; absent as above. */
  readonly processes?: readonly SharingProcess[];
}

/** Looks at a server without a change. */
export async function inspectServer(
  sql: AnySql,
  oldest: number,
  partition: number,
): Promise<InspectedServer> {
  const version = await readVersion(sql);
  const format = await readFormat(sql);
  const [row] = format === undefined
    ? await sql`SELECT has_database_privilege(current_database(), 'CREATE') AS may`
    : await sql`
      SELECT has_table_privilege('barnacle.store', 'UPDATE')
        AND has_table_privilege('barnacle.pages', 'INSERT, UPDATE, DELETE')
        AND has_table_privilege('barnacle.processes', 'INSERT, UPDATE, DELETE')
        AND has_table_privilege('barnacle.members', 'INSERT, UPDATE, DELETE')
        AND has_table_privilege('barnacle.identifies', 'INSERT, DELETE')
        AND has_table_privilege('barnacle.arrivals', 'INSERT, UPDATE, DELETE')
        AND has_table_privilege('barnacle.asks', 'INSERT, UPDATE, DELETE')
        AND has_table_privilege('barnacle.answers', 'INSERT, DELETE')
        AND has_table_privilege('barnacle.invalid_requests', 'INSERT, UPDATE, DELETE')
        AND has_table_privilege('barnacle.changes', 'INSERT, UPDATE, DELETE')
        AND has_table_privilege('barnacle.positions', 'INSERT, UPDATE, DELETE') AS may`;
  const isForeign = format !== undefined && format !== FORMAT;
  return {
    version,
    isTooOld: version < oldest,
    isReplica: await readIsReplica(sql),
    mayLose: await readMayLose(sql),
    mayWrite: row?.["may"] === true,
    isForeign,
    ...(format === FORMAT && {
      state: await readState(sql, partition),
      states: await readStates(sql),
    }),
  };
}
