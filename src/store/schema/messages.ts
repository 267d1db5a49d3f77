/**
 * Tables of received messages with their turns and transcripts, and of overheard messages.
 *
 * Their statements are SQL by hand: each of them is measured.
 */

import { TURN_STATES } from "../../core/inbound/inbox.ts";
import type { Part } from "../../core/inbound/inbound.ts";
import {
  account,
  type DeclaredTable,
  flag,
  IN,
  initially,
  integer,
  json,
  key,
  oneOf,
  optional,
  rowNumber,
  snowflake,
  table,
  text,
  unique,
} from "./columns.ts";
import { BLANK_ID, changed, messageRows, stringIn } from "./person.ts";

/** Number of policies that an account keeps, regardless of their age. */
export const POLICIES_KEPT = 50;

/** Maximum number of policies of an account, even if stored decisions refer to more. */
export const POLICIES_MAX = 200;

const POLICY = table("policy", {
  id: rowNumber(),
  accountId: account(),
  hash: text(), // of its whole content
  file: optional(text()),
  text: optional(json()), // of the config file, with its secrets blanked
  names: json(), // ResolvedNames
  madeAt: integer(),
  usedAt: integer(), // when it last came into force
}, {
  unique: ["accountId", "hash"],
  holds: {
    under: "Decisions",
    data: "The config that decided, with secrets blanked",
    kept:
      `the newest ${POLICIES_KEPT} versions, and up to ${POLICIES_MAX} while verdicts need them`,
  },
  forgets: { scrub: ["text", "names"] },
});

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
  keeps: { by: "at", days: "decisionsDays" },
  holds: {
    under: "Decisions",
    data:
      "Verdicts: message, channel, author, reason, rule, and the facts behind them: user name, " +
      "roles, names of server and channel, mention or not, scores of the intent filter; no text " +
      "of the message",
    kept: "{decisionsDays}, the newest 200,000",
  },
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
  holds: {
    under: "Texts",
    data: "Messages whose verdict waits: for PluralKit, or for Discord's answer about an owner",
    kept: "some seconds",
  },
  forgets: { delete: "message ->> '$.sender.id' = :userId", change: messageRows("known_facts") },
});

/** Number of users to keep of an account. */
export const PROXIED_USERS_MAX = 10_000;

/** Users for whom PluralKit has posted. */
const PROXIED_USER = table("proxied_user", {
  accountId: account(),
  userId: snowflake<"user">(),
  at: integer(), // last
}, {
  key: ["accountId", "userId"],
  sql: "CREATE INDEX proxied_user_newest ON proxied_user (account_id, at);",
  holds: {
    under: "People",
    data: "PluralKit users: user ID and time, only with `pluralkit.enabled`",
    kept: `the newest ${PROXIED_USERS_MAX}`,
  },
  forgets: { delete: "user_id = :userId" },
});

export const JUDGED_TABLES: readonly DeclaredTable[] = [POLICY, DECISION, UNDECIDED, PROXIED_USER];

export const TURN_STATE = oneOf(...TURN_STATES);

const INBOX = table("inbox", {
  id: rowNumber(), // in the order of arrival
  messageId: unique(snowflake<"message">()), // across accounts: only one of them answers
  accountId: account(),
  channelId: snowflake<"channel">(),
  agentId: text(),
  sessionKey: text(),
  message: json(), // an InboundMessage
  state: initially(TURN_STATE, "waiting"),
  attempt: initially(integer(), 0),
  acceptedAt: integer(),
  claimedAt: optional(integer()),
  finishedAt: optional(integer()),
  failureId: optional(text()), // id in the notice to the sender
  failure: optional(text()), // reason, for the operator
  turnOf: optional(snowflake<"message">()), // that its turn began with; absent: this one
  replyTo: optional(snowflake<"message">()), // that the turn's reply belongs to; absent: this one
  change: optional(oneOf("edited", "deleted")), // after its end, at changedAt
  changedAt: optional(integer()),
  cost: optional(json()), // a TurnCost
}, {
  sql: `
    CREATE INDEX inbox_turn ON inbox (turn_of) WHERE turn_of IS NOT NULL;
    CREATE INDEX inbox_open ON inbox (state, id) WHERE finished_at IS NULL;
    CREATE INDEX inbox_failure ON inbox (failure_id) WHERE failure_id IS NOT NULL;`,
  keeps: { by: "acceptedAt", days: "transcriptsDays", mayGo: "finished_at IS NOT NULL" },
  holds: {
    under: "Texts",
    data: "Messages that the bot accepts: text, quoted message, author with display name, roles, " +
      "place, time; of embeds a description, and the addresses of pictures",
    kept: "{transcriptsDays}, within {maxMb}",
  },
  forgets: { delete: "message ->> '$.sender.id' = :userId", change: messageRows("failure") },
});

