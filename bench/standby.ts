/**
 * Bench: replies of a bot whose store is also kept in PostgreSQL on the same machine (O15), beside the
 * same bot without it, in turn.
 *
 * The server's commits survive a power cut, as the bot's do. Its CPU time is that of all its processes.
 */

import { readdirSync, readFileSync } from "node:fs";
import postgres from "postgres";
import { z } from "zod";
import { startPostgres } from "../tests/support/store/postgres.ts";
import { cpuMsOf } from "./proc.ts";
import { type Contender, openStand } from "./stand.ts";
import type { Readings } from "./stats.ts";

/** Messages in each channel, as in the bench of replies: a warm-up, and bursts. */
const WARM_UP = 20;
const BURSTS = 5;
const BURST = 20;

const countsSchema = z.object({ pid: z.int(), commits: z.number(), bytes: z.number() });

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
                 (pg_current_wal_lsn() - '0/0')::float8 AS bytes`;
        const { pid, commits, bytes } = countsSchema.parse(row);
        return { commits, bytes, cpuMs: cpuOfServer(parentOf(pid)) };
      };
      const own = await replies(
        contender,
        () => Promise.resolve({ commits: 0, bytes: 0, cpuMs: 0 }),
      );
      const shared = await replies({
        ...contender,
        config: { ...contender.config, store: { url } },
      }, read);
      return {
        sharedCpuMs: shared.cpuMs,
        sharedTimes: shared.cpuMs / own.cpuMs,
        sharedServerCpuMs: shared.server.cpuMs,
        sharedCommits: shared.server.commits,
        sharedKb: shared.server.bytes / 1_000,
        sharedPerSec: shared.perSec,
        sharedOwnPerSec: own.perSec,
      };
    } finally {
      await sql.end({ timeout: 1 });
    }
  } finally {
    await server.close();
  }
}

interface Counts {
  readonly commits: number;
  /** Bytes of the server's log. */
  readonly bytes: number;
  readonly cpuMs: number;
}

/** The costs of one reply, in bursts. */
async function replies(contender: Contender, read: () => Promise<Counts>) {
  const stand = openStand(contender);
  const askEverywhere = async (times: number): Promise<number> => {
    stand.forget();
    for (let number = 0; number < times; number++) stand.channels.forEach(stand.ask);
    const count = times * stand.channels.length;
    await stand.posts(count);
    return count;
  };
  try {
    const { pid } = await stand.start();
    await askEverywhere(WARM_UP);
    const before = await read();
    const cpuMs = cpuMsOf(pid);
    const startedAt = performance.now();
    let count = 0;
    for (let burst = 0; burst < BURSTS; burst++) count += await askEverywhere(BURST);
    const perSec = count / (performance.now() - startedAt) * 1_000;
    const took = (cpuMsOf(pid) - cpuMs) / count;
    const after = await read();
    return {
      cpuMs: took,
      perSec,
      server: {
        commits: (after.commits - before.commits) / count,
        bytes: (after.bytes - before.bytes) / count,
        cpuMs: (after.cpuMs - before.cpuMs) / count,
      },
    };
  } finally {
    await stand.close();
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
