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
import { column } from "../database/columns.ts";
import {
  type AccountId,
  type ChannelId,
  type MessageId,
  toAccountId,
} from "../../core/discord/ids.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Transactions } from "../database/transact.ts";

/** A verdict as it is on record. */
export interface Decision {
  /** Number that rises with each decision; the next page begins after it. */
  readonly id: number;
  /** The account that judged the message. */
  readonly accountId: AccountId;
  /** Discord's id of the message. */
  readonly messageId: MessageId;
  /** Channel, thread or direct message channel of the message. */
  readonly channelId: ChannelId;
  /** The sender that policy judged. */
  readonly authorId: UserId;
  /** The kind of verdict. */
  readonly verdict: Verdict["kind"];
  /** The reason as this or an older Barnacle named it: `"no-mention"`. */
  readonly why: string;
  /** Config path of the rule that decided. */
  readonly rule: string;
  /** Unix time in milliseconds. */
  readonly at: number;
}

/** Reads verdicts, page by page. */
export interface Decisions {
  /**
   * The verdicts after a number, oldest first, at most `limit`; 0 starts with the oldest. An
   * undecided message is left out until it is decided.
   */
  verdictsAfter(id: number, limit: number): Promise<readonly Decision[]>;
}

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
export function createDecisions(database: DatabaseSync, { read }: Transactions): Decisions {
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
export function toDecision(row: unknown): Decision {
  const { account_id, message_id, channel_id, author_id, ...rest } = rowSchema.parse(row);
  return {
    ...rest,
    accountId: account_id,
    messageId: message_id,
    channelId: channel_id,
    authorId: author_id,
  };
}
