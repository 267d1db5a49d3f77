/** `store.sessions`: the checkpoints of conversations, their folded entries, and their lists. */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import { entryColumns, toEntry, type TranscriptRows } from "../turns/transcripts.ts";
import type { Listing, Recalled, Sessions } from "../../core/store/sessions.ts";
import { integer, json, oneOf, optional, rows, text } from "../schema/columns.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { NumberedEntry } from "../../core/turn/checkpoint.ts";
import { createCheckpoints } from "./checkpoints.ts";

/** Creates the namespace. */
export function createSessions(
  database: DatabaseSync,
  transactions: Transactions,
  transcripts: TranscriptRows,
): Sessions {
  return joinParts(
    createCheckpoints(database, transactions, transcripts),
    createListing(database, transactions),
    createRecalled(database, transactions),
  );
}

const KEY = rows({ key: text() });
const LISTED = rows({
  agentId: text(),
  entries: integer(),
  current: integer(),
  open: integer(),
  openChars: integer(),
  summaryChars: integer(),
  firstAt: integer(),
  lastAt: integer(),
  newest: optional(json<InboundMessage>()), // ours, written by `inbox/rows.ts`
});
const NUMBER = rows({ id: integer() });
const CHECKPOINT = rows({
  kind: oneOf("reset", "summary"),
  cause: text(),
  firstEntry: integer(),
  lastEntry: integer(),
  entries: integer(),
  messageIds: json<readonly string[]>(),
  summary: optional(text()),
  modelId: optional(text()),
  at: integer(),
});

/** Creates the reader. */
function createListing(database: DatabaseSync, { read }: Transactions): Listing {
  // Steps from key to key in the index: reading every entry would take long.
  const selectKeys = database.prepare(
    `WITH RECURSIVE keys (key) AS (
       SELECT MIN(session_key) FROM entry
       UNION ALL
       SELECT (SELECT MIN(session_key) FROM entry WHERE session_key > key) FROM keys
       WHERE key IS NOT NULL
     )
     SELECT key FROM keys WHERE key IS NOT NULL`,
  );
  const selectOne = database.prepare(
    `SELECT MAX(e.agent_id) AS agent_id, COUNT(*) AS entries, MIN(e.at) AS first_at,
            MAX(e.at) AS last_at, SUM(e.id > c.reset_at) AS current, SUM(e.id > c.folded) AS open,
            SUM(CASE WHEN e.id > c.folded THEN length(e.text) ELSE 0 END) AS open_chars,
            c.summary_chars, (SELECT i.message FROM entry AS n -- the newest one may be forgotten
              JOIN inbox AS i ON i.message_id = n.message_id
              WHERE n.session_key = :key ORDER BY n.id DESC LIMIT 1) AS newest
     FROM (
       SELECT COALESCE((SELECT last_entry FROM checkpoint
                        WHERE session_key = :key AND kind = 'reset' ORDER BY id DESC LIMIT 1), 0)
                AS reset_at,
              COALESCE((SELECT last_entry FROM checkpoint
                        WHERE session_key = :key ORDER BY id DESC LIMIT 1), 0) AS folded,
              COALESCE((SELECT length(summary) FROM checkpoint
                        WHERE session_key = :key ORDER BY id DESC LIMIT 1), 0) AS summary_chars
     ) AS c CROSS JOIN entry AS e
     WHERE e.session_key = :key`,
  );
  const selectPage = database.prepare(
    `SELECT id, ${entryColumns} FROM entry WHERE session_key = ? AND id > ? ORDER BY id LIMIT ?`,
  );
  const selectNewest = database.prepare(
    `SELECT id, ${entryColumns} FROM entry WHERE session_key = ? ORDER BY id DESC LIMIT ?`,
  );
  const selectCheckpoints = database.prepare(
    "SELECT * FROM checkpoint WHERE session_key = ? ORDER BY id",
  );

  return {
    list: () =>
      read(() =>
        selectKeys.all().map((row) => KEY.read(row).key)
          .map((sessionKey) => ({ sessionKey, ...LISTED.read(selectOne.get({ key: sessionKey })) }))
          .toSorted((one, other) => other.lastAt - one.lastAt)
      ),
    page: (sessionKey, after, limit) =>
      read(() => selectPage.all(sessionKey, after, limit).map(toNumbered)),
    newestOf: (sessionKey, limit) =>
      read(() => selectNewest.all(sessionKey, limit).map(toNumbered).reverse()),
    checkpointsOf: (sessionKey) =>
      read(() => selectCheckpoints.all(sessionKey).map(CHECKPOINT.read)),
  };
}

function toNumbered(row: unknown): NumberedEntry {
  return { id: NUMBER.read(row).id, entry: toEntry(row) };
}

const RANGE = rows({ after: integer(), upTo: integer() });
const MATCHES = rows({ matches: integer() });

/**
 * Reads folded entries of a session again, for the tool `recall`. Only entries since the last reset
 * are found, and only those of the session itself.
 */
function createRecalled(database: DatabaseSync, { read }: Transactions): Recalled {
  const selectRange = database.prepare(
    `SELECT COALESCE((SELECT last_entry FROM checkpoint
                      WHERE session_key = :key AND kind = 'reset' ORDER BY id DESC LIMIT 1), 0)
              AS after,
            COALESCE((SELECT last_entry FROM checkpoint
                      WHERE session_key = :key ORDER BY id DESC LIMIT 1), 0) AS up_to`,
  );
  const matching = `FROM entry
     WHERE session_key = :key AND id > :after AND id <= :upTo
       AND (:ids = '[]' OR message_id IN (SELECT value FROM json_each(:ids)))
       AND NOT EXISTS (
         SELECT 1 FROM json_each(:words) AS w WHERE instr(lower(text), w.value) = 0
       )`;
  const select = database.prepare(
    `SELECT ${entryColumns} ${matching} ORDER BY id DESC LIMIT :limit`,
  );
  const count = database.prepare(`SELECT COUNT(*) AS matches ${matching}`);

  return {
    recall: (sessionKey, { messageIds, words, limit }) =>
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
          entries: select.all({ ...query, limit }).map(toEntry).reverse(),
          matches: MATCHES.read(count.get(query)).matches,
        };
      }),
  };
}
