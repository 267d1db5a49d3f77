/**
 * PostgreSQL on the bench's core, with the counters of a store that is kept there.
 *
 * Its commits survive a power cut, as the bot's do. A database serves one run.
 */

import postgres from "postgres";
import { z } from "zod";
import { startPostgres } from "../../tests/support/store/postgres.ts";
import { cpuMsOf } from "./proc.ts";
import type { Readings } from "./stats.ts";

const countsSchema = z.object({
  pids: z.string(),
  trips: z.number(),
  commits: z.number(),
  logBytes: z.number(),
});

const ownersSchema = z.array(z.object({
  place: z.string(),
  ownedForMs: z.number(),
  endsInMs: z.number(),
}));

export interface Owned extends Readonly<z.infer<typeof ownersSchema.element>> {
  /** When the statement was answered, by `performance.now()`. */
  readonly at: number;
}

/** A database of a running server. */
export interface BenchDatabase {
  /** For `store.url`. */
  readonly url: string;
  /**
   * Counters that grow: CPU time of the server for this database and in the background, statements
   * outside of transactions and transactions, changes of the pages, and bytes of the server's log.
   */
  counts(): Promise<Readings>;
  /** The process that owns or owned the store; none before the tables exist. */
  owners(): Promise<readonly Owned[]>;
  /** Number of processes with a whole copy that lacks fewer changes than this. */
  copies(behind: number): Promise<number>;
}

/** Runs a bench with a server of its own; `create` makes an empty database. */
export async function withDatabases<T>(
  work: (create: () => BenchDatabase) => Promise<T>,
): Promise<T> {
  const server = await startPostgres({ isDurable: true, parent: "/var/tmp" }); // /tmp may be no disk
  const open: postgres.Sql[] = [];
  try {
    return await work(() => {
      const url = server.create();
      const sql = postgres(url, { max: 1, onnotice: () => {} });
      open.push(sql);
      return databaseOf(url, sql);
    });
  } finally {
    for (const sql of open) await sql.end({ timeout: 1 });
    await server.close();
  }
}

function databaseOf(url: string, sql: postgres.Sql): BenchDatabase {
  const hasTables = async (): Promise<boolean> => {
    const [row] = await sql`SELECT to_regclass('barnacle.processes') IS NOT NULL AS has`;
    return row?.["has"] === true;
  };
  return {
    url,
    async counts() {
      const [row] = await sql`
        SELECT (SELECT string_agg(pid::text, ',') FROM pg_stat_activity
                WHERE datname = current_database() OR datname IS NULL) AS pids,
               (SELECT xact_commit::float8 FROM pg_stat_database
                WHERE datname = current_database()) AS trips,
               (SELECT sequence::float8 FROM barnacle.store) AS commits,
               (pg_current_wal_lsn() - '0/0')::float8 AS "logBytes"`;
      const { pids, ...counts } = countsSchema.parse(row);
      const cpuMs = pids.split(",").map(Number).map(cpuMsOf);
      return { ...counts, serverCpuMs: cpuMs.reduce((sum, ms) => sum + ms, 0) };
    },
    async owners() {
      if (!await hasTables()) return [];
      const rows = await sql`
        SELECT place,
               extract(epoch FROM clock_timestamp() - owned_since)::float8 * 1000 AS "ownedForMs",
               extract(epoch FROM lease_ends - clock_timestamp())::float8 * 1000 AS "endsInMs"
        FROM barnacle.store WHERE place <> '' AND isfinite(lease_ends)`;
      const at = performance.now();
      return ownersSchema.parse([...rows]).map((row) => ({ ...row, at }));
    },
    async copies(behind) {
      if (!await hasTables()) return 0;
      const [row] = await sql`
        SELECT count(*)::int AS copies FROM barnacle.processes WHERE behind <= ${behind}`;
      return z.object({ copies: z.int() }).parse(row).copies;
    },
  };
}
