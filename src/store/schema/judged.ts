/**
 * Tables of verdicts, of the policies that made them, of undecided messages, and of messages that
 * people search.
 */

import {
  account,
  type DeclaredTable,
  integer,
  json,
  onlyRow,
  optional,
  rowNumber,
  snowflake,
  table,
  text,
} from "./columns.ts";
import { BLANK_ID, changed, messageOf, stringIn } from "./person.ts";

const POLICY = table("policy", {
  id: rowNumber(),
  accountId: account(),
  hash: text(), // of its whole content
  file: optional(text()),
  text: optional(json()), // of the config file, with its secrets blanked
  names: json(), // ResolvedNames
  madeAt: integer(),
  usedAt: integer(), // when it last came into force
}, { unique: ["accountId", "hash"], forgets: { scrub: ["text", "names"] } });

/** Verdicts, one row for each message and account. */
const DECISION = table("decision", {
  id: rowNumber(), // in the order of deciding
  messageId: snowflake<"message">(),
  accountId: account(),
  channelId: snowflake<"channel">(),
  authorId: snowflake<"user">(),
  verdict: text(), // 'forgotten': only the message's id is left, for catch-up
  why: text(),
  rule: text(),
  policyRow: optional(integer()), // policy that judged; absent if none was stored
  facts: optional(json()), // core Facts, without words
  at: integer(),
}, {
  unique: ["messageId", "accountId"],
  sql: `
    CREATE INDEX decision_run ON decision (facts ->> '$.knownFacts.triggered.messageId')
      WHERE why = 'triggered';`,
  forgets: {
    change: {
      columns: ["message_id", "facts"],
      row(row, { messages, recent }, scrub) {
        const id = stringIn(row, "message_id");
        if (!messages.has(id)) return changed(row, ["facts"], scrub.json);
        return recent.has(id) ? FORGOTTEN : "delete";
      },
    },
  },
});

/** A decision of which only the message's id is left: catch-up must not answer the message (G6). */
const FORGOTTEN = {
  channel_id: BLANK_ID,
  author_id: BLANK_ID,
  verdict: "forgotten",
  why: "",
  rule: "",
  policy_row: null,
  facts: null,
};

/** Messages whose verdict waits for a fact. */
const UNDECIDED = table("undecided", {
  id: rowNumber(), // in the order of arrival
  accountId: account(),
  messageId: snowflake<"message">(),
  why: text(),
  agentId: optional(text()), // set together: agent and session of its turn
  sessionKey: optional(text()),
  message: json(), // an InboundMessage
  knownFacts: optional(json()),
  policyRow: optional(integer()),
  at: integer(),
}, {
  unique: ["accountId", "messageId"],
  forgets: {
    delete: "message ->> '$.sender.id' = :userId",
    change: {
      columns: ["message", "known_facts"],
      row: (row, person, scrub) =>
        changed(
          row,
          ["message", "known_facts"],
          (text, column) =>
            column === "message" ? messageOf(text, person, scrub) : scrub.json(text),
        ),
    },
  },
});

/** Users for whom PluralKit has posted. */
const PROXIED_USER = table("proxied_user", {
  accountId: account(),
  userId: snowflake<"user">(),
  at: integer(), // last
}, {
  key: ["accountId", "userId"],
  sql: "CREATE INDEX proxied_user_newest ON proxied_user (account_id, at);",
  forgets: { delete: "user_id = :userId" },
});

export const KNOWN_CHANNEL = table("known_channel", {
  id: rowNumber(true), // messages name it
  accountId: account(),
  guildId: snowflake<"guild">(),
  channelId: snowflake<"channel">(), // GONE: its messages are to be deleted
  parentId: snowflake<"channel">(), // of a thread its channel; else the same id
}, {
  sql: "CREATE INDEX known_channel_of ON known_channel (channel_id, account_id);",
  isOfBot: true,
  forgets: "Discord sends the ids of channels again",
});

/** Number of no channel: the message is deleted, and its row and its words go in a later step. */
export const GONE = 0;

/** Messages that people search. A table of FTS5 has their words, which go in the same transaction. */
export const KNOWN_MESSAGE = table("known_message", {
  id: rowNumber(true), // in the order of arrival
  channel: integer(), // row of known_channel; 0: deleted
  messageId: snowflake<"message">(),
  authorId: snowflake<"user">(),
  replyTo: optional(snowflake<"message">()), // the message that it replies to
  text: text(),
}, {
  sql: `
    CREATE INDEX known_message_of ON known_message (message_id, channel);
    CREATE INDEX known_message_in ON known_message (channel);
    CREATE INDEX known_reply ON known_message (reply_to) WHERE reply_to IS NOT NULL;

    CREATE VIRTUAL TABLE known_words USING fts5(
      words, content = '', detail = 'none', columnsize = 0,
      tokenize = 'unicode61 remove_diacritics 0'
    );
    INSERT INTO known_words (known_words, rank) VALUES ('secure-delete', 1);`,
  forgets: {
    // The same transaction deletes the rows without a channel, with their words.
    set: [{ where: "author_id = :userId", to: `channel = ${GONE}` }],
    change: {
      columns: ["text", "reply_to"],
      row: (row, { messages }, scrub) =>
        scrub.isIn(stringIn(row, "text")) || messages.has(stringIn(row, "reply_to"))
          ? { channel: GONE }
          : undefined,
    },
  },
});

/** How far the index of words has come. */
export const KNOWN_INDEX = table("known_index", {
  id: onlyRow(),
  upTo: integer(), // the index has all messages up to it
}, { sql: "INSERT INTO known_index (id, up_to) VALUES (1, 0);", forgets: "a number" });

export const JUDGED_TABLES: readonly DeclaredTable[] = [
  POLICY,
  DECISION,
  UNDECIDED,
  PROXIED_USER,
  KNOWN_CHANNEL,
  KNOWN_MESSAGE,
  KNOWN_INDEX,
];
