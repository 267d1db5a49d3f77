/** `store.notes`: the agent's memory (T14). */

import type { DatabaseSync } from "node:sqlite";
import type { MessageId } from "../../core/discord/ids.ts";
import { COUNT, integer, json, rows } from "../schema/columns.ts";
import { NOTE } from "../schema/notes.ts";
import { MAX_NOTES, type Note } from "../../core/notes/note.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Notes } from "../../core/store/notes.ts";

const STORED = NOTE.pick(
  "id",
  "agentId",
  "scope",
  "scopeKey",
  "space",
  "authorId",
  "text",
  "createdAt",
  "updatedAt",
);
const SOURCES = rows({ sources: json<readonly MessageId[]>() });
const ID = rows({ id: integer() });

const COLUMNS = `${STORED.columns("n")},
  (SELECT json_group_array(message_id) FROM note_source WHERE note_row = n.id) AS sources`;

/** Creates the namespace. */
export function createNotes(database: DatabaseSync, { commit, read }: Transactions): Notes {
  const byKey = database.prepare(`SELECT ${COLUMNS} FROM note AS n WHERE call_key = ?`);
  const byId = database.prepare(`SELECT ${COLUMNS} FROM note AS n WHERE n.id = ?`);
  const count = database.prepare(
    "SELECT COUNT(*) AS count FROM note WHERE agent_id = ? AND scope_key = ?",
  );
  const insert = NOTE.prepareInsert(database, "RETURNING id");
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

  const readNote = (row: unknown): Note => ({ ...STORED.read(row), ...SOURCES.read(row) });

  function removeNow(id: number): boolean {
    removeSources.run(id);
    return remove.run(id).changes > 0;
  }

  return {
    save(note, now) {
      const { agentId, scopeKey, callKey, sources, ...kept } = note;
      return commit(COMMIT_OPTIONS.BY_HAND, () => {
        const known = byKey.get(callKey);
        if (known) return readNote(known);
        if (COUNT.read(count.get(agentId, scopeKey)).count >= MAX_NOTES) return undefined;
        const text = withoutControls(note.text);
        const added = { ...kept, agentId, scopeKey, callKey, text, createdAt: now, updatedAt: now };
        const { id } = ID.read(insert(added));
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
  };
}

/** Maximum number of words of a query. */
const MAX_WORDS = 32;

/** A query of FTS5 for any word that begins like one of the text; empty if the text has none. */
function wordsOf(query: string): string {
  const words = query.match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.slice(0, MAX_WORDS).map((word) => `"${word}"*`).join(" OR ");
}
