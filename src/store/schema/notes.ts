/**
 * Tables of the agent's notes (T14), with an index of their words and vectors of their meaning.
 *
 * @module
 */

/** SQL for the tables of notes. A deleted note leaves no words in the index, and no vector. */
export const NOTES = `
  CREATE TABLE note (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- people name notes by it, so none comes again
    agent_id   TEXT NOT NULL,
    scope      TEXT NOT NULL CHECK (scope IN ('member', 'channel', 'guild', 'agent')),
    scope_key  TEXT NOT NULL, -- turns see the notes of some keys
    space      TEXT NOT NULL, -- guild, group or direct messages in which it was written
    author_id  TEXT NOT NULL,
    call_key   TEXT NOT NULL UNIQUE, -- of the call that saved it
    text       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX note_in_scope ON note (agent_id, scope_key, updated_at);
  CREATE INDEX note_by_author ON note (author_id, space);

  CREATE TABLE note_source ( -- messages that a note came from
    message_id TEXT NOT NULL,
    note_row   INTEGER NOT NULL,
    agent_id   TEXT NOT NULL,
    PRIMARY KEY (message_id, note_row)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX note_source_of ON note_source (note_row);

  CREATE TABLE note_vector ( -- made after the note is stored, so a note may have none
    note_row  INTEGER PRIMARY KEY,
    model     TEXT NOT NULL, -- that made it: "<provider>/<model>"
    dimension INTEGER NOT NULL, -- 0: the model's server refuses the note's text
    vector    BLOB NOT NULL -- a signed byte for each dimension
  ) STRICT;

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