/** Whether a turn waits or runs. Both states are named: the index of open turns begins with the state. */
export const IS_OPEN = "finished_at IS NULL AND state IN ('waiting', 'running')";

const ENTRY = table("entry", {
  id: rowNumber(), // in the order of the transcript
  agentId: text(),
  sessionKey: text(),
  channelId: snowflake<"channel">(), // channel of the turn
  role: oneOf("user", "assistant", "tool"),
  parts: json<readonly Part[]>(),
  boundary: optional(text()), // of the fences of its parts
  calls: optional(json()), // the tool calls of an answer; the call of a tool's result
  messageId: snowflake<"message">(),
  at: integer(),
  carried: optional(text()), // fields that a model's server attached to an answer
}, {
  sql: `
    CREATE INDEX entry_in_session ON entry (session_key, id, role, channel_id, message_id);
    CREATE INDEX entry_in_channel ON entry (channel_id, session_key);`,
  keeps: { by: "at", days: "transcriptsDays" },
  holds: {
    under: "Texts",
    data:
      "The transcript: the model's input for each turn with the context messages that it saw, " +
      "and the reply, also with the thinking that the model's server wants back",
    kept: "{transcriptsDays}, within {maxMb}",
  },
  forgets: {
    delete: IN("session_key", "sessions"),
    set: [
      { where: IN("channel_id", "channels"), to: `channel_id = '${BLANK_ID}'` },
      { where: IN("message_id", "messages"), to: `message_id = '${BLANK_ID}'` },
    ],
    change: {
      columns: ["parts", "calls", "carried"],
      row(row, _person, scrub) {
        const isNamed = scrub.isIn(stringIn(row, "carried"));
        const after = {
          ...changed(row, ["parts"], scrub.text),
          ...changed(row, ["calls"], scrub.json),
          ...(isNamed && { carried: null }),
        };
        return Object.keys(after).length === 0 ? undefined : after;
      },
    },
  },
});

/** Entries up to it are not shown to the model any more; they all stay. */
export const CHECKPOINT = table("checkpoint", {
  id: rowNumber(), // in the order of storing
  agentId: text(),
  sessionKey: text(),
  kind: oneOf("reset", "summary"),
  cause: text(), // 'daily', 'idle' or 'command'; 'full', 'refused' or 'command'
  firstEntry: integer(), // of its own range; earlier checkpoints have earlier ranges
  lastEntry: integer(),
  entries: integer(), // number of entries of the range
  messageIds: json<readonly string[]>(), // of the messages of the range
  boundary: optional(text()), // set together, for a summary: boundary of its fence
  summary: optional(text()), // of everything since the last reset
  modelId: optional(text()),
  at: integer(),
}, {
  sql: "CREATE INDEX checkpoint_of_session ON checkpoint (session_key, id);",
  keeps: { by: "at", days: "transcriptsDays", mayGo: "last_entry < (SELECT MIN(id) FROM entry)" },
  holds: {
    under: "Texts",
    data: "Summaries of older parts of a conversation",
    kept: "with their transcript",
  },
  forgets: {
    delete: IN("session_key", "sessions"),
    change: {
      columns: ["message_ids", "summary"],
      row(row, _person, scrub) {
        const isAbout = Object.values(row).some((value) => scrub.isIn(String(value ?? "")));
        return isAbout ? "delete" : undefined; // its entries are in the context again
      },
    },
  },
});

/** Steps of turns that call tools; results are whole here. */
const STEP = table("step", {
  id: rowNumber(), // in the order of the turn
  accountId: account(),
  messageId: snowflake<"message">(), // the answered message
  attempt: integer(), // number of the turn that took the step
  step: json(), // a Step
  at: integer(),
}, {
  sql: "CREATE INDEX step_of_turn ON step (message_id, id);",
  keeps: { by: "at", days: "transcriptsDays" },
  holds: {
    under: "Texts",
    data: "Calls of tools with their whole results, for example messages of the channel or web " +
      "pages that the model read",
    kept: "{transcriptsDays}, within {maxMb}",
  },
  forgets: { delete: IN("message_id", "messages"), scrub: ["step"] },
});

