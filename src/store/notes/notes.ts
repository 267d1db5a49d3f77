/** `store.notes`: the agent's memory (T14). */

import { setImmediate as otherWork } from "node:timers/promises";
import type { MessageId, UserId } from "../../core/discord/ids.ts";
import { createNearness, type NearNote, type NoteText } from "../../core/notes/embedding.ts";
import { MAX_NOTES, type NewNote, type Note } from "../../core/notes/note.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { NOTE } from "../schema/agent.ts";
import { bytes, COUNT, integer, json, rows } from "../schema/columns.ts";

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

export function createNotes(
  { database, sql, commit, read }: Transactions,
) {
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
      }),
    /** Deletes a note. @returns Whether it existed. */
    remove: (id: number) => commit(COMMIT_OPTIONS.BY_HAND, () => remove.run(id).changes > 0),
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

/** Vectors that are compared at once; other work runs in between. */
const PAGE = 256;

const TEXT = NOTE.pick("id", "text", "agentId");

export type OwnNoteText = ReturnType<typeof TEXT.read>;

const NOTE_ID = NOTE.pick("id");
const VECTOR = rows({ id: integer(), vector: bytes() });
const COUNTS = rows({ notes: integer(), embedded: integer() });

/** Number of all notes, and of those with a vector of a model. */
export type EmbeddedCount = ReturnType<typeof COUNTS.read>;

/**
 * The vectors of `store.notes`: made for stored notes, and compared by a search (T14).
 *
 * A vector goes with its note, and with a change of the note's text. So a note without a vector of
 * the current model is the only sign that one must be made, also after a crash.
 */
export function createNoteVectors(
  { sql, commit, read }: Transactions,
) {
  const withoutVector = sql.rows(TEXT.read)`SELECT n.id, n.text, n.agent_id FROM note AS n
     WHERE NOT EXISTS (
       SELECT 1 FROM note_vector AS v WHERE v.note_row = n.id AND v.model = :modelId
         AND (:dimension IS NULL OR v.dimension IN (0, :dimension))
     )
     ORDER BY n.id DESC LIMIT :limit`;
  const keep = sql`INSERT OR REPLACE INTO note_vector (note_row, model, dimension, vector)
     SELECT id, :modelId, :dimension, :vector FROM note WHERE id = :id AND text = :text`;
  const visible = sql.rows(NOTE_ID.read)`SELECT id FROM note
     WHERE agent_id = ? AND scope_key IN (SELECT value FROM json_each(?))`;
  const page = sql`SELECT v.note_row AS id, v.vector FROM json_each(:ids) AS i
     CROSS JOIN note_vector AS v ON v.note_row = i.value
     WHERE v.model = :modelId AND v.dimension = :dimension`;
  const count = sql`SELECT COUNT(*) AS notes, COUNT(v.note_row) AS embedded
     FROM note AS n LEFT JOIN note_vector AS v ON v.note_row = n.id AND v.model = ?
       AND v.dimension > 0`;

  return {
    /**
     * The newest notes without a vector of a model.
     *
     * @param dimension Number of dimensions that its vectors have; others count as missing. Absent:
     * vectors of any length count.
     */
    unembedded: (
      modelId: string,
      dimension: number | undefined,
      limit: number,
    ): Promise<readonly OwnNoteText[]> =>
      read(() => withoutVector.all({ modelId, dimension: dimension ?? null, limit })),
    /**
     * Stores vectors of notes that still have the text; an empty one if the model's server refuses
     * it. Another model's vectors are replaced.
     */
    async keepVectors(
      modelId: string,
      vectors: readonly (NoteText & { readonly vector: Int8Array })[],
    ) {
      await commit(UNNAMED, () => {
        for (const { id, text, vector } of vectors) {
          const { buffer, byteOffset, length } = vector;
          const bytes = new Uint8Array(buffer, byteOffset, length);
          keep.run({ modelId, dimension: length, vector: bytes, id, text });
        }
      });
    },
    /** Notes of some keys, the nearest first. No other note is compared. */
    async nearest(
      agentId: string,
      keys: readonly string[],
      modelId: string,
      vector: Int8Array,
      limit: number,
    ): Promise<readonly NearNote[]> {
      const nearnessOf = createNearness(vector);
      const ids = await read(() => visible.all(agentId, JSON.stringify(keys)).map(({ id }) => id));
      const found: NearNote[] = [];
      for (let from = 0; from < ids.length; from += PAGE) {
        if (from > 0) await otherWork();
        const among = JSON.stringify(ids.slice(from, from + PAGE));
        const rows = await read(() => page.all({ ids: among, modelId, dimension: vector.length }));
        for (const row of rows) {
          const { id, vector: { buffer, byteOffset, length } } = VECTOR.read(row);
          const nearness = nearnessOf(new Int8Array(buffer, byteOffset, length));
          if (nearness !== undefined) found.push({ id, nearness });
        }
      }
      return found.toSorted((one, other) => other.nearness - one.nearness).slice(0, limit);
    },
    countEmbedded: (modelId: string): Promise<EmbeddedCount> =>
      read(() => COUNTS.read(count.get(modelId))),
  };
}

export type NoteVectors = ReturnType<typeof createNoteVectors>;
