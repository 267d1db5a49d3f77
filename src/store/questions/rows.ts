/**
 * Reads questions from their rows.
 *
 * @module
 */

import { z } from "zod";
import { column } from "../schema/columns.ts";
import { toAccountId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { StoredQuestion } from "../../core/people/question.ts";

/** Columns of a query over `question` for {@link readQuestion}. */
export const QUESTION_COLUMNS = `id, account_id, message_id, channel_id, guild_id, code, question,
  state, answer, decided_by, created_at, expires_at`;

/** The same columns of `question AS q`, for queries over several tables. */
export const OF_QUESTION: string = QUESTION_COLUMNS.split(",").map((name) => `q.${name.trim()}`)
  .join(", ");

const rowSchema = z.object({
  id: column.number,
  account_id: z.string().transform(toAccountId),
  message_id: snowflakeSchema<"message">(),
  channel_id: snowflakeSchema<"channel">(),
  guild_id: snowflakeSchema<"guild">().nullable(),
  code: column.text,
  question: column.text,
  state: z.enum(["open", "answered", "expired", "withdrawn"]),
  answer: column.textOrNull,
  decided_by: snowflakeSchema<"user">().nullable(),
  created_at: column.number,
  expires_at: column.number,
}).transform((row): StoredQuestion => ({
  id: row.id,
  accountId: row.account_id,
  messageId: row.message_id,
  channelId: row.channel_id,
  guildId: row.guild_id ?? undefined,
  code: row.code,
  question: JSON.parse(row.question), // ours, written by `parking.ts`
  state: row.state,
  answer: row.answer !== null ? JSON.parse(row.answer) : undefined,
  decidedBy: row.decided_by ?? undefined,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
}));

/** Reads a row with the columns {@link QUESTION_COLUMNS}. */
export function readQuestion(row: unknown): StoredQuestion {
  return rowSchema.parse(row);
}