/** The id of a message as the number by which a channel's messages are in order. */
export const MESSAGE_NUMBER = "CAST(message_id AS INTEGER)";

/** Overheard messages. An account sees only messages that it has overheard itself (H1). */
export const OVERHEARD = table("message", {
  id: rowNumber(),
  accountId: account(),
  channelId: snowflake<"channel">(),
  messageId: snowflake<"message">(),
  authorId: snowflake<"user">(),
  tag: text(),
  text: text(),
  replyTo: optional(snowflake<"message">()),
  forwards: optional(snowflake<"message">()),
  sentAt: integer(),
  keptAt: integer(),
}, {
  sql: `
    CREATE UNIQUE INDEX message_in_channel ON message (account_id, channel_id, ${MESSAGE_NUMBER});`,
  keeps: { by: "keptAt", days: "contextDays" },
  holds: {
    under: "Texts",
    data: "Other messages in allowed channels, by people who may talk to the bot there (context)",
    kept: "{contextDays}, the newest {contextPerChannel} of each channel",
  },
  forgets: {
    change: {
      columns: ["author_id", "tag", "text", "reply_to", "forwards"],
      row(row, { sources }, scrub) {
        if (sources.has(row["author_id"]) || sources.has(row["forwards"])) return "delete";
        const after = {
          ...changed(row, ["tag", "text"], scrub.text),
          ...(sources.has(row["reply_to"]) && { reply_to: null }),
        };
        return Object.keys(after).length === 0 ? undefined : after;
      },
    },
  },
});

/** Maximum number of rows. Replaced rows count, so there may be fewer. */
export const REACTIONS_MAX = 20_000;

/** Maximum number of rows of a channel. */
export const REACTIONS_PER_CHANNEL = 50;

/** The last change of each reaction; of a channel, the newest ones. */
const REACTION = table("reaction", {
  id: rowNumber(), // in the order of the changes
  accountId: account(),
  channelId: snowflake<"channel">(),
  messageId: snowflake<"message">(), // that has it
  userId: snowflake<"user">(),
  tag: text(), // the person's name; empty if unknown
  emoji: text(),
  change: oneOf("added", "removed"),
  at: integer(),
  shownIn: optional(snowflake<"message">()), // whose turn sees it first; absent: none yet
}, {
  unique: ["accountId", "messageId", "userId", "emoji"],
  sql: "CREATE INDEX reaction_in_channel ON reaction (account_id, channel_id, id);",
  isOfBot: true,
  keeps: { by: "at", days: "contextDays" },
  holds: {
    under: "People",
    data: "Changed reactions on messages: person, message, emoji",
    kept:
      `{contextDays}, the newest ${REACTIONS_PER_CHANNEL} of each channel, and ${REACTIONS_MAX} together`,
  },
  forgets: {
    delete: `user_id = :userId OR ${IN("message_id", "messages")}`,
    set: [{ where: IN("shown_in", "messages"), to: `shown_in = '${BLANK_ID}'` }],
  },
});

/** Milliseconds after which Discord takes no answer by the token of an interaction. */
export const TOKEN_MS: number = 15 * 60_000;

/** Commands whose answers have not left, or that have started turns, while their tokens work. */
export const OPEN_COMMAND = table("open_command", {
  interactionId: key(text()),
  accountId: account(),
  applicationId: snowflake<"application">(),
  token: text(), // a secret
  senderId: snowflake<"user">(),
  name: text(),
  isAnswered: initially(flag(), false),
  at: integer(),
}, {
  isOfBot: true,
  holds: {
    under: "Servers and operation",
    data: "Commands whose answers have not left: name, person, token of the interaction",
    kept: "until the answer has left; 15 minutes at most",
  },
  forgets: { delete: "sender_id = :userId" },
});

export const MESSAGE_TABLES: readonly DeclaredTable[] = [
  INBOX,
  ENTRY,
  CHECKPOINT,
  STEP,
  OVERHEARD,
  REACTION,
  OPEN_COMMAND,
];
