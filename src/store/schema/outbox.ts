/**
 * Tables of messages to send: the outbox with its files, channels that refuse messages or files,
 * requests that Discord counted as invalid, and messages that get no answer.
 */

import {
  account,
  bytes,
  type DeclaredTable,
  flag,
  IN,
  initially,
  integer,
  json,
  oneOf,
  optional,
  rowNumber,
  snowflake,
  table,
  text,
} from "./columns.ts";
import { changed, REMOVED_ANSWER, stringIn, withoutCard } from "./person.ts";

/** Messages of the bot that hold an answer to the person. */
const ANSWERS_THEM = IN("cause_id", "messages");
const UNSENT = "state IN ('pending', 'sending', 'uncertain', 'dead')";

/** Days for which the operator may decide about a message that did not arrive. */
export const HELD_DAYS = 30;

export const OUTBOX = table("outbox", {
  id: rowNumber(), // in the order of sending
  accountId: account(),
  channelId: snowflake<"channel">(),
  nonce: text(),
  state: initially(
    oneOf(
      "pending",
      "sending",
      "sent",
      "uncertain", // no one can tell whether Discord has it
      "dead",
      "dropped", // its queue was full, or the operator gave it up
      "withdrawn", // an untried draft
    ),
    "pending",
  ),
  kind: optional(text()), // both from the message; absent if it answers no message
  causeId: optional(snowflake<"message">()),
  action: initially(oneOf("post", "replace", "remove"), "post"),
  draftNonce: optional(text()), // of the draft that it replaces or removes
  fileCount: initially(integer(), 0),
  createdAt: integer(),
  firstAttemptAt: optional(integer()),
  failingSince: optional(integer()), // no attempt has succeeded since
  nextAttemptAt: optional(integer()), // after a failure; absent while an attempt runs
  messageId: optional(snowflake<"message">()), // Discord's; absent until sent, or if deleted by then
  refusal: optional(text()), // Discord's last refusal, or why the row was given up
  message: json(), // an OutboundMessage, frozen
  owes: optional(oneOf("place", "direct", "owner", "told")), // who hears that it is lost, or waits
}, {
  unique: ["accountId", "nonce"],
  sql: `
    CREATE INDEX outbox_unsent ON outbox (account_id, channel_id, id)
      WHERE state IN ('pending', 'sending');
    CREATE INDEX outbox_open ON outbox (state, created_at)
      WHERE state IN ('pending', 'sending', 'uncertain', 'dead');
    CREATE INDEX outbox_message ON outbox (message_id) WHERE message_id IS NOT NULL;
    CREATE INDEX outbox_owes ON outbox (account_id, id)
      WHERE owes IN ('place', 'direct', 'owner') AND state <> 'sent';
    CREATE INDEX outbox_calls ON outbox (account_id, created_at) WHERE kind = 'tool';
    CREATE INDEX outbox_cause ON outbox (cause_id) WHERE cause_id IS NOT NULL;`,
  keeps: {
    by: "createdAt",
    days: "transcriptsDays",
    mayGo: `(state IN ('sent', 'dropped', 'withdrawn')
      OR (state IN ('dead', 'uncertain') AND created_at < :heldBefore))`,
  },
  holds: {
    under: "Texts",
    data: "Replies and other messages of the bot",
    kept:
      `{transcriptsDays}, within {maxMb}; those that did not arrive, at least ${HELD_DAYS} days`,
  },
  forgets: {
    // A message that is not sent yet answers a turn that is forgotten.
    delete: `${IN("channel_id", "channels")} OR (${IN("cause_id", "messages")} AND ${UNSENT})`,
    set: [{
      where: `NOT ${UNSENT} AND ${ANSWERS_THEM}`,
      to: `message = json_set(json_remove(message, '$.footer', '$.card', '$.buttons', ` +
        `'$.menus'), '$.content', '${REMOVED_ANSWER}')`,
    }],
    change: {
      columns: ["message", "refusal", "cause_id", "state"],
      row(row, { messages, userId }, scrub) {
        const isUnsent = /^(pending|sending|uncertain|dead)$/.test(stringIn(row, "state"));
        const isTheirs = new RegExp(`"saidBy":\\[[^\\]]*"${userId}"`).test(
          stringIn(row, "message"),
        );
        if (isUnsent && isTheirs) return "delete";
        const after = {
          ...changed(row, ["message"], (text) => scrub.json(withoutCard(text, scrub))),
          ...changed(row, ["refusal"], scrub.text),
          ...(messages.has(stringIn(row, "cause_id")) && { cause_id: null }),
        };
        return Object.keys(after).length === 0 ? undefined : after;
      },
    },
  },
});

/** Files, until their message is sent. */
export const OUTBOX_FILE = table("outbox_file", {
  outboxRow: integer(),
  position: integer(),
  accountId: account(),
  name: text(),
  alt: optional(text()),
  isSpoiler: optional(flag()),
  contentType: optional(text()),
  bytes: bytes(),
}, {
  key: ["outboxRow", "position"],
  hasRowNumber: true, // files are long
  holds: {
    under: "Texts",
    data: "Files that the bot sends",
    kept: "until Discord has them; of messages that never arrived, {mediaDays}",
  },
  forgets: { delete: "outbox_row NOT IN (SELECT id FROM outbox)" },
});

/** Channels in which Discord refuses messages, or refused them recently. */
const PARKED_CHANNEL = table("parked_channel", {
  accountId: account(),
  channelId: snowflake<"channel">(),
  reason: text(),
  isParked: flag(), // false: it is being tried again
  since: integer(), // when the operator was notified
  refusedAt: integer(), // last
  nextTryAt: integer(), // at the latest
}, {
  key: ["accountId", "channelId"],
  isOfBot: true,
  holds: {
    under: "Servers and operation",
    data: "Channels that refuse messages: channel ID, reason",
    kept: "until a message arrives there",
  },
  forgets: { delete: IN("channel_id", "channels") },
});

/** The tables of this file. Files are forgotten after their messages. */
export const OUTBOX_TABLES: readonly DeclaredTable[] = [
  OUTBOX,
  OUTBOX_FILE,
  PARKED_CHANNEL,
];
