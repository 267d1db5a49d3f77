/**
 * What was decided of every message, and why: the record that answers "why is
 * the bot silent?" (P1).
 *
 * It is also what makes an event count once (G7): a message with a decision is
 * known, whatever the gateway replays, and keeps the decision that it has.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { type AccountId, type ChannelId, type MessageId, toAccountId } from "../core/ids.ts";
import type { UserId } from "../core/ids.ts";
import type { Judged } from "../core/inbox.ts";
import { snowflakeSchema } from "../core/snowflake_schema.ts";
import type { Verdict } from "../core/verdict.ts";
import type { Transactions } from "./transact.ts";

/** A verdict as it is on record. */
export interface Decision {
  /** In the order of deciding; where the next page begins. */
  readonly id: number;
  readonly accountId: AccountId;
  readonly messageId: MessageId;
  readonly channelId: ChannelId;
  readonly authorId: UserId;
  readonly verdict: Verdict["kind"];
  /** The reason as this or an older Barnacle named it: `"no-mention"`. */
  readonly why: string;
  /** Config path of the rule that decided. */
  readonly rule: string;
  /** Unix time in milliseconds. */
  readonly at: number;
}

export interface Decisions {
  /** The verdicts on record after one of them, or from the oldest by 0; at most `limit`. */
  verdictsAfter(id: number, limit: number): Promise<readonly Decision[]>;
}

/**
 * Records a verdict within a transaction of the caller's.
 *
 * @returns Whether the message is new to this account; if not, nothing has changed.
 */
export type RecordDecision = (judged: Judged, now: number) => boolean;

export function prepareRecordDecision(database: DatabaseSync): RecordDecision {
  const insert = database.prepare(
    `INSERT INTO decision (account_id, message_id, channel_id, author_id, verdict, why, rule, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (message_id, account_id) DO NOTHING`,
  );
  return ({ message: { accountId, id, channelId, sender }, verdict: { kind, why, rule } }, now) =>
    insert.run(accountId, id, channelId, sender.id, kind, why, rule, now).changes === 1;
}

const rowSchema = z.object({
  id: z.number(),
  account_id: z.string().transform(toAccountId),
  message_id: snowflakeSchema<"message">(),
  channel_id: snowflakeSchema<"channel">(),
  author_id: snowflakeSchema<"user">(),
  verdict: z.enum(["accept", "ignore"]),
  why: z.string(),
  rule: z.string(),
  at: z.number(),
});

/** @param database Open, migrated, and owned by the caller. */
export function createDecisions(database: DatabaseSync, { read }: Transactions): Decisions {
  const select = database.prepare("SELECT * FROM decision WHERE id > ? ORDER BY id LIMIT ?");
  return {
    verdictsAfter: (id, limit) => read(() => select.all(id, limit).map(toDecision)),
  };
}

function toDecision(row: unknown): Decision {
  const { account_id, message_id, channel_id, author_id, ...rest } = rowSchema.parse(row);
  return {
    ...rest,
    accountId: account_id,
    messageId: message_id,
    channelId: channel_id,
    authorId: author_id,
  };
}
