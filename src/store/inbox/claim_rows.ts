/**
 * Reads the rows of waiting and running messages.
 *
 * @module
 */

import { z } from "zod";
import { column } from "../schema/columns.ts";
import { type MessageId, toAccountId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Attachment } from "../../core/discord/attachment.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { WaitingMessage } from "../memory/backlog.ts";

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
