/**
 * Adds accepted messages to the inbox, within the transaction that stores their verdicts (T1), and
 * reads the rows of waiting and running messages.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { Route } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { ClaimQueue } from "../memory/claim_queue.ts";
import { column } from "../schema/columns.ts";
import { type MessageId, toAccountId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Attachment } from "../../core/discord/attachment.ts";
import type { WaitingMessage } from "../memory/backlog.ts";

/**
 * Adds a message within a transaction of the caller's.
 *
 * @returns Whether it was new. If two accounts accept one message, the first one answers it (G7).
 */
export type AddToInbox = (message: InboundMessage, route: Route, now: number) => boolean;

/**
 * Prepares the statement for the inbox.
 *
 * @param queue Queue with the messages whose turn began before they reached the tables.
 */
export function prepareAddToInbox(
  database: DatabaseSync,
  queue: Pick<ClaimQueue, "stored">,
): AddToInbox {
  const insert = database.prepare(
    `INSERT INTO inbox (message_id, account_id, channel_id, agent_id, session_key, message,
                        accepted_at, state, attempt, claimed_at, turn_of)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (message_id) DO NOTHING`,
  );
  return (message, { agentId, sessionKey }, now) => {
    const { id, accountId, channelId } = message;
    const text = JSON.stringify(message);
    const running = queue.stored(id);
    const claim = running
      ? ["running", running.attempt, now, running.turnOf ?? null]
      : ["waiting", 0, null, null];
    return insert.run(id, accountId, channelId, agentId, sessionKey, text, now, ...claim)
      .changes === 1;
  };
}

const waitingSchema = z.object({
  id: column.number,
  message_id: snowflakeSchema<"message">(),
  account_id: z.string().transform(toAccountId),
  channel_id: snowflakeSchema<"channel">(),
  agent_id: column.text,
  session_key: column.text,
  attempt: column.number,
  guild_id: snowflakeSchema<"guild">().nullable(),
  turn_of: snowflakeSchema<"message">().nullable(),
}).transform((row): WaitingMessage => ({
  messageId: row.message_id,
  accountId: row.account_id,
  channelId: row.channel_id,
  route: { agentId: row.agent_id, sessionKey: row.session_key },
  arrival: row.id,
  attempts: row.attempt,
  isFresh: false,
  guildId: row.guild_id ?? undefined,
  turnOf: row.turn_of ?? undefined,
}));

const runningSchema = z.object({
  message_id: snowflakeSchema<"message">(),
  session_key: column.text,
}).transform((row) => ({ messageId: row.message_id, sessionKey: row.session_key }));

const messageSchema = z.object({ message: column.text, uploaded: column.text });

/** Reads a message as `rows.ts` writes it. Files of forms count as its own, behind the others. */
export function readMessage(row: unknown): InboundMessage {
  const { message: json, uploaded } = messageSchema.parse(row);
  const message: InboundMessage = JSON.parse(json);
  const files: readonly Attachment[] = JSON.parse(uploaded);
  if (files.length === 0) return message;
  return { ...message, attachments: [...message.attachments ?? [], ...files] };
}

/** Reads a message that waits for a turn. */
export function readWaiting(row: unknown): WaitingMessage {
  return waitingSchema.parse(row);
}

/** Reads the message and the session of a running turn. */
export function readRunning(
  row: unknown,
): { readonly messageId: MessageId; readonly sessionKey: string } {
  return runningSchema.parse(row);
}
