/**
 * The runs of the process: when each began, lived last, and how it ended.
 *
 * A run that says of no ending was killed, or its machine went down: the next
 * one is told, and can say so (O9).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";

/** A run that is over. Times are Unix time in milliseconds. */
export interface LastRun {
  readonly startedAt: number;
  /** When it was last known to live; it may have lived on for a minute. */
  readonly aliveAt: number;
  /** Of the machine's boot, where it has such a thing. */
  readonly bootId?: string;
  /** `"stopped"`, `"fault"`, or in other words; absent if it could not say. */
  readonly ending?: string;
}

export interface Run extends LastRun {
  readonly runId: string;
}

export interface Runs {
  /**
   * Begins a run, which the store keeps alive by `touchAlive`.
   *
   * @returns The one before it; `undefined` at the first.
   */
  startRun(
    run: { readonly runId: string; readonly startedAt: number; readonly bootId?: string },
  ): Promise<LastRun | undefined>;
  /** @param now Unix time in milliseconds. */
  endRun(runId: string, ending: string, now: number): Promise<void>;
  /**
   * The runs that lived at some time since then, oldest first, this one among them.
   *
   * @param since Unix time in milliseconds.
   */
  runs(since: number): Promise<readonly Run[]>;
  /**
   * Whether Barnacle ran at some time, and what is known of the runs before and after it.
   *
   * @param at Unix time in milliseconds.
   */
  runsAround(at: number): Promise<RunsAround>;
}

export interface RunsAround {
  readonly wasRunning: boolean;
  /** The newest that had begun by then: the one that ran, where one did. */
  readonly before?: Run;
  /** The oldest that began later. */
  readonly after?: Run;
}

/**
 * A run that has not ended may live on for as long as it does not say so, in milliseconds: it says
 * so once a minute.
 */
const SILENCE_MS = 75_000;

/** How many are kept. */
const KEPT = 50;

/** Notes within a transaction of the caller's that the newest run lives. */
export type TouchRun = (now: number) => void;

/** One process writes to a store, and begins its run first: the newest run is its own. */
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
  run_id: z.string(),
  boot_id: z.string().nullable(),
  started_at: z.number(),
  alive_at: z.number(),
  ending: z.string().nullable(),
});

/** All runs; a session that is heard says that the newest one lives. */
const RUNS = `
  SELECT run_id, boot_id, started_at, ending, id,
    IIF(ending IS NULL AND id = (SELECT MAX(id) FROM run),
        MAX(alive_at, (SELECT COALESCE(MAX(alive_at), 0) FROM gateway_session)), alive_at) AS alive_at
  FROM run`;

/** @param database Open, migrated, and owned by the caller. */
export function createRuns(database: DatabaseSync, { commit, read }: Transactions): Runs {
  // Whatever a session was heard at, the newest run lived then.
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
  const { run_id, boot_id, started_at, alive_at, ending } = rowSchema.parse(row);
  return {
    runId: run_id,
    startedAt: started_at,
    aliveAt: alive_at,
    ...(boot_id !== null && { bootId: boot_id }),
    ...(ending !== null && { ending }),
  };
}
