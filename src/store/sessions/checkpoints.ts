/**
 * Stores the checkpoints of sessions: resets, and summaries of folded entries (S4a).
 *
 * A checkpoint only adds a row, and never changes an entry. It is one transaction: a crash before it
 * leaves the session as it was, and the next turn decides again.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../database/columns.ts";
import type {
  Checkpoint,
  Fold,
  Folded,
  NumberedEntry,
  ResetCause,
} from "../../core/turn/checkpoint.ts";
import { withoutControls } from "../../lib/text/controls.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { TranscriptRows } from "../turns/transcripts.ts";
import { entryColumns, toEntry } from "../turns/entry_rows.ts";

/** Reads and adds checkpoints. */
export interface Checkpoints {
  /** The newest checkpoint of a session; `undefined` if it has none. */
  checkpointOf(sessionKey: string): Promise<Checkpoint | undefined>;
  /** The newest `limit` entries since the newest checkpoint, oldest first. */
  openEntries(sessionKey: string, limit: number): Promise<readonly NumberedEntry[]>;
  /**
   * Folds all entries since the newest checkpoint up to one of them.
   *
   * @param now Unix time in milliseconds.
   * @returns `false`, and stores nothing, if a newer checkpoint has that entry already.
   */
  fold(fold: Fold, now: number): Promise<boolean>;
  /**
   * Begins a new transcript under the same key (S4a).
   *
   * @param now Unix time in milliseconds.
   * @returns Number of entries that the model does not see any more; 0 if there was nothing to
   * leave behind.
   */
  reset(sessionKey: string, cause: ResetCause, now: number): Promise<number>;
  /** The part of a session that summaries stand for, since its last reset. */
  foldedOf(sessionKey: string): Promise<Folded>;
}

const openSchema = z.object({ id: column.number });
const rangeSchema = z.object({
  agent_id: column.textOrNull,
  first: column.numberOrNull,
  last: column.numberOrNull,
  entries: column.number,
  message_ids: column.text,
});
const laterSchema = z.object({ count: column.number, last_message: column.textOrNull });
const lastSchema = z.object({ last_entry: column.number, kind: column.text });
const foldedSchema = z.object({
  entries: column.numberOrNull,
  messages: column.numberOrNull,
  at: column.numberOrNull,
  chars: column.numberOrNull,
});

/**
 * Creates the storage of checkpoints.
 *
 * The function is longer than most, because each statement and each method stands here once.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createCheckpoints(
  database: DatabaseSync,
  { commit, read }: Pick<Transactions, "commit" | "read">,
  transcripts: Pick<TranscriptRows, "checkpointOf" | "drop" | "folded">,
): Checkpoints {
  const selectLast = database.prepare(
    "SELECT last_entry, kind FROM checkpoint WHERE session_key = ? ORDER BY id DESC LIMIT 1",
  );
  const selectOpen = database.prepare(
    `SELECT id, ${entryColumns} FROM entry
     WHERE session_key = ? AND id > ? ORDER BY id DESC LIMIT ?`,
  );
  const selectRange = database.prepare(
    `SELECT MAX(agent_id) AS agent_id, MIN(id) AS first, MAX(id) AS last, COUNT(*) AS entries,
            json_group_array(DISTINCT message_id) AS message_ids
     FROM entry WHERE session_key = :key AND id > :after AND id <= :upTo`,
  );
  // A bare column beside MAX() is that of the row with the maximum.
  const selectLater = database.prepare(
    `SELECT COUNT(*) AS count, MAX(id), message_id AS last_message
     FROM entry WHERE session_key = ? AND id > ?`,
  );
  const insert = database.prepare(
    `INSERT INTO checkpoint
       (agent_id, session_key, kind, cause, first_entry, last_entry, entries, message_ids,
        boundary, summary, model_id, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const selectFolded = database.prepare(
    `SELECT SUM(entries) AS entries, SUM(json_array_length(message_ids)) AS messages, MAX(at) AS at,
            (SELECT length(summary) FROM checkpoint
             WHERE session_key = :key ORDER BY id DESC LIMIT 1) AS chars
     FROM checkpoint
     WHERE session_key = :key AND kind = 'summary' AND id > COALESCE(
       (SELECT MAX(id) FROM checkpoint WHERE session_key = :key AND kind = 'reset'), 0)`,
  );

  const lastOf = (sessionKey: string) => {
    const row = selectLast.get(sessionKey);
    return row ? lastSchema.parse(row) : { last_entry: 0, kind: undefined };
  };
  const rangeOf = (key: string, after: number, upTo: number) =>
    rangeSchema.parse(selectRange.get({ key, after, upTo }));

  return {
    checkpointOf: transcripts.checkpointOf,
    openEntries: (sessionKey, limit) =>
      read(() =>
        selectOpen.all(sessionKey, lastOf(sessionKey).last_entry, limit).map((row) => ({
          id: openSchema.parse(row).id,
          entry: toEntry(row),
        })).reverse()
      ),
    async fold({ agentId, sessionKey, cause, lastEntry, summary, modelId }, now) {
      const { boundary } = summary;
      const text = withoutControls(summary.text);
      const later = await commit(UNNAMED, () => {
        const { last_entry: after } = lastOf(sessionKey);
        const { first, last, entries, message_ids: ids } = rangeOf(sessionKey, after, lastEntry);
        if (first === null || last !== lastEntry) return undefined;
        insert.run(
          ...[agentId, sessionKey, "summary", cause, first, last, entries, ids],
          ...[boundary, text, modelId, now],
        );
        return laterSchema.parse(selectLater.get(sessionKey, lastEntry));
      });
      if (!later) {
        transcripts.drop(sessionKey);
        return false;
      }
      const { count, last_message: lastMessageId } = later;
      const checkpoint = { summary: { boundary, text }, at: now };
      transcripts.folded(sessionKey, checkpoint, { count, lastMessageId });
      return true;
    },
    async reset(sessionKey, cause, now) {
      const left = await commit(cause === "command" ? COMMIT_OPTIONS.BY_HAND : UNNAMED, () => {
        const { last_entry: after, kind } = lastOf(sessionKey);
        const { agent_id: agentId, first, last, entries } = rangeOf(
          sessionKey,
          after,
          Number.MAX_SAFE_INTEGER,
        );
        if (entries === 0 && kind !== "summary") return 0;
        // After a summary without later entries, the reset still forgets the summary.
        const range = [first ?? after, last ?? after, entries, "[]"];
        const agent = agentId ?? sessionKey.split(":")[1] ?? "";
        insert.run(agent, sessionKey, "reset", cause, ...range, null, null, null, now);
        return Math.max(1, entries);
      });
      transcripts.drop(sessionKey);
      return left;
    },
    foldedOf: (sessionKey) =>
      read(() => {
        const { entries, messages, at, chars } = foldedSchema.parse(
          selectFolded.get({ key: sessionKey }),
        );
        return {
          entries: entries ?? 0,
          messages: messages ?? 0,
          summaryChars: entries === null ? 0 : chars ?? 0,
          ...(at !== null && { at }),
        };
      }),
  };
}
