/**
 * Stores the checkpoints of sessions: resets, and summaries of folded entries (S4a).
 *
 * A checkpoint only adds a row, and never changes an entry. It is one transaction: a crash before it
 * leaves the session as it was, and the next turn decides again.
 *
 * A summary is journaled if memory knows its range. The record names the range without the numbers
 * of its entries, because the table may not have them yet. If another entry has
 * the place of the last one by then, nothing is stored.
 */

import type { DatabaseSync } from "node:sqlite";
import { COUNT, integer, optional, rows, text } from "../schema/columns.ts";
import type { Fold } from "../../core/turn/checkpoint.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { entryColumns, toEntry, type TranscriptRows } from "../turns/transcripts.ts";
import type { Checkpoints } from "../../core/store/sessions.ts";

const PLACE = rows({ id: integer(), messageId: text(), role: text() });
const RANGE = rows({
  agentId: optional(text()),
  first: optional(integer()),
  last: optional(integer()),
  entries: integer(),
  messageIds: text(),
});
const LAST = rows({ lastEntry: integer(), kind: text() });
const FOLDED = rows({
  entries: optional(integer()),
  messages: optional(integer()),
  at: optional(integer()),
  chars: optional(integer()),
  modelId: optional(text()),
});

/** The journal's record of a summary. */
interface FoldRecord extends Fold {
  readonly now: number;
}

/**
 * Creates the storage of checkpoints.
 *
 * The function is longer than most, because each statement and each method stands here once.
 */
export function createCheckpoints(
  database: DatabaseSync,
  { commit, journaled, read }: Transactions,
  transcripts: Pick<
    TranscriptRows,
    "changesOf" | "checkpointOf" | "drop" | "folded" | "hasRange" | "openEntries"
  >,
): Checkpoints {
  const selectLast = database.prepare(
    "SELECT last_entry, kind FROM checkpoint WHERE session_key = ? ORDER BY id DESC LIMIT 1",
  );
  const selectOpen = database.prepare(
    `SELECT ${entryColumns} FROM entry
     WHERE session_key = ? AND id > ? ORDER BY id DESC LIMIT ?`,
  );
  const selectCount = database.prepare(
    "SELECT COUNT(*) AS count FROM entry WHERE session_key = ? AND id > ?",
  );
  const selectPlace = database.prepare(
    `SELECT id, message_id, role FROM entry
     WHERE session_key = ? AND id > ? ORDER BY id LIMIT 1 OFFSET ?`,
  );
  const selectRange = database.prepare(
    `SELECT MAX(agent_id) AS agent_id, MIN(id) AS first, MAX(id) AS last, COUNT(*) AS entries,
            json_group_array(DISTINCT message_id) AS message_ids
     FROM entry WHERE session_key = :key AND id > :after AND id <= :upTo`,
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
             WHERE session_key = :key ORDER BY id DESC LIMIT 1) AS chars,
            (SELECT model_id FROM checkpoint
             WHERE session_key = :key ORDER BY id DESC LIMIT 1) AS model_id
     FROM checkpoint
     WHERE session_key = :key AND kind = 'summary' AND id > COALESCE(
       (SELECT MAX(id) FROM checkpoint WHERE session_key = :key AND kind = 'reset'), 0)`,
  );

  const lastOf = (sessionKey: string) => {
    const row = selectLast.get(sessionKey);
    return row ? LAST.read(row) : { lastEntry: 0, kind: undefined };
  };
  const rangeOf = (key: string, after: number, upTo: number) =>
    RANGE.read(selectRange.get({ key, after, upTo }));

  /** Returns whether the table has the range; nothing is stored otherwise. */
  function storeFold(record: FoldRecord): boolean {
    const { agentId, sessionKey, cause, count, last, summary, modelId, now } = record;
    const { lastEntry: after } = lastOf(sessionKey);
    const row = selectPlace.get(sessionKey, after, count - 1);
    const place = row && PLACE.read(row);
    if (place?.messageId !== last.messageId || place.role !== last.role) return false;
    const { first, entries, messageIds: ids } = rangeOf(sessionKey, after, place.id);
    insert.run(
      ...[agentId, sessionKey, "summary", cause, first ?? null, place.id, entries, ids],
      ...[summary.boundary, summary.text, modelId ?? null, now],
    );
    return true;
  }

  /** Sessions with a summary on its way into the journal. */
  const folding = new Set<string>();
  /** Records whose range the table did not have. */
  const unmatched = new WeakSet<FoldRecord>();
  const summaries = journaled<FoldRecord>("fold", (record) => {
    if (storeFold(record)) return;
    unmatched.add(record);
    transcripts.drop(record.sessionKey);
  });

  return {
    checkpointOf: transcripts.checkpointOf,
    async openEntries(sessionKey, limit) {
      const changes = transcripts.changesOf(sessionKey);
      const open = transcripts.openEntries(sessionKey, limit) ?? await read(() => {
        const { lastEntry: after } = lastOf(sessionKey);
        const { count } = COUNT.read(selectCount.get(sessionKey, after));
        const entries = selectOpen.all(sessionKey, after, limit).map(toEntry).reverse();
        return { older: count - entries.length, entries };
      });
      return changes === 0 ? open : { ...open, changes };
    },
    async fold({ changes = 0, ...fold }, now) {
      const { sessionKey } = fold;
      // The summary may have words that their sender has removed meanwhile.
      const isOld = () => changes !== transcripts.changesOf(sessionKey);
      const summary = { ...fold.summary, text: withoutControls(fold.summary.text) };
      const record: FoldRecord = { ...fold, summary, now };
      // Memory does not know a checkpoint that is not committed yet.
      if (folding.has(sessionKey) || !transcripts.hasRange(sessionKey, fold)) {
        const isStored = await commit(UNNAMED, () => !isOld() && storeFold(record));
        transcripts.drop(sessionKey);
        return isStored;
      }
      if (isOld()) return false;
      folding.add(sessionKey);
      try {
        await summaries.append(UNNAMED, record);
      } finally {
        folding.delete(sessionKey);
      }
      if (unmatched.has(record)) return false;
      transcripts.folded(sessionKey, { summary, at: now }, fold);
      return true;
    },
    async reset(sessionKey, cause, now) {
      const left = await commit(cause === "command" ? COMMIT_OPTIONS.BY_HAND : UNNAMED, () => {
        const { lastEntry: after, kind } = lastOf(sessionKey);
        const { agentId, first, last, entries } = rangeOf(
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
        const row = selectFolded.get({ key: sessionKey });
        const { entries, messages, at, chars, modelId } = FOLDED.read(row);
        return {
          entries: entries ?? 0,
          messages: messages ?? 0,
          summaryChars: entries === undefined ? 0 : chars ?? 0,
          at,
          isPlain: entries !== undefined && modelId === undefined,
        };
      }),
  };
}
