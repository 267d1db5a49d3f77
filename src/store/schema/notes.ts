/**
 * The tables of the agent's memory (T14). A deleted note leaves no words in the index, and no vector.
 */

import { NOTE_SCOPES } from "../../core/notes/note.ts";
import {
  bytes,
  type DeclaredTable,
  IN,
  integer,
  key,
  oneOf,
  rowNumber,
  snowflake,
  table,
  text,
  unique,
} from "./columns.ts";

/** A note. */
export const NOTE = table("note", {
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
}, {
  sql: `
    CREATE INDEX note_in_scope ON note (agent_id, scope_key, updated_at);
    CREATE INDEX note_by_author ON note (author_id, space);`,
  forgets: {
    delete: "author_id = :userId OR id IN (SELECT note_row FROM note_source WHERE " +
      `${IN("message_id", "messages")})`,
    scrub: ["text"],
  },
});

/** A message that a note came from. */
export const NOTE_SOURCE = table("note_source", {
  messageId: snowflake<"message">(),
  noteRow: integer(),
  agentId: text(),
}, {
  key: ["messageId", "noteRow"],
  sql: "CREATE INDEX note_source_of ON note_source (note_row);",
  forgets: { delete: "note_row NOT IN (SELECT id FROM note)" },
});

/** The vector of a note. It is made after the note is stored, so a note may have none. */
export const NOTE_VECTOR = table("note_vector", {
  noteRow: key(integer()),
  model: text(), // that made it: "<provider>/<model>"
  dimension: integer(), // 0: the model's server refuses the note's text
  vector: bytes(), // a signed byte for each dimension
}, { forgets: "triggers of the table note change it" });

/** The tables of this topic. Parts are forgotten after the rows that they belong to. */
export const NOTE_TABLES: readonly DeclaredTable[] = [NOTE, NOTE_SOURCE, NOTE_VECTOR];

/** SQL for the index of the words of notes, and for the triggers that keep it. */
export const NOTE_WORDS = `
  CREATE VIRTUAL TABLE note_words USING fts5(
    text, content = 'note', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
  );
  INSERT INTO note_words (note_words, rank) VALUES ('secure-delete', 1);
  CREATE TRIGGER note_added AFTER INSERT ON note BEGIN
    INSERT INTO note_words (rowid, text) VALUES (new.id, new.text);
  END;
  CREATE TRIGGER note_removed AFTER DELETE ON note BEGIN
    INSERT INTO note_words (note_words, rowid, text) VALUES ('delete', old.id, old.text);
    DELETE FROM note_vector WHERE note_row = old.id;
  END;
  CREATE TRIGGER note_changed AFTER UPDATE OF text ON note BEGIN
    INSERT INTO note_words (note_words, rowid, text) VALUES ('delete', old.id, old.text);
    INSERT INTO note_words (rowid, text) VALUES (new.id, new.text);
    DELETE FROM note_vector WHERE note_row = old.id;
  END;
`;
