/**
 * Bench: replies of a bot whose store is also kept in PostgreSQL on the same machine (O15), beside the
 * same bot without it, in turn.
 *
 * The server's commits survive a power cut, as the bot's do. Its CPU time is that of all its processes.
 */

import { readdirSync, readFileSync } from "node:fs";
import postgres from "postgres";
import { z } from "zod";
import { startPostgres } from "../../tests/support/store/postgres.ts";
import { cpuMsOf } from "../stand/proc.ts";
import type { Contender } from "../stand/stand.ts";
import type { Readings } from "../stand/stats.ts";
import { measureReplies } from "./throughput.ts";

const countsSchema = z.object({ pid: z.int(), commits: z.number(), logBytes: z.number() });

export async function benchStandby(contender: Contender): Promise<Readings> {
  const server = await startPostgres({ isDurable: true, parent: "/var/tmp" }); // /tmp may be no disk
  try {
    const url = server.create();
    const sql = postgres(server.address(), { max: 1, onnotice: () => {} });
    try {
      const read = async () => {
        const [row] = await sql`
          SELECT pg_backend_pid() AS pid,
                 (SELECT sum(xact_commit)::float8 FROM pg_stat_database) AS commits,
                 (pg_current_wal_lsn() - '0/0')::float8 AS "logBytes"`;
        const { pid, commits, logBytes } = countsSchema.parse(row);
        return { commits, logBytes, serverCpuMs: cpuOfServer(parentOf(pid)) };
      };
      const own = await measureReplies(contender);
      const config = { ...contender.config, store: { url } };
      const shared = await measureReplies({ ...contender, config }, read);
      const of = (figure: string): number => shared[figure] ?? NaN;
      return {
        sharedCpuMs: of("replyCpuMs"),
        sharedTimes: of("replyCpuMs") / (own["replyCpuMs"] ?? NaN),
        sharedServerCpuMs: of("serverCpuMs"),
        sharedCommits: of("commits"),
        sharedKb: of("logBytes") / 1_000,
        sharedPerSec: of("repliesPerSec"),
        sharedOwnPerSec: own["repliesPerSec"] ?? NaN,
      };
    } finally {
      await sql.end({ timeout: 1 });
    }
  } finally {
    await server.close();
  }
}

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

/** CPU time of the server's main process, and of all that it has started and that run now. */
function cpuOfServer(main: number): number {
  let sum = cpuMsOf(main);
  for (const name of readdirSync("/proc")) {
    if (/^\d+$/.test(name) && parentOfRunning(Number(name)) === main) sum += cpuMsOf(Number(name));
  }
  return sum;
}

/** `undefined` if the process has ended meanwhile. */
function parentOfRunning(pid: number): number | undefined {
  try {
    return parentOf(pid);
  } catch {
    return undefined; // it ended between the list and the read
  }
}
