/**
 * Copies the database of a bot that may be running, and checks such a copy.
 *
 * The copy is one statement of a connection that only reads. So it sees one moment of the database,
 * and keeps no other connection from writing. The log grows meanwhile by what the bot writes, and the
 * next checkpoint empties it.
 */

import { closeSync, openSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { DAY_MS } from "../../lib/clock.ts";
import { inspect, openDatabase, schemaIn } from "../database/database.ts";
import { assertRegularFiles, StoreError, toStoreError } from "../database/database_files.ts";
import { MIGRATIONS } from "../database/migrations.ts";
import { transactNow } from "../database/commits.ts";
import { rows, text } from "../schema/columns.ts";
import { IS_OPEN } from "../schema/messages.ts";

/** Memory for pages while the file is written in the order of its keys. */
const CACHE_KIB = 16_000;

const MAX_PROBLEMS = 5;

/**
 * Copies the database into a new file, without free pages, which may have deleted texts.
 *
 * @throws {StoreError} As a start of the bot would; `full` if the disk has no room. No copy is left.
 */
export function copyDatabase(path: string, to: string): void {
  const clear = (): void => {
    for (const end of ["", "-journal"]) rmSync(`${to}${end}`, { force: true });
  };
  clear();
  try {
    assertRegularFiles(path);
    schemaIn(path); // refuses an empty one
    closeSync(openSync(to, "wx", 0o600)); // SQLite fills an empty file and keeps its mode
    withDatabase(path, (database) => {
      // The copy is read at once and then deleted, so the disk need not have it.
      database.exec(`PRAGMA synchronous = OFF; PRAGMA cache_size = -${CACHE_KIB}`);
      database.prepare("VACUUM INTO ?").run(to);
    });
  } catch (error) {
    clear();
    throw toStoreError(error, path);
  }
}

const CHECK = rows({ integrityCheck: text() });

/**
 * Reads every page of a copy.
 *
 * @throws {StoreError} If it is damaged, of a newer Barnacle, or no store.
 */
export function checkCopy(path: string): void {
  try {
    const schema = inspect(path, MIGRATIONS.length);
    const problems = withDatabase(
      path,
      (database) => database.prepare(`PRAGMA integrity_check(${MAX_PROBLEMS})`).all(),
    ).map((row) => CHECK.read(row).integrityCheck);
    if (schema > 0 && problems.length === 1 && problems[0] === "ok") return;
    throw new StoreError(
      schema === 0 ? "The store in it has no tables" : `The store in it is damaged: ${problems[0]}`,
      { kind: "damaged", path },
    );
  } catch (error) {
    throw toStoreError(error, path);
  }
}

function withDatabase<T>(path: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.exec("PRAGMA busy_timeout = 5000");
    return work(database);
  } finally {
    database.close();
  }
}

// Ends in a restored store everything that was under way when its copy was made (O11).
//
// Since then the bot may have answered, elsewhere, each message that waits in the copy. So no open
// turn is taken up again, no session is resumed, and no gap is read: everything before now counts as
// read. Messages that were ready to be sent may have arrived. Barnacle looks for them in their
// channels, as after an attempt without an answer (D2).

/** Key of the setting of no account that says when the store was restored. */
const RESTORED = "'', 'store', 'restored'";

/** Number of rows that a restore has ended. */
export interface EndedWork {
  /** Turns without an answer. */
  readonly turns: number;
  /** Questions and approvals without an answer. */
  readonly questions: number;
  /** Events of hooks without an answer. */
  readonly events: number;
  /** Unsent messages that Barnacle looks for in their channels. */
  readonly looked: number;
  /** Unsent messages that are too old for that, and wait for the operator. */
  readonly held: number;
}

/**
 * Ends all open work, in one transaction. The store is closed.
 *
 * @param copiedAt When the copy was made.
 */
export function endOpenWork(path: string, copiedAt: number, now: number): EndedWork {
  const database = openDatabase(path, now);
  try {
    return transactNow(database, () => endIn(database, copiedAt, now));
  } finally {
    database.close();
  }
}

function endIn(database: DatabaseSync, copiedAt: number, now: number): EndedWork {
  const reason = `restored: the store is from a backup of ${new Date(copiedAt).toISOString()}`;
  const run = (sql: string, values: Readonly<Record<string, string | number>> = {}): number =>
    Number(database.prepare(sql).run({ ...values }).changes);

  run("DELETE FROM gateway_session");
  run("UPDATE run SET ending = 'restored' WHERE ending IS NULL");
  // A message that still waits for its verdict gets none; its record would show it as pending for ever.
  run(`DELETE FROM decision WHERE (message_id, account_id) IN (
         SELECT message_id, account_id FROM undecided)`);
  run("DELETE FROM undecided");
  const questions = run(
    "UPDATE question SET state = 'withdrawn', decided_at = :now WHERE state = 'open'",
    { now },
  );
  const turns = run(
    `UPDATE inbox SET state = 'failed', failure = :reason, finished_at = :now
     WHERE ${IS_OPEN}`,
    { reason, now },
  );
  const events = endEvents(run, reason);
  run("UPDATE outbox SET state = 'withdrawn' WHERE kind = 'draft' AND state = 'pending'");
  const held = run(
    `UPDATE outbox SET state = 'uncertain', refusal = :reason
     WHERE state IN ('pending', 'sending') AND created_at < :before`,
    { reason, before: now - DAY_MS },
  );
  const looked = run(
    `UPDATE outbox SET state = 'sending', next_attempt_at = NULL, failing_since = NULL,
       first_attempt_at = COALESCE(first_attempt_at, created_at)
     WHERE state IN ('pending', 'sending')`,
  );
  run("UPDATE parked_channel SET is_parked = 0");
  run(`INSERT OR REPLACE INTO setting VALUES (${RESTORED}, :copiedAt, :now)`, {
    copiedAt: String(copiedAt),
    now,
  });
  return { turns, questions, events, looked, held };
}

/** Ends events of hooks that wait, and runs that have begun. @returns The number of events. */
function endEvents(
  run: (sql: string, values?: Readonly<Record<string, string>>) => number,
  reason: string,
): number {
  const end = (state: string) =>
    run(
      `UPDATE hook_run SET state = 'refused', reason = :reason WHERE state = '${state}'`,
      { reason },
    );
  end("running"); // its turn is among the open ones
  const begun = end("claimed");
  run(
    `INSERT INTO hook_run (message_id, account_id, hook, key, started_at, count, state, reason)
     SELECT message_id, account_id, hook, key, received_at, 1, 'refused', :reason
     FROM hook_event WHERE run_id IS NULL`,
    { reason },
  );
  return begun + run("UPDATE hook_event SET run_id = message_id WHERE run_id IS NULL");
}
