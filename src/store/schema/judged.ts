/** Tables of verdicts, of the policies that made them, and of undecided messages. */

import {
  account,
  type DeclaredTable,
  integer,
  json,
  optional,
  rowNumber,
  snowflake,
  table,
  text,
} from "./columns.ts";
import { BLANK_ID, changed, messageRows, stringIn } from "./person.ts";

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
    change: messageRows("known_facts"),
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

export const JUDGED_TABLES: readonly DeclaredTable[] = [
  POLICY,
  DECISION,
  UNDECIDED,
  PROXIED_USER,
];
