/**
 * Ends in a restored store everything that was under way when its copy was made (O11).
 *
 * Since then the bot may have answered, elsewhere, each message that waits in the copy. So no open
 * turn is taken up again, no session is resumed, and no gap is read: everything before now counts as
 * read. Messages that were ready to be sent may have arrived. Barnacle looks for them in their
 * channels, as after an attempt without an answer (D2).
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { toAccountId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { openDatabase } from "../database/database.ts";
import { transactNow } from "../database/transact.ts";
import { prepareFactRows } from "../received/fact_rows.ts";
import { prepareVerdictBlocks } from "../received/verdict_blocks.ts";
import { column } from "../schema/columns.ts";

/** Key of the setting of no account that says when the store was restored. */
export const RESTORED = "'', 'store', 'restored'";

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

const undecidedSchema = z.object({
  account_id: column.text,
  message_id: snowflakeSchema<"message">(),
});

/**
 * Ends all open work, in one transaction. The store is closed, and its tables have all records of the
 * journal.
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
  removeUndecided(database);
  const questions = run(
    "UPDATE question SET state = 'withdrawn', decided_at = :now WHERE state = 'open'",
    { now },
  );
  const turns = run(
    `UPDATE inbox SET state = 'failed', failure = :reason, finished_at = :now
     WHERE finished_at IS NULL AND state IN ('waiting', 'running')`,
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
  run("UPDATE schedule SET asked_at = NULL");
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

/** A message that still waits for its verdict gets none; its record would show it as pending for ever. */
function removeUndecided(database: DatabaseSync): void {
  const verdicts = prepareVerdictBlocks(database, prepareFactRows(database, () => 0));
  const rows = database.prepare("DELETE FROM undecided RETURNING account_id, message_id").all();
  for (const row of rows) {
    const { account_id, message_id } = undecidedSchema.parse(row);
    verdicts.remove(toAccountId(account_id), message_id);
  }
}
