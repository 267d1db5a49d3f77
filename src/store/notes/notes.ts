/** `store.notes`: the agent's memory (T14). */

import type { MessageId, UserId } from "../../core/discord/ids.ts";
import { MAX_NOTES, type NewNote, type Note } from "../../core/notes/note.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS } from "../database/commits.ts";
import type { Transactions } from "../database/commits.ts";
import { NOTE } from "../schema/agent.ts";
import { COUNT, integer, json, rows } from "../schema/columns.ts";

const STORED = NOTE.pick(
  "id",
  "agentId",
  "scope",
  "scopeKey",
  "space",
  "channelId",
  "authorId",
  "text",
  "createdAt",
  "updatedAt",
);
const SOURCES = rows({ sources: json<readonly MessageId[]>() });
const ID = rows({ id: integer() });

const COLUMNS = `${STORED.columns("n")},
  (SELECT json_group_array(message_id) FROM note_source WHERE note_row = n.id) AS sources`;

const readNote = (row: unknown): Note => ({ ...STORED.read(row), ...SOURCES.read(row) });

export function createNotes({ database, sql, commit, read }: Transactions) {
  const byKey = sql`SELECT ${COLUMNS} FROM note AS n WHERE call_key = ?`;
  const byId = sql`SELECT ${COLUMNS} FROM note AS n WHERE n.id = ?`;
  const count = sql`SELECT COUNT(*) AS count FROM note WHERE agent_id = ? AND scope_key = ?`;
  const insert = NOTE.prepareInsert(database, "RETURNING id");
  const addSource = sql`INSERT OR IGNORE INTO note_source (message_id, note_row, agent_id)
     SELECT ?, id, agent_id FROM note WHERE id = ?`;
  const newest = sql.rows(readNote)`SELECT ${COLUMNS} FROM note AS n
     WHERE n.agent_id = ? AND n.scope_key IN (SELECT value FROM json_each(?))
     ORDER BY n.updated_at DESC, n.id DESC LIMIT ?`;
  const matching = sql.rows(readNote)`
    SELECT ${COLUMNS} FROM note_words AS w JOIN note AS n ON n.id = w.rowid
    WHERE w.note_words MATCH ? AND n.agent_id = ?
      AND n.scope_key IN (SELECT value FROM json_each(?))
    ORDER BY bm25(note_words), n.id DESC LIMIT ?`;
  const byAuthor = sql.rows(readNote)`SELECT ${COLUMNS} FROM note AS n
     WHERE n.author_id = :authorId AND (:space IS NULL OR n.space = :space)
     ORDER BY n.id DESC LIMIT :limit`;
  const everything = sql.rows(readNote)`
    SELECT ${COLUMNS} FROM note AS n WHERE :authorId IS NULL OR n.author_id = :authorId
    ORDER BY n.id`;
  const update = sql`UPDATE note SET text = ?, updated_at = ?, is_own_words = ? WHERE id = ?`;
  const remove = sql`DELETE FROM note WHERE id = ?`;

  return {
    /**
     * Stores a note, once for each call.
     *
     * @returns The note, or `undefined` if its key has too many.
     */
    save(note: NewNote, now: number): Promise<Note | undefined> {
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
    /**
     * Notes of some keys that have any of the words, the best first.
     *
     * @param query Free text; without a word, the newest notes.
     */
    search: (
      agentId: string,
      keys: readonly string[],
      query: string,
      limit: number,
    ): Promise<readonly Note[]> =>
      read(() => {
        const words = wordsOf(query);
        const among = JSON.stringify(keys);
        return words === ""
          ? newest.all(agentId, among, limit)
          : matching.all(words, agentId, among, limit);
      }),
    /** One note; `undefined` if there is none with this number. */
    find: (id: number): Promise<Note | undefined> =>
      read(() => {
        const row = byId.get(id);
        return row && readNote(row);
      }),
    /** Notes by one person, newest first; in one space, if given. */
    by: (authorId: UserId, space: string | undefined, limit: number): Promise<readonly Note[]> =>
      read(() => byAuthor.all({ authorId, space: space ?? null, limit })),
    /** All notes in the order of their number; by one person, if given. */
    all: (authorId?: UserId): Promise<readonly Note[]> =>
      read(() => everything.all({ authorId: authorId ?? null })),
    /**
     * Replaces a note's text, and adds messages that it came from.
     *
     * @returns Whether the note existed.
     */
    update: (
      id: number,
      text: string,
      sources: readonly MessageId[],
      now: number,
      isOwnWords: boolean,
    ) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        const isThere = update.run(withoutControls(text), now, +isOwnWords, id).changes > 0;
        if (isThere) { for (const source of sources) addSource.run(source, id); }
        return isThere;
      }, { removes: true }),
    /** Deletes a note. @returns Whether it existed. */
    remove: (id: number) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => remove.run(id).changes > 0, { removes: true }),
  };
}

export type Notes = ReturnType<typeof createNotes>;

/** Maximum number of words of a query. */
const MAX_WORDS = 32;

/** A query of FTS5 for any word that begins like one of the text; empty if the text has none. */
function wordsOf(query: string): string {
  const words = query.match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.slice(0, MAX_WORDS).map((word) => `"${word}"*`).join(" OR ");
}
