/** `store.sessions`: the checkpoints of conversations, their folded entries, and their lists. */

import type { MessageId } from "../../core/discord/ids.ts";
import { type InboundMessage, isOwnSession } from "../../core/inbound/inbound.ts";
import type { Entry, Fold, Folded, OpenEntries, ResetCause } from "../../core/inbound/inbound.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/commits.ts";
import type { Transactions } from "../database/commits.ts";
import { COUNT, integer, json, optional, rows, text } from "../schema/columns.ts";
import { entryColumns, toEntry, type TranscriptRows } from "../turns/turns.ts";

export function createSessions(transactions: Transactions, transcripts: TranscriptRows) {
  return {
    ...createCheckpoints(transactions, transcripts),
    ...createListing(transactions),
    ...createRecalled(transactions),
  };
}

export type Sessions = ReturnType<typeof createSessions>;

const KEY = rows({ key: text() });
const LISTED = rows({
  agentId: text(),
  entries: integer(),
  current: integer(), // number of entries since the last reset
  open: integer(), // number of those that are not folded
  firstAt: integer(),
  lastAt: integer(),
  newest: optional(json<InboundMessage>()), // of the newest turn; absent if it is deleted
});

export type ListedSession = { readonly sessionKey: string } & ReturnType<typeof LISTED.read>;

export interface RecallQuery {
  /** Entries of these messages; any if empty. */
  readonly messageIds: readonly MessageId[];
  /** Words that all must be in an entry, in any case; any entry if empty. */
  readonly words: readonly string[];
  /** Maximum number of entries. */
  readonly limit: number;
}

function createListing({ sql, read }: Transactions) {
  // Steps from key to key in the index: reading every entry would take long.
  const selectKeys = sql.rows(KEY.read)`WITH RECURSIVE keys (key) AS (
       SELECT MIN(session_key) FROM entry
       UNION ALL
       SELECT (SELECT MIN(session_key) FROM entry WHERE session_key > key) FROM keys
       WHERE key IS NOT NULL
     )
     SELECT key FROM keys WHERE key IS NOT NULL`;
  const selectOne = sql.rows(LISTED.read)`
    SELECT MAX(e.agent_id) AS agent_id, COUNT(*) AS entries, MIN(e.at) AS first_at,
           MAX(e.at) AS last_at, SUM(e.id > c.reset_at) AS current, SUM(e.id > c.folded) AS open,
           (SELECT i.message FROM entry AS n -- the newest one may be forgotten
             JOIN inbox AS i ON i.message_id = n.message_id
             WHERE n.session_key = :key ORDER BY n.id DESC LIMIT 1) AS newest
    FROM (
      SELECT COALESCE((SELECT last_entry FROM checkpoint
                       WHERE session_key = :key AND kind = 'reset' ORDER BY id DESC LIMIT 1), 0)
               AS reset_at,
             COALESCE((SELECT last_entry FROM checkpoint
                       WHERE session_key = :key ORDER BY id DESC LIMIT 1), 0) AS folded
    ) AS c CROSS JOIN entry AS e
    WHERE e.session_key = :key`;

  return {
    /** All sessions with an entry, the one with the newest entry first. */
    list: (): Promise<readonly ListedSession[]> =>
      read(() =>
        selectKeys.all().map(({ key }) => key).filter((key) => !isOwnSession(key))
          .map((sessionKey) => ({ sessionKey, ...selectOne.one({ key: sessionKey }) }))
          .toSorted((one, other) => other.lastAt - one.lastAt)
      ),
  };
}

/** The text of an entry, in SQL. */
const TEXT = "(SELECT group_concat(value ->> 'text', char(10)) FROM json_each(parts))";
const RANGE = rows({ after: integer(), upTo: integer() });
const MATCHES = rows({ matches: integer() });

/**
 * Reads folded entries of a session again, for the tool `recall`. Only entries since the last reset
 * are found, and only those of the session itself.
 */
function createRecalled({ sql, read }: Transactions) {
  const selectRange = sql`SELECT COALESCE((SELECT last_entry FROM checkpoint
                      WHERE session_key = :key AND kind = 'reset' ORDER BY id DESC LIMIT 1), 0)
              AS after,
            COALESCE((SELECT last_entry FROM checkpoint
                      WHERE session_key = :key ORDER BY id DESC LIMIT 1), 0) AS up_to`;
  const matching = `FROM entry
     WHERE session_key = :key AND id > :after AND id <= :upTo
       AND (:ids = '[]' OR message_id IN (SELECT value FROM json_each(:ids)))
       AND NOT EXISTS (
         SELECT 1 FROM json_each(:words) AS w WHERE instr(lower(${TEXT}), w.value) = 0
       )`;
  const select = sql.rows(toEntry)`
    SELECT ${entryColumns} ${matching} ORDER BY id DESC LIMIT :limit`;
  const count = sql`SELECT COUNT(*) AS matches ${matching}`;

  return {
    /**
     * The newest folded entries that match.
     *
     * @returns Oldest first, and the number of all matches.
     */
    recall: (
      sessionKey: string,
      { messageIds, words, limit }: RecallQuery,
    ): Promise<{ readonly entries: readonly Entry[]; readonly matches: number }> =>
      read(() => {
        const { after, upTo } = RANGE.read(selectRange.get({ key: sessionKey }));
        const query = {
          key: sessionKey,
          after,
          upTo,
          ids: JSON.stringify(messageIds),
          words: JSON.stringify(words.map((word) => word.toLowerCase())),
        };
        return {
          entries: select.all({ ...query, limit }).reverse(),
          matches: MATCHES.read(count.get(query)).matches,
        };
      }),
  };
}

