/**
 * `store.notes`: the agent's memory (T14).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { MAX_NOTES, type Note, NOTE_SCOPES } from "../../core/notes/note.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Notes } from "../../core/store/notes.ts";

const noteSchema = z.object({
  id: column.number,
  scope: z.enum(NOTE_SCOPES),
  scope_key: column.text,
  space: column.text,
  author_id: snowflakeSchema<"user">(),
  text: column.text,
  sources: column.text,
  created_at: column.number,
  updated_at: column.number,
}).transform((row): Note => ({
  id: row.id,
  scope: row.scope,
  scopeKey: row.scope_key,
  space: row.space,
  authorId: row.author_id,
  text: row.text,
  sources: sourcesSchema.parse(JSON.parse(row.sources)),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
}));
const sourcesSchema = z.array(snowflakeSchema<"message">());
const idSchema = z.object({ id: column.number });
const countSchema = z.object({ count: column.number });

const COLUMNS =
  `n.id, n.scope, n.scope_key, n.space, n.author_id, n.text, n.created_at, n.updated_at,
  (SELECT json_group_array(message_id) FROM note_source WHERE note_row = n.id) AS sources`;

/**
 * Creates the namespace.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createNotes(
  database: DatabaseSync,
  { commit, read }: Pick<Transactions, "commit" | "read">,
): Notes {
  const byKey = database.prepare(`SELECT ${COLUMNS} FROM note AS n WHERE call_key = ?`);
  const byId = database.prepare(`SELECT ${COLUMNS} FROM note AS n WHERE n.id = ?`);
  const count = database.prepare(
    "SELECT COUNT(*) AS count FROM note WHERE agent_id = ? AND scope_key = ?",
  );
  const insert = database.prepare(
    `INSERT INTO note (agent_id, scope, scope_key, space, author_id, call_key, text, created_at,
                       updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
  );
  const addSource = database.prepare(
    `INSERT OR IGNORE INTO note_source (message_id, note_row, agent_id)
     SELECT ?, id, agent_id FROM note WHERE id = ?`,
  );
  const newest = database.prepare(
    `SELECT ${COLUMNS} FROM note AS n
     WHERE n.agent_id = ? AND n.scope_key IN (SELECT value FROM json_each(?))
     ORDER BY n.updated_at DESC, n.id DESC LIMIT ?`,
  );
  const matching = database.prepare(
    `SELECT ${COLUMNS} FROM note_words AS w JOIN note AS n ON n.id = w.rowid
     WHERE w.note_words MATCH ? AND n.agent_id = ?
       AND n.scope_key IN (SELECT value FROM json_each(?))
     ORDER BY bm25(note_words), n.id DESC LIMIT ?`,
  );
  const byAuthor = database.prepare(
    `SELECT ${COLUMNS} FROM note AS n
     WHERE n.author_id = :authorId AND (:space IS NULL OR n.space = :space)
     ORDER BY n.id DESC LIMIT :limit`,
  );
  const everything = database.prepare(
    `SELECT ${COLUMNS} FROM note AS n WHERE :authorId IS NULL OR n.author_id = :authorId
     ORDER BY n.id`,
  );
  const update = database.prepare("UPDATE note SET text = ?, updated_at = ? WHERE id = ?");
  const removeSources = database.prepare("DELETE FROM note_source WHERE note_row = ?");
  const remove = database.prepare("DELETE FROM note WHERE id = ?");
  const sourced = database.prepare("SELECT note_row AS id FROM note_source WHERE message_id = ?");

  const readNote = (row: unknown): Note => noteSchema.parse(row);

  function removeNow(id: number): boolean {
    removeSources.run(id);
    return remove.run(id).changes > 0;
  }

  return {
    save(note, now) {
      const { agentId, scope, scopeKey, space, authorId, callKey, sources } = note;
      return commit(COMMIT_OPTIONS.BY_HAND, () => {
        const known = byKey.get(callKey);
        if (known) return readNote(known);
        if (countSchema.parse(count.get(agentId, scopeKey)).count >= MAX_NOTES) return undefined;
        const text = withoutControls(note.text);
        const added = insert
          .get(agentId, scope, scopeKey, space, authorId, callKey, text, now, now);
        const { id } = idSchema.parse(added);
        for (const source of sources) addSource.run(source, id);
        return readNote(byId.get(id));
      });
    },
    search: (agentId, keys, query, limit) =>
      read(() => {
        const words = wordsOf(query);
        const among = JSON.stringify(keys);
        return words === ""
          ? newest.all(agentId, among, limit).map(readNote)
          : matching.all(words, agentId, among, limit).map(readNote);
      }),
    find: (id) =>
      read(() => {
        const row = byId.get(id);
        return row && readNote(row);
      }),
    by: (authorId, space, limit) =>
      read(() => byAuthor.all({ authorId, space: space ?? null, limit }).map(readNote)),
    all: (authorId) => read(() => everything.all({ authorId: authorId ?? null }).map(readNote)),
    update: (id, text, sources, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        const isThere = update.run(withoutControls(text), now, id).changes > 0;
        if (isThere) { for (const source of sources) addSource.run(source, id); }
        return isThere;
      }),
    remove: (id) => commit(COMMIT_OPTIONS.BY_HAND, () => removeNow(id)),
    async withdraw(messageIds) {
      const isAny = await read(() => messageIds.some((id) => sourced.get(id) !== undefined));
      if (!isAny) return []; // as almost always: then nothing is written
      return await commit(COMMIT_OPTIONS.BY_HAND, () => {
        const ids = messageIds.flatMap((messageId) => sourced.all(messageId))
          .map((row) => idSchema.parse(row).id);
        return [...new Set(ids)].filter(removeNow);
      });
    },
  };
}

/** Maximum number of words of a query. */
const MAX_WORDS = 32;

/** A query of FTS5 for any word that begins like one of the text; empty if the text has none. */
function wordsOf(query: string): string {
  const words = query.match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.slice(0, MAX_WORDS).map((word) => `"${word}"*`).join(" OR ");
}
