/**
 * Notes of the agent's memory: `store.notes` with their tables, and who may see them (T14, SEC-R4).
 *
 * A note belongs to the space in which it was written: a guild, a group, or the direct messages of
 * one person. No turn outside of this space sees it. A note of an age-restricted channel has a key of
 * its own, so only turns in such channels see it (H9).
 */

import type { ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS, type Transactions } from "../../store/database/commits.ts";
import {
  COUNT,
  type DeclaredTable,
  flag,
  IN,
  integer,
  json,
  oneOf,
  rowNumber,
  rows,
  snowflake,
  table,
  text,
  unique,
} from "../../store/schema/columns.ts";

export const NOTE_SCOPES = ["member", "channel", "guild", "agent"] as const;

/**
 * Whose notes they are.
 *
 * - `member`: of one person in a guild, seen only in this person's turns there.
 * - `channel`: of a channel, a thread, a group, or the direct messages of a person.
 * - `guild`: of all channels of a guild; only owners write them.
 * - `agent`: of all direct messages of owners; only owners write and see them.
 */
export type NoteScope = (typeof NOTE_SCOPES)[number];

export interface Note {
  /** The store's number, which is never used again. */
  readonly id: number;
  /** The agent whose turns see it. */
  readonly agentId: string;
  readonly scope: NoteScope;
  readonly scopeKey: string;
  readonly space: string;
  /** The channel or thread in which it was written. */
  readonly channelId: ChannelId;
  /** The person in whose turn it was written. */
  readonly authorId: UserId;
  readonly text: string;
  /** Messages that it came from; if one is deleted, so is the note. */
  readonly sources: readonly MessageId[];
  readonly createdAt: number;
  readonly updatedAt: number;
}

interface NewNote extends Omit<Note, "id" | "createdAt" | "updatedAt"> {
  /** Identifies the call that saves it, so that a repeated call saves no second one. */
  readonly callKey: string;
  /** Whether it stays if a message goes that its turn has only read (H6a). */
  readonly isOwnWords: boolean;
}

/** Maximum number of notes with one key. */
export const MAX_NOTES = 200;
/** Maximum characters of a note. */
export const MAX_NOTE_CHARS = 1_000;

/** The facts of a message that decide which notes its turn sees. */
type NoteAsker = Pick<InboundMessage, "place" | "channelId" | "guildId" | "sender">;

/** The space of a message: notes never leave it. */
export function spaceOf({ place, channelId, sender }: NoteAsker): string {
  switch (place.kind) {
    case "guild":
      return `guild:${place.guild.id}`;
    case "group_dm":
      return `group:${channelId}`;
    case "dm":
      return `dm:${sender.id}`;
  }
}

/**
 * The key of a scope, for a message.
 *
 * @returns `undefined` if the place has no such scope: `guild` outside of guilds, `agent` outside of
 * direct messages.
 */
export function scopeKeyOf(scope: NoteScope, asker: NoteAsker): string | undefined {
  const { place, channelId, sender } = asker;
  switch (scope) {
    case "member":
      return `member:${spaceOf(asker)}:${memberOf(sender)}${ageLimitOf(place)}`;
    case "channel":
      return `channel:${channelId}`; // it has one age limit
    case "guild":
      return place.kind === "guild" ? `${spaceOf(asker)}${ageLimitOf(place)}` : undefined;
    case "agent":
      return place.kind === "dm" ? "agent" : undefined;
  }
}

/** The keys of all notes that a turn may see. */
export function visibleKeys(asker: NoteAsker, isOwner: boolean): readonly string[] {
  const keys = NOTE_SCOPES.flatMap((scope) => {
    const key = scope === "agent" && !isOwner ? undefined : scopeKeyOf(scope, asker);
    return key === undefined ? [] : [key];
  });
  const { place } = asker;
  if (place.kind !== "guild" || !place.isAgeRestricted) return keys;
  const { isAgeRestricted: _, ...unrestricted } = place;
  return [...new Set([...keys, ...visibleKeys({ ...asker, place: unrestricted }, isOwner)])];
}

function ageLimitOf(place: NoteAsker["place"]): string {
  return place.kind === "guild" && place.isAgeRestricted ? ":age-restricted" : "";
}

/** Members of a PluralKit system share an account, and are different people. */
function memberOf({ id, pluralkit }: NoteAsker["sender"]): string {
  return pluralkit ? `${id}/pk:${pluralkit.memberId}` : id;
}

/** SQL for the index of the words of notes, and for the triggers that keep it. */
const NOTE_WORDS = `
  CREATE VIRTUAL TABLE note_words USING fts5(
    text, content = 'note', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
  );
  INSERT INTO note_words (note_words, rank) VALUES ('secure-delete', 1);
  CREATE TRIGGER note_added AFTER INSERT ON note BEGIN
    INSERT INTO note_words (rowid, text) VALUES (new.id, new.text);
  END;
  CREATE TRIGGER note_removed AFTER DELETE ON note BEGIN
    INSERT INTO note_words (note_words, rowid, text) VALUES ('delete', old.id, old.text);
    DELETE FROM note_source WHERE note_row = old.id;
  END;
  CREATE TRIGGER note_changed AFTER UPDATE OF text ON note BEGIN
    INSERT INTO note_words (note_words, rowid, text) VALUES ('delete', old.id, old.text);
    INSERT INTO note_words (rowid, text) VALUES (new.id, new.text);
  END;
`;

/** A note. A table of FTS5 has its words. */
const NOTE = table("note", {
  id: rowNumber(true), // people name notes by it
  agentId: text(),
  scope: oneOf(...NOTE_SCOPES),
  scopeKey: text(), // turns see the notes of some keys
  space: text(), // guild, group or direct messages in which it was written
  authorId: snowflake<"user">(),
  callKey: unique(text()), // of the call that saved it
  text: text(),
  createdAt: integer(),
  updatedAt: integer(),
  channelId: snowflake<"channel">(), // in which it was written
  isOwnWords: flag(), // of the messages that its turn answered
}, {
  sql: `
    CREATE INDEX note_in_scope ON note (agent_id, scope_key, updated_at);
    CREATE INDEX note_by_author ON note (author_id, space);
    ${NOTE_WORDS}`,
  holds: {
    under: "Texts",
    data: "Notes of the agent's memory, with the IDs of author and source messages",
    kept:
      `${MAX_NOTES} of a person, channel or server at most; until the author, the model or the ` +
      "operator deletes them, or a source message is deleted while the bot runs. A source is each " +
      "message that the turn has read, unless the note has only words of the person that it answered",
  },
  forgets: {
    delete: "author_id = :userId OR id IN (SELECT note_row FROM note_source WHERE " +
      `${IN("message_id", "messages")})`,
    scrub: ["text"],
  },
});

const NOTE_SOURCE = table("note_source", {
  messageId: snowflake<"message">(),
  noteRow: integer(),
  agentId: text(),
}, {
  key: ["messageId", "noteRow"],
  sql: "CREATE INDEX note_source_of ON note_source (note_row);",
  holds: "note",
  forgets: "triggers of the table note change it",
});

/** A note goes with its sources. */
export const NOTE_TABLES: readonly DeclaredTable[] = [NOTE, NOTE_SOURCE];

const STORED = NOTE.without("callKey", "isOwnWords");
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