const PLACE = rows({ id: integer(), messageId: text(), role: text() });
const ENTRIES = rows({
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

interface FoldRecord extends Fold {
  readonly now: number;
}

/**
 * Stores the checkpoints of sessions: resets, and summaries of folded entries (S4a).
 *
 * A checkpoint only adds a row, and never changes an entry. It is one transaction: a crash before it
 * leaves the session as it was, and the next turn decides again.
 */
function createCheckpoints({ sql, commit, read }: Transactions, transcripts: TranscriptRows) {
  const selectLast = sql`
    SELECT last_entry, kind FROM checkpoint WHERE session_key = ? ORDER BY id DESC LIMIT 1`;
  const selectOpen = sql.rows(toEntry)`SELECT ${entryColumns} FROM entry
     WHERE session_key = ? AND id > ? ORDER BY id DESC LIMIT ?`;
  const selectCount = sql.rows(COUNT.read)`
    SELECT COUNT(*) AS count FROM entry WHERE session_key = ? AND id > ?`;
  const selectPlace = sql.rows(PLACE.read)`SELECT id, message_id, role FROM entry
     WHERE session_key = ? AND id > ? ORDER BY id LIMIT 1 OFFSET ?`;
  const selectRange = sql`
    SELECT MAX(agent_id) AS agent_id, MIN(id) AS first, MAX(id) AS last, COUNT(*) AS entries,
           json_group_array(DISTINCT message_id) AS message_ids
    FROM entry WHERE session_key = :key AND id > :after AND id <= :upTo`;
  const insert = sql`INSERT INTO checkpoint
       (agent_id, session_key, kind, cause, first_entry, last_entry, entries, message_ids,
        boundary, summary, model_id, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
  const selectFolded = sql`
    SELECT SUM(entries) AS entries, SUM(json_array_length(message_ids)) AS messages, MAX(at) AS at,
           (SELECT length(summary) FROM checkpoint
            WHERE session_key = :key ORDER BY id DESC LIMIT 1) AS chars,
           (SELECT model_id FROM checkpoint
            WHERE session_key = :key ORDER BY id DESC LIMIT 1) AS model_id
    FROM checkpoint
    WHERE session_key = :key AND kind = 'summary' AND id > COALESCE(
      (SELECT MAX(id) FROM checkpoint WHERE session_key = :key AND kind = 'reset'), 0)`;

  const lastOf = (sessionKey: string) => {
    const row = selectLast.get(sessionKey);
    return row ? LAST.read(row) : { lastEntry: 0, kind: undefined };
  };
  const rangeOf = (key: string, after: number, upTo: number) =>
    ENTRIES.read(selectRange.get({ key, after, upTo }));

  /** Returns whether the table has the range; nothing is stored otherwise. */
  function storeFold(record: FoldRecord): boolean {
    const { agentId, sessionKey, cause, count, last, summary, modelId, now } = record;
    const { lastEntry: after } = lastOf(sessionKey);
    const place = selectPlace.get(sessionKey, after, count - 1);
    if (place?.messageId !== last.messageId || place.role !== last.role) return false;
    const { first, entries, messageIds: ids } = rangeOf(sessionKey, after, place.id);
    insert.run(
      ...[agentId, sessionKey, "summary", cause, first ?? null, place.id, entries, ids],
      ...[summary.boundary, summary.text, modelId ?? null, now],
    );
    return true;
  }

  return {
    /** The newest checkpoint of a session; `undefined` if it has none. */
    checkpointOf: transcripts.checkpointOf,
    /** The newest `limit` entries since the newest checkpoint, oldest first. */
    async openEntries(sessionKey: string, limit: number): Promise<OpenEntries> {
      const changes = transcripts.changesOf(sessionKey);
      const open = await read(() => {
        const { lastEntry: after } = lastOf(sessionKey);
        const { count } = selectCount.one(sessionKey, after);
        const entries = selectOpen.all(sessionKey, after, limit).reverse();
        return { older: count - entries.length, entries };
      });
      return changes === 0 ? open : { ...open, changes };
    },
    /**
     * Folds the oldest entries since the newest checkpoint.
     *
     * @returns `false`, and stores nothing, if the range is another one by now: a newer checkpoint has
     * entries of it, or some are removed.
     */
    async fold({ changes = 0, ...fold }: Fold, now: number) {
      const { sessionKey } = fold;
      // The summary may have words that their sender has removed meanwhile.
      const isOld = () => changes !== transcripts.changesOf(sessionKey);
      const summary = { ...fold.summary, text: withoutControls(fold.summary.text) };
      const record: FoldRecord = { ...fold, summary, now };
      const isStored = await commit(UNNAMED, () => !isOld() && storeFold(record));
      transcripts.drop(sessionKey);
      return isStored;
    },
    /**
     * Begins a new transcript under the same key (S4a).
     *
     * @returns Number of entries that the model does not see any more; 0 if there was nothing to
     * leave behind.
     */
    async reset(sessionKey: string, cause: ResetCause, now: number) {
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
    /** The part of a session that summaries stand for, since its last reset. */
    foldedOf: (sessionKey: string): Promise<Folded> =>
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
