/**
 * Reads the verdicts on record: the answer to "why is the bot silent?" (P1).
 *
 * Each verdict names its facts and its policy, so that the same engine can show each of its steps
 * again. The facts contain no text of the message. `verdict_blocks.ts` writes the verdicts; the
 * view `decision` shows them one by one.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import { toAccountId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Transactions } from "../database/transact.ts";
import type { RecordedVerdict, RecordedVerdicts } from "../../core/store/received.ts";

const rowSchema = z.object({
  id: column.number,
  account_id: z.string().transform(toAccountId),
  message_id: snowflakeSchema<"message">(),
  channel_id: snowflakeSchema<"channel">(),
  author_id: snowflakeSchema<"user">(),
  verdict: z.enum(["accept", "challenge", "undecided", "ignore"]),
  why: column.text,
  rule: column.text,
  at: column.number,
});

/**
 * Creates the reader of verdicts.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createDecisions(database: DatabaseSync, { read }: Transactions): RecordedVerdicts {
  // `block` is indexed and `id` is not: a page begins in the block of the verdict after `id`.
  const select = database.prepare(
    `SELECT ${DECISION_COLUMNS} FROM decision
     WHERE block >= COALESCE((SELECT MAX(id) FROM verdict_block WHERE id <= :id + 1), 0)
       AND id > :id AND verdict <> 'undecided'
     ORDER BY block, id LIMIT :limit`,
  );
  return {
    verdictsAfter: (id, limit) => read(() => select.all({ id, limit }).map(toDecision)),
  };
}

/** Columns for {@link toDecision}. */
export const DECISION_COLUMNS =
  "id, account_id, message_id, channel_id, author_id, verdict, why, rule, at";

/**
 * Reads a row with the columns {@link DECISION_COLUMNS}.
 *
 * @throws {ZodError} If the row has other columns.
 */
export function toDecision(row: unknown): RecordedVerdict {
  const { account_id, message_id, channel_id, author_id, ...rest } = rowSchema.parse(row);
  return {
    ...rest,
    accountId: account_id,
    messageId: message_id,
    channelId: channel_id,
    authorId: author_id,
  };
}
