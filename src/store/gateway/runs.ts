/**
 * Stores the runs of the process: their beginnings, last signs of life and endings.
 *
 * A run without a stored ending was killed, or its machine went down. The next run learns that and
 * can report it (O9).
 */

import type { DatabaseSync } from "node:sqlite";
import { RUN } from "../schema/gateway.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Runs } from "../../core/store/gateway.ts";

/**
 * Maximum time (milliseconds) between two signs of life of a live run. An idle run gives one every
 * five minutes.
 */
const SILENCE_MS = 315_000;

/** Number of runs to keep. */
export const RUNS_MAX = 50;

/** Notes that the newest run lives, within a transaction of the caller's. */
export type TouchRun = (now: number) => void;

/**
 * Prepares the statement for signs of life. One process writes to a store, and begins its run
 * first, so the newest run is its own.
 */
export function prepareTouchRun(database: DatabaseSync): TouchRun {
  const touch = database.prepare(
    `UPDATE run SET alive_at = MAX(alive_at, ?)
     WHERE id = (SELECT MAX(id) FROM run) AND ending IS NULL`,
  );
  return (now) => {
    touch.run(now);
  };
}

const STORED = RUN.pick("runId", "bootId", "startedAt", "aliveAt", "ending");

/** All runs. A session's last sign of life counts for the newest run, too. */
const RUNS = `
  SELECT run_id, boot_id, started_at, ending, id,
    IIF(ending IS NULL AND id = (SELECT MAX(id) FROM run),
        MAX(alive_at, (SELECT COALESCE(MAX(alive_at), 0) FROM gateway_session)), alive_at) AS alive_at
  FROM run`;

/** Creates the storage of runs. */
export function createRuns(database: DatabaseSync, { commit, read }: Transactions): Runs {
  // The newest run lived when any session last heard from the gateway.
  const noteHeard = database.prepare(
    `UPDATE run SET alive_at = MAX(alive_at, (SELECT COALESCE(MAX(alive_at), 0) FROM gateway_session))
     WHERE id = (SELECT MAX(id) FROM run) AND ending IS NULL`,
  );
  const selectLast = database.prepare("SELECT * FROM run ORDER BY id DESC LIMIT 1");
  const select = database.prepare(`SELECT * FROM (${RUNS}) WHERE alive_at >= ? ORDER BY id`);
  const selectBefore = database.prepare(
    `SELECT * FROM (${RUNS}) WHERE started_at <= ? ORDER BY id DESC LIMIT 1`,
  );
  const selectAfter = database.prepare(
    `SELECT * FROM (${RUNS}) WHERE started_at > ? ORDER BY id LIMIT 1`,
  );
  const insert = RUN.prepareInsert(database);
  const prune = database.prepare(
    "DELETE FROM run WHERE id <= (SELECT id FROM run ORDER BY id DESC LIMIT 1 OFFSET ?)",
  );
  const end = database.prepare(
    "UPDATE run SET ending = :ending, alive_at = MAX(alive_at, :now) WHERE run_id = :runId",
  );

  return {
    startRun: (run) =>
      commit(UNNAMED, () => {
        noteHeard.run();
        const row = selectLast.get();
        insert({ ...run, aliveAt: run.startedAt });
        prune.run(RUNS_MAX);
        if (!row) return undefined;
        const { runId: _, ...last } = STORED.read(row);
        return last;
      }),
    endRun: (runId, ending, now) => commit(UNNAMED, () => void end.run({ runId, ending, now })),
    runs: (since) => read(() => select.all(since).map(STORED.read)),
    runsAround: (at) =>
      read(() => {
        const [before, after] = [selectBefore, selectAfter].map((statement) => {
          const row = statement.get(at);
          return row && STORED.read(row);
        });
        const aliveUntil = before &&
          before.aliveAt + (before.ending === undefined ? SILENCE_MS : 0);
        return { wasRunning: aliveUntil !== undefined && at <= aliveUntil, before, after };
      }),
  };
}
