/** Reads the rows of waiting and running messages, and keeps undecided messages beside the inbox. */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { column, integer, json, oneOf, optional, rows, text } from "../schema/columns.ts";
import { type AccountId, type MessageId, toAccountId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Attachment } from "../../core/discord/attachment.ts";
import type { WaitingMessage } from "../memory/backlog.ts";
import type { KnownFacts } from "../../core/inbound/facts.ts";
import type { Undecided } from "../../core/store/inbox.ts";

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
  sender: column.text,
  is_scheduled: column.number,
  message: column.textOrNull,
  uploaded: column.text,
}).transform((row): WaitingMessage => ({
  messageId: row.message_id,
  accountId: row.account_id,
  channelId: row.channel_id,
  route: { agentId: row.agent_id, sessionKey: row.session_key },
  arrival: row.id,
  attempts: row.attempt,
  sender: JSON.parse(row.sender),
  isScheduled: row.is_scheduled === 1,
  isFresh: false,
  guildId: row.guild_id ?? undefined,
  turnOf: row.turn_of ?? undefined,
  message: row.message === null ? undefined : readMessage(row),
}));

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

/**
 * Keeps an undecided message within a transaction of the caller's. A message that is there already
 * keeps its time of arrival.
 */
export type KeepUndecided = (judged: Judged, now: number) => void;

/** Prepares the statement that keeps messages. */
export function prepareKeepUndecided(database: DatabaseSync): KeepUndecided {
  const upsert = database.prepare(
    `INSERT INTO undecided (account_id, message_id, why, agent_id, session_key, message,
                            known_facts, policy_row, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (account_id, message_id) DO UPDATE SET
       why = excluded.why,
       agent_id = excluded.agent_id,
       session_key = excluded.session_key,
       message = excluded.message,
       known_facts = excluded.known_facts,
       policy_row = excluded.policy_row`,
  );
  return ({ message, verdict, route, knownFacts, policyId }, now) => {
    upsert.run(
      message.accountId,
      message.id,
      verdict.why,
      route?.agentId ?? null,
      route?.sessionKey ?? null,
      JSON.stringify(message),
      knownFacts ? JSON.stringify(knownFacts) : null,
      policyId ?? null,
      now,
    );
  };
}

/**
 * Removes an undecided message within a transaction of the caller's, and returns it; `undefined` if
 * it is decided already.
 */
export type TakeUndecided = (accountId: AccountId, messageId: MessageId) => Undecided | undefined;

/** Prepares the statement that removes messages. */
export function prepareTakeUndecided(database: DatabaseSync): TakeUndecided {
  const remove = database.prepare(
    "DELETE FROM undecided WHERE account_id = ? AND message_id = ? RETURNING *",
  );
  return (accountId, messageId) => {
    const row = remove.get(accountId, messageId);
    return row && toUndecided(row);
  };
}

/** The JSON is ours, written by {@link prepareKeepUndecided}. */
const UNDECIDED = rows({
  why: oneOf("pluralkit", "pluralkit-original", "owner-in-guild"),
  agentId: optional(text()),
  sessionKey: optional(text()),
  message: json<InboundMessage>(),
  knownFacts: optional(json<KnownFacts>()),
  policyRow: optional(integer()),
  at: integer(),
});

/**
 * Reads a row of `undecided`.
 *
 * @throws {ZodError} If the row is not as {@link prepareKeepUndecided} wrote it.
 */
export function toUndecided(row: unknown): Undecided {
  const { agentId, sessionKey, policyRow: policyId, ...undecided } = UNDECIDED.read(row);
  const route = agentId !== undefined && sessionKey !== undefined
    ? { agentId, sessionKey }
    : undefined;
  return { ...undecided, route, policyId };
}
