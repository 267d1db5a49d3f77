/** Reads the open turns from the tables: at a start, and once memory has room for more of them. */

import type { DatabaseSync } from "node:sqlite";
import type { Attachment } from "../../core/discord/attachment.ts";
import type { InboundMessage, Sender } from "../../core/inbound/inbound.ts";
import {
  account,
  flag,
  integer,
  json,
  oneOf,
  optional,
  rows,
  snowflake,
  text,
} from "../schema/columns.ts";
import { IS_PARKED, UPLOADED_FILES } from "../schema/questions.ts";
import { ACCOUNT_MAX, SESSION_MAX, type WaitingMessage } from "./backlog.ts";
import { type OpenTurnState, runningMessages, type TurnEvent } from "./open_turns.ts";

/** Both states are named, because the index of open messages begins with the state. */
const IS_OPEN = "finished_at IS NULL AND state IN ('waiting', 'running')";

const WAITING = rows({
  id: integer(),
  messageId: snowflake<"message">(),
  accountId: account(),
  channelId: snowflake<"channel">(),
  agentId: text(),
  sessionKey: text(),
  attempt: integer(),
  turnOf: optional(snowflake<"message">()),
  guildId: optional(snowflake<"guild">()),
  sender: json<Sender>(), // ours, of a stored message
  isScheduled: flag(),
  text: optional(text()), // JSON of the message
  uploaded: text(),
});
/** Maximum number of an account's waiting messages whose texts are read before their claims. */
const TEXTS_MAX = 1_000;
const WAITING_COLUMNS = `id, message_id, account_id, channel_id, agent_id, session_key, attempt,
  turn_of, message ->> '$.guildId' AS guild_id, message ->> '$.sender' AS sender,
  (message ->> '$.scheduled' IS NOT NULL OR message ->> '$.hooked' IS NOT NULL) AS is_scheduled`;
const MESSAGE = rows({ message: text(), uploaded: text() });
const OPEN = rows({
  messageId: snowflake<"message">(),
  accountId: account(),
  channelId: snowflake<"channel">(),
  userId: snowflake<"user">(),
});
const ARRIVAL = rows({ messageId: snowflake<"message">(), arrival: integer() });
const TOLD = rows({ accountId: account(), list: oneOf("user", "channel"), id: text() });

function readWaiting(row: unknown): WaitingMessage {
  const { id: arrival, agentId, sessionKey, attempt, text, uploaded, ...rest } = WAITING.read(row);
  return {
    ...rest,
    route: { agentId, sessionKey },
    arrival,
    attempts: attempt,
    isFresh: false,
    message: text === undefined ? undefined : toMessage(text, uploaded),
  };
}

/** Reads a row with the columns `message` and `uploaded` of a message. */
export function readMessage(row: unknown): InboundMessage {
  const { message, uploaded } = MESSAGE.read(row);
  return toMessage(message, uploaded);
}

/** Reads a message and the files of its forms: JSON of ours. The files are its own, behind the others. */
function toMessage(json: string, uploaded: string): InboundMessage {
  const message: InboundMessage = JSON.parse(json);
  const files: readonly Attachment[] = JSON.parse(uploaded);
  if (files.length === 0) return message;
  return { ...message, attachments: [...message.attachments ?? [], ...files] };
}

/**
 * Prepares the statements.
 *
 * @returns Reads what memory lacks. The tables must be up to date.
 */
export function prepareReadTurns(
  database: DatabaseSync,
  turns: OpenTurnState,
  apply: (event: TurnEvent) => void,
): () => void {
  // A turn that a change has ended is `running` in the table until its next claim.
  const selectWaiting = database.prepare(
    `SELECT ${WAITING_COLUMNS}, uploaded,
            CASE WHEN in_account <= ${TEXTS_MAX} THEN message END AS text FROM (
       SELECT *, ${UPLOADED_FILES} AS uploaded,
              ROW_NUMBER() OVER (PARTITION BY session_key ORDER BY id) AS in_session,
              ROW_NUMBER() OVER (PARTITION BY account_id ORDER BY id) AS in_account
       FROM inbox
       WHERE ${IS_OPEN} AND NOT ${IS_PARKED}
         AND message_id NOT IN (SELECT value FROM json_each(?))
     )
     WHERE in_session <= ${SESSION_MAX + 1} AND in_account <= ${ACCOUNT_MAX + 1}
     ORDER BY id`,
  );
  const selectParked = database.prepare(
    `SELECT ${WAITING_COLUMNS}, NULL AS text, '' AS uploaded FROM inbox WHERE ${IS_OPEN} AND ${IS_PARKED}
     ORDER BY length(message_id), message_id`,
  );
  const selectArrivals = database.prepare(
    `SELECT message_id, id AS arrival FROM inbox
     WHERE message_id IN (SELECT value FROM json_each(?))`,
  );
  const selectOpen = database.prepare(
    `SELECT message_id, account_id, channel_id, message ->> '$.sender.id' AS user_id FROM inbox
     WHERE ${IS_OPEN} AND NOT ${IS_PARKED}`,
  );
  const selectTold = database.prepare("SELECT account_id, list, id FROM told_full");

  return () => {
    if (turns.counts.isStale) {
      const open = selectOpen.all().map(OPEN.read);
      apply({ kind: "counted", open, told: selectTold.all().map(TOLD.read) });
    }
    if (!turns.isStale) return;
    const running = JSON.stringify(runningMessages(turns));
    apply({
      kind: "read",
      waiting: selectWaiting.all(running).map(readWaiting),
      parked: selectParked.all().map(readWaiting),
      running: new Map(
        selectArrivals.all(running).map(ARRIVAL.read).map((row) => [row.messageId, row.arrival]),
      ),
    });
  };
}
