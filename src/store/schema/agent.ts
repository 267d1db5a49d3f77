/**
 * Tables of what the agent does by itself: notes, changes, and events of hooks.
 */

import type { UndoSteps } from "../../core/turn/discord_place.ts";
import { MAX_NOTES, NOTE_SCOPES } from "../../core/notes/note.ts";
import {
  account,
  type DeclaredTable,
  flag,
  IN,
  integer,
  json,
  oneOf,
  optional,
  rowNumber,
  snowflake,
  table,
  text,
  unique,
} from "./columns.ts";
import { DAY_MS } from "../../lib/clock.ts";

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

// The tables of destructive actions of tools, and of messages that tools posted (T3).

/** Milliseconds for which a row is kept: longer than the longest turn. */
export const CHANGES_KEPT_MS = 2 * DAY_MS;

/** A change. Its row is there before the change is made. */
export const DISCORD_CHANGE = table("discord_change", {
  id: rowNumber(true), // people name changes by it
  accountId: account(),
  callKey: unique(text()), // of the call that made it
  turnId: snowflake<"message">(), // message of the turn, which bounds their number
  askerId: snowflake<"user">(),
  guildId: optional(snowflake<"guild">()), // absent in direct messages
  channelId: optional(snowflake<"channel">()), // absent for a change of the whole guild
  what: text(), // its effect, as the end of "would"
  undo: optional(json<UndoSteps>()), // absent if it cannot be taken back
  madeAt: integer(),
  undoneAt: optional(integer()),
  undoneBy: optional(text()), // the call that took it back, which a crash may repeat
}, {
  sql: `
    CREATE INDEX discord_change_of_turn ON discord_change (account_id, turn_id);
    CREATE INDEX discord_change_by_time ON discord_change (account_id, made_at);`,
  isOfBot: true,
  holds: {
    under: "People",
    data: "Changes on Discord, with the way to take them back: person, place, names",
    kept: `${CHANGES_KEPT_MS / DAY_MS} days`,
  },
  forgets: { delete: "asker_id = :userId", scrub: ["what", "undo"] },
});

/** The columns that are a `MadeChange`. */
export const STORED_CHANGE = DISCORD_CHANGE.pick(
  "id",
  "accountId",
  "callKey",
  "turnId",
  "askerId",
  "guildId",
  "channelId",
  "what",
  "undo",
  "madeAt",
  "undoneAt",
  "undoneBy",
);

/** Milliseconds for which a posted message is kept: longer than the longest poll, of 32 days. */
export const POSTS_KEPT_MS = 60 * DAY_MS;

/** A message of the bot that is no row of the outbox, such as a poll. */
export const DISCORD_POST = table("discord_post", {
  accountId: account(),
  messageId: snowflake<"message">(),
  askerId: snowflake<"user">(), // whose message it is to change
  postedAt: integer(),
}, {
  key: ["accountId", "messageId"],
  sql: "CREATE INDEX discord_post_by_time ON discord_post (account_id, posted_at);",
  isOfBot: true,
  holds: {
    under: "People",
    data: "Polls and other posts of tools: message ID, and the ID of the person who asked",
    kept: `${POSTS_KEPT_MS / DAY_MS} days`,
  },
  forgets: { delete: "asker_id = :userId" },
});

/** The tables of this file. Parts are forgotten after the rows that they belong to. */
export const AGENT_TABLES: readonly DeclaredTable[] = [
  NOTE,
  NOTE_SOURCE,
  DISCORD_CHANGE,
  DISCORD_POST,
];
