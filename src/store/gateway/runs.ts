/**
 * Stores the runs of the process: their beginnings, last signs of life and endings.
 *
 * A run without a stored ending was killed, or its machine went down. The next run learns that and
 * can report it (O9).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column, SELDOM_READ } from "../database/columns.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";

/** A run that is over. Times are Unix time in milliseconds. */
export interface LastRun {
  /** When the process began the run. */
  readonly startedAt: number;
  /** Time of the last sign of life; the run may have lived five minutes longer. */
  readonly aliveAt: number;
  /** Id of the machine's boot; absent on machines without one. */
  readonly bootId?: string;
  /** `"stopped"`, `"fault"`, or other words of the process; absent if it could not store any. */
  readonly ending?: string;
}

/** A run with its id. */
export interface Run extends LastRun {
  /** Id of the run, as the process chose it. */
  readonly runId: string;
}

/** Reads and changes runs. */
export interface Runs {
  /**
   * Begins a run. Calls of `touchAlive` then keep it alive.
   *
   * @returns The run before it; `undefined` for the first.
   */
  startRun(
    run: { readonly runId: string; readonly startedAt: number; readonly bootId?: string },
  ): Promise<LastRun | undefined>;
  /**
   * Stores the run's ending.
   *
   * @param now Unix time in milliseconds.
   */
  endRun(runId: string, ending: string, now: number): Promise<void>;
  /**
   * The runs that lived at some time since then, oldest first, including the current one.
   *
   * @param since Unix time in milliseconds.
   */
  runs(since: number): Promise<readonly Run[]>;
  /**
   * Whether Barnacle ran at some time, with the runs before and after it.
   *
   * @param at Unix time in milliseconds.
   */
  runsAround(at: number): Promise<RunsAround>;
}

/** The runs around a moment. */
export interface RunsAround {
  /** Whether one ran at that moment, as far as the signs of life tell. */
  readonly wasRunning: boolean;
  /** The newest run that had begun by then. If one ran at that moment, it is this one. */
  readonly before?: Run;
  /** The oldest run that began later. */
  readonly after?: Run;
}

/**
 * Maximum time (milliseconds) between two signs of life of a live run. An idle run gives one every
 * five minutes.
 */
const SILENCE_MS = 315_000;

/** Number of runs to keep. */
const KEPT = 50;

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

const rowSchema = z.object({
  run_id: column.text,
  boot_id: column.textOrNull,
  started_at: column.number,
  alive_at: column.number,
  ending: column.textOrNull,
});

/** All runs. A session's last sign of life counts for the newest run, too. */
const RUNS = `
  SELECT run_id, boot_id, started_at, ending, id,
    IIF(ending IS NULL AND id = (SELECT MAX(id) FROM run),
        MAX(alive_at, (SELECT COALESCE(MAX(alive_at), 0) FROM gateway_session)), alive_at) AS alive_at
  FROM run`;

/**
 * Creates the storage of runs.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createRuns(database: DatabaseSync, { commit, read }: Transactions): Runs {
  // The newest run lived when any session last heard from the gateway.
  const noteHeard = database.prepare(
    `UPDATE run SET alive_at = MAX(alive_at, (SELECT COALESCE(MAX(alive_at), 0) FROM gateway_session))
     WHERE id = (SELECT MAX(id) FROM run) AND ending IS NULL`,
  );
  const selectLast = database.prepare("SELECT * FROM run ORDER BY id DESC LIMIT 1");
  const select = database.prepare(
    `SELECT * FROM (${RUNS}) WHERE alive_at >= ? ORDER BY id`,
  );
  const selectBefore = database.prepare(
    `SELECT * FROM (${RUNS}) WHERE started_at <= ? ORDER BY id DESC LIMIT 1`,
  );
  const selectAfter = database.prepare(
    `SELECT * FROM (${RUNS}) WHERE started_at > ? ORDER BY id LIMIT 1`,
  );
  const insert = database.prepare(
    `INSERT INTO run (run_id, boot_id, started_at, alive_at)
     VALUES (:runId, :bootId, :startedAt, :startedAt)`,
  );
  const prune = database.prepare(
    "DELETE FROM run WHERE id <= (SELECT id FROM run ORDER BY id DESC LIMIT 1 OFFSET ?)",
  );
  const end = database.prepare(
    "UPDATE run SET ending = :ending, alive_at = MAX(alive_at, :now) WHERE run_id = :runId",
  );

  return {
    startRun: ({ runId, startedAt, bootId }) =>
      commit(UNNAMED, () => {
        noteHeard.run();
        const row = selectLast.get();
        insert.run({ runId, bootId: bootId ?? null, startedAt });
        prune.run(KEPT);
        if (!row) return undefined;
        const { runId: _, ...last } = toRun(row);
        return last;
      }),
    endRun: (runId, ending, now) =>
      commit(UNNAMED, () => {
        end.run({ runId, ending, now });
      }),
    runs: (since) => read(() => select.all(since).map(toRun)),
    runsAround: (at) =>
      read(() => {
        const [before, after] = [selectBefore, selectAfter].map((statement) => {
          const row = statement.get(at);
          return row && toRun(row);
        });
        const aliveUntil = before &&
          before.aliveAt + (before.ending === undefined ? SILENCE_MS : 0);
        return {
          wasRunning: aliveUntil !== undefined && at <= aliveUntil,
          ...(before && { before }),
          ...(after && { after }),
        };
      }),
  };
}

function toRun(row: unknown): Run {
  const { run_id, boot_id, started_at, alive_at, ending } = rowSchema.parse(row, SELDOM_READ);
  return {
    runId: run_id,
    startedAt: started_at,
    aliveAt: alive_at,
    ...(boot_id !== null && { bootId: boot_id }),
    ...(ending !== null && { ending }),
  };
}
