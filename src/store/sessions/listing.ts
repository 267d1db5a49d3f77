/**
 * Lists the sessions of all agents, and reads their whole transcripts, for the command line.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import type { NumberedEntry } from "../../core/turn/checkpoint.ts";
import type { Transactions } from "../database/transact.ts";
import { entryColumns, toEntry } from "../turns/entry_rows.ts";
import type { ListedCheckpoint, ListedSession, Listing } from "../../core/store/sessions.ts";

const keySchema = z.object({ key: column.text });
const listedSchema = z.object({
  agent_id: column.text,
  entries: column.number,
  current: column.number,
  open: column.number,
  open_chars: column.number,
  summary_chars: column.number,
  first_at: column.number,
  last_at: column.number,
  message: column.textOrNull,
});
const numberSchema = z.object({ id: column.number });
const checkpointSchema = z.object({
  kind: z.enum(["reset", "summary"]),
  cause: column.text,
  first_entry: column.number,
  last_entry: column.number,
  entries: column.number,
  message_ids: z.string().transform((text): readonly string[] => JSON.parse(text)), // ours
  summary: column.textOrNull,
  model_id: column.textOrNull,
  at: column.number,
});

/**
 * Creates the reader.
 *
 * @param database Open and migrated.
 */
export function createListing(
  database: DatabaseSync,
  { read }: Pick<Transactions, "read">,
): Listing {
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
            c.summary_chars, (SELECT i.message FROM inbox AS i WHERE i.message_id = (
              SELECT message_id FROM entry WHERE session_key = :key ORDER BY id DESC LIMIT 1
            )) AS message
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
        selectKeys.all().map((row) => keySchema.parse(row).key)
          .map((key) => toListed(key, selectOne.get({ key })))
          .toSorted((one, other) => other.lastAt - one.lastAt)
      ),
    page: (sessionKey, after, limit) =>
      read(() => selectPage.all(sessionKey, after, limit).map(toNumbered)),
    newestOf: (sessionKey, limit) =>
      read(() => selectNewest.all(sessionKey, limit).map(toNumbered).reverse()),
    checkpointsOf: (sessionKey) => read(() => selectCheckpoints.all(sessionKey).map(toCheckpoint)),
  };
}

function toNumbered(row: unknown): NumberedEntry {
  return { id: numberSchema.parse(row).id, entry: toEntry(row) };
}

/** `message` is ours, written by `inbox/rows.ts`. */
function toListed(sessionKey: string, row: unknown): ListedSession {
  const { agent_id, entries, current, open, message, ...rest } = listedSchema.parse(row);
  return {
    sessionKey,
    agentId: agent_id,
    entries,
    current,
    open,
    openChars: rest.open_chars,
    summaryChars: rest.summary_chars,
    firstAt: rest.first_at,
    lastAt: rest.last_at,
    newest: message !== null ? JSON.parse(message) : undefined,
  };
}

function toCheckpoint(row: unknown): ListedCheckpoint {
  const { kind, cause, entries, at, ...rest } = checkpointSchema.parse(row);
  return {
    kind,
    cause,
    firstEntry: rest.first_entry,
    lastEntry: rest.last_entry,
    entries,
    messageIds: rest.message_ids,
    summary: rest.summary ?? undefined,
    modelId: rest.model_id ?? undefined,
    at,
  };
}
