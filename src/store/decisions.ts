/**
 * What was decided of every message, and why: the record that answers "why is
 * the bot silent?" (P1).
 *
 * It is also what makes an event count once (G7): a message with a decision is
 * known, whatever the gateway replays, and keeps the decision that it has. With
 * it are the facts that it was made from, and which policy made it, so that the
 * same engine can show each of its steps again. Nobody's words are among them.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { factsOf } from "../core/facts.ts";
import { type AccountId, type ChannelId, type MessageId, toAccountId } from "../core/ids.ts";
import type { UserId } from "../core/ids.ts";
import type { Judged } from "../core/inbox.ts";
import { snowflakeSchema } from "../core/snowflake_schema.ts";
import type { Verdict } from "../core/verdict.ts";
import type { FactRows } from "./fact_rows.ts";
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
  /**
   * The verdicts on record after one of them, or from the oldest by 0; at most `limit`. What is
   * undecided is none yet, and comes when it is decided.
   */
  verdictsAfter(id: number, limit: number): Promise<readonly Decision[]>;
}

/**
 * Records a verdict within a transaction of the caller's.
 *
 * @param now Unix time in milliseconds.
 * @returns Whether the message is new to this account; if not, nothing has changed.
 */
export type RecordDecision = (judged: Judged, now: number) => boolean;

export function prepareRecordDecision(
  database: DatabaseSync,
  factRows: FactRows,
): RecordDecision {
  const isOnRecord = prepareIsOnRecord(database);
  const insert = database.prepare(
    `INSERT INTO decision (account_id, message_id, channel_id, author_id, verdict, why, rule, at,
                           fact_row, policy_row)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (message_id, account_id) DO NOTHING`,
  );
  return ({ message, verdict, said, moment = {}, policyId = null }, now) => {
    const { accountId, id, channelId, sender } = message;
    const { kind, why, rule } = verdict;
    const facts = JSON.stringify(factsOf(message, moment, verdict, said));
    const known = factRows.find(facts);
    if (known === undefined && isOnRecord(message)) return false; // a replay makes no facts
    const factRow = known ?? factRows.add(facts);
    return insert
      .run(accountId, id, channelId, sender.id, kind, why, rule, now, factRow, policyId)
      .changes === 1;
  };
}

/** Whether an account has a decision of a message. */
export type IsOnRecord = (message: Judged["message"]) => boolean;

export function prepareIsOnRecord(database: DatabaseSync): IsOnRecord {
  const select = database.prepare(
    "SELECT 1 FROM decision WHERE message_id = ? AND account_id = ?",
  );
  return ({ id, accountId }) => select.get(id, accountId) !== undefined;
}

/** Records another verdict than the one on record, or one where there is none any more. */
export type ReplaceDecision = (judged: Judged, now: number) => void;

/** It becomes the newest, so that whoever reads along gets to see it. */
export function prepareReplaceDecision(
  database: DatabaseSync,
  factRows: FactRows,
): ReplaceDecision {
  const record = prepareRecordDecision(database, factRows);
  const replace = database.prepare(
    `UPDATE decision
     SET id = (SELECT MAX(id) FROM decision) + 1, author_id = :authorId, verdict = :kind,
         why = :why, rule = :rule, at = :now, fact_row = :factRow, policy_row = :policyId
     WHERE message_id = :id AND account_id = :accountId`,
  );
  return (judged, now) => {
    const { message, verdict, moment = {}, policyId = null } = judged;
    const { kind, why, rule } = verdict;
    const { accountId, id, sender } = message;
    const facts = JSON.stringify(factsOf(message, moment, verdict));
    const factRow = factRows.find(facts) ?? factRows.add(facts);
    const authorId = sender.id; // PluralKit may have named another
    const { changes } = replace.run({
      accountId,
      id,
      authorId,
      kind,
      why,
      rule,
      now,
      factRow,
      policyId,
    });
    if (changes === 0) record(judged, now);
  };
}

const rowSchema = z.object({
  id: z.number(),
  account_id: z.string().transform(toAccountId),
  message_id: snowflakeSchema<"message">(),
  channel_id: snowflakeSchema<"channel">(),
  author_id: snowflakeSchema<"user">(),
  verdict: z.enum(["accept", "challenge", "undecided", "ignore"]),
  why: z.string(),
  rule: z.string(),
  at: z.number(),
});

/** @param database Open, migrated, and owned by the caller. */
export function createDecisions(database: DatabaseSync, { read }: Transactions): Decisions {
  const select = database.prepare(
    `SELECT ${DECISION_COLUMNS} FROM decision
     WHERE id > ? AND verdict <> 'undecided' ORDER BY id LIMIT ?`,
  );
  return {
    verdictsAfter: (id, limit) => read(() => select.all(id, limit).map(toDecision)),
  };
}

/** What {@link toDecision} reads. */
export const DECISION_COLUMNS =
  "id, account_id, message_id, channel_id, author_id, verdict, why, rule, at";

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
