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

/** Oldest version of PostgreSQL to use. */
export const OLDEST = 15;

const FORMAT = 8;

/** Any constant: two processes do not create the tables at once. */
const LOCK = 7_162_032;

const SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS barnacle;
  CREATE TABLE IF NOT EXISTS barnacle.store (
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
  CREATE TABLE IF NOT EXISTS barnacle.processes (
    place text PRIMARY KEY,
    version text NOT NULL,
    behind bigint,
    fit boolean NOT NULL,
    seen timestamptz NOT NULL
  );
`;

export type AnySql = Sql | TransactionSql;

/** The row of the store in PostgreSQL. Times are Unix times in milliseconds. */
export const stateSchema = z.object({
  id: z.string(),
  /** Counts the owners. */
  epoch: z.number(),
  /** Id of the last owner's data directory; empty before the first one. */
  owner: z.string(),
  /** The last owner, for people. */
  place: z.string(),
  /** Marks of the bots of the last owner, with a comma between them; empty before the first one. */
  bots: z.string(),
  isFree: z.boolean(),
  /** When the last owner took the lease. */
  ownedSince: z.number(),
  /** Number of owners after another one. */
  handOvers: z.number(),
  /** When the last of them came; `null` if there was none. */
  handedOverAt: z.number().nullable(),
  /** The owner before it; empty if there was none. */
  previous: z.string(),
  /** Whether that one had ended its lease by itself. */
  wasReleased: z.boolean(),
  /** Number of pages; 0 before the first ones. */
  pageCount: z.int(),
  /** Counts the changes, over all owners. */
  sequence: z.number(),
  clockMs: z.number(),
});

export type RemoteState = z.infer<typeof stateSchema>;

/** Reads the row of the store. @throws {RemoteError} If there is none. */
export async function readState(sql: AnySql): Promise<RemoteState> {
  const [row] = await sql`
    SELECT id::text, epoch::float8 AS epoch, owner, place, bots,
           page_count AS "pageCount",
           sequence::float8 AS sequence, lease_ends < clock_timestamp() AS "isFree",
           extract(epoch FROM owned_since)::float8 * 1000 AS "ownedSince",
           hand_overs::float8 AS "handOvers", previous, was_released AS "wasReleased",
           extract(epoch FROM handed_over)::float8 * 1000 AS "handedOverAt",
           extract(epoch FROM clock_timestamp())::float8 * 1000 AS "clockMs"
    FROM barnacle.store`;
  if (row) return stateSchema.parse(row);
  throw new RemoteError("unusable", "its table barnacle.store is empty");
}

/** The server's version, such as 15. */
async function readVersion(sql: AnySql): Promise<number> {
  const [row] = await sql`SELECT current_setting('server_version_num')::int AS version`;
  return Math.floor(z.object({ version: z.int() }).parse(row).version / 10_000);
}

/** Whether the server takes no changes: it follows another one, or its settings say so. */
async function readIsReplica(sql: AnySql): Promise<boolean> {
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
async function readFormat(sql: AnySql): Promise<number | undefined> {
  const [there] = await sql`SELECT to_regclass('barnacle.store')::text AS found`;
  if (!there?.["found"]) return undefined;
  const [row] = await sql`SELECT format FROM barnacle.store LIMIT 1`;
  return row && z.object({ format: z.int() }).parse(row).format;
}

/**
 * Creates the tables if there are none.
 *
 * @param oldest Oldest version of the server; a test takes one that does not exist yet.
 * @throws {RemoteError} If the server is too old, or the tables are of another Barnacle.
 */
export async function prepareTables(sql: Sql, oldest: number): Promise<void> {
  const version = await readVersion(sql);
  if (version < oldest) {
    throw new RemoteError("unusable", `it is PostgreSQL ${version}; use ${oldest} or newer`);
  }
  if (await readIsReplica(sql)) throw new RemoteError("replica", "it takes no changes");
  const format = await inTransaction(sql, async (sql) => {
    await sql`SELECT pg_advisory_xact_lock(${LOCK})`;
    const found = await readFormat(sql);
    if (found !== undefined) return found;
    await sql.unsafe(SCHEMA);
    await sql`INSERT INTO barnacle.store (format) VALUES (${FORMAT}::int)`;
    return FORMAT;
  });
  if (format !== FORMAT) {
    throw new RemoteError("unusable", "its tables are of another version of Barnacle");
  }
}

/**
 * Finds another database of this server that a process with one of these bots uses now.
 *
 * @param bots Marks, as the names of connections have them.
 */
export async function readTwin(
  sql: AnySql,
  bots: readonly string[],
): Promise<string | undefined> {
  const [row] = await sql`
    SELECT datname::text AS name FROM pg_stat_activity
    WHERE datname <> current_database() AND application_name LIKE 'barnacle %'
      AND string_to_array(substr(application_name, 10), ' ')
        && string_to_array(${bots.join()}, ',')
    LIMIT 1`;
  return row && z.object({ name: z.string() }).parse(row).name;
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
  /** The reports of the processes; absent as above. */
  readonly processes?: readonly SharingProcess[];
}

/** Looks at a server without a change. */
export async function inspectServer(sql: AnySql, oldest: number): Promise<InspectedServer> {
  const version = await readVersion(sql);
  const format = await readFormat(sql);
  const [row] = format === undefined
    ? await sql`SELECT has_database_privilege(current_database(), 'CREATE') AS may`
    : await sql`
      SELECT has_table_privilege('barnacle.store', 'UPDATE')
        AND has_table_privilege('barnacle.pages', 'INSERT, UPDATE, DELETE')
        AND has_table_privilege('barnacle.processes', 'INSERT, UPDATE, DELETE') AS may`;
  const isForeign = format !== undefined && format !== FORMAT;
  return {
    version,
    isTooOld: version < oldest,
    isReplica: await readIsReplica(sql),
    mayLose: await readMayLose(sql),
    mayWrite: row?.["may"] === true,
    isForeign,
    ...(format === FORMAT && { state: await readState(sql) }),
  };
}
