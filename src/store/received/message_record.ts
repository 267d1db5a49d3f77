/**
 * Reads the record of one message for `barnacle why`: its verdicts, its turn, and the messages sent
 * for it. Reads verdicts page by page.
 *
 * @module
 */

import { z } from "zod";
import type { DatabaseSync } from "node:sqlite";
import { column } from "../schema/columns.ts";
import { createdAtMs, type MessageId, toAccountId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Facts } from "../../core/inbound/facts.ts";
import type { ResolvedName } from "../../core/names.ts";
import type { TurnCost } from "../../core/spending/usage.ts";
import { storedMessageSchema } from "../outbox/rows.ts";
import type {
  DecisionOnRecord,
  MessageRecord,
  MessageRecords,
  OutboxOnRecord,
  RecordedVerdict,
  RecordedVerdicts,
  TurnOnRecord,
  TurnState,
} from "../../core/store/received.ts";
import { createUngroupedTransactions, type Transactions } from "../database/transact.ts";

/** The JSON is ours, written as facts and policies are. */
const decisionSchema = z.object({
  facts: z.string().transform((text): Facts => JSON.parse(text)).nullable(),
  made_at: column.numberOrNull,
  file: column.textOrNull,
  text: column.textOrNull,
  names: z.string().transform((text): readonly ResolvedName[] => JSON.parse(text)).nullable(),
});

const TURN_STATES = [
  "waiting",
  "running",
  "answered",
  "declined",
  "refused",
  "failed",
  "cancelled",
  "stopped",
  "interrupted",
] as const satisfies readonly TurnState[];

const turnSchema = z.object({
  account_id: z.string().transform(toAccountId),
  agent_id: column.text,
  session_key: column.text,
  state: z.enum(TURN_STATES),
  attempt: column.number,
  accepted_at: column.number,
  claimed_at: column.numberOrNull,
  finished_at: column.numberOrNull,
  failure_id: column.textOrNull,
  failure: column.textOrNull,
  turn_of: snowflakeSchema<"message">().nullable(),
  reply_to: snowflakeSchema<"message">().nullable(),
  change: z.enum(["edited", "deleted"]).nullable(),
  changed_at: column.numberOrNull,
  revision: column.number,
  cost: z.string().transform((text): TurnCost => JSON.parse(text)).nullable(), // ours
});

const outboxSchema = z.object({
  id: column.number,
  account_id: z.string().transform(toAccountId),
  channel_id: snowflakeSchema<"channel">(),
  kind: column.textOrNull,
  state: column.text,
  message: storedMessageSchema,
  created_at: column.number,
  first_attempt_at: column.numberOrNull,
  failing_since: column.numberOrNull,
  message_id: snowflakeSchema<"message">().nullable(),
  folded_into: column.numberOrNull,
  refusal: column.textOrNull,
  next_attempt_at: column.numberOrNull,
  parked_reason: column.textOrNull,
  next_try_at: column.numberOrNull,
  behind: column.numberOrNull,
});

/** Reads a decision with its facts and its policy. */
function toDecisionOnRecord(row: unknown): DecisionOnRecord {
  const { facts, made_at, file, text, names } = decisionSchema.parse(row);
  return {
    ...toDecision(row),
    facts: facts || undefined,
    policy: made_at !== null && names
      ? {
        at: made_at,
        file: file ?? undefined,
        text: text ?? undefined,
        names,
      }
      : undefined,
  };
}

/** Reads a turn. */
function toTurnOnRecord(row: unknown): TurnOnRecord {
  const { account_id, agent_id, session_key, state, attempt, ...rest } = turnSchema.parse(row);
  return {
    accountId: account_id,
    agentId: agent_id,
    sessionKey: session_key,
    state,
    attempt,
    acceptedAt: rest.accepted_at,
    claimedAt: rest.claimed_at ?? undefined,
    finishedAt: rest.finished_at ?? undefined,
    failureId: rest.failure_id ?? undefined,
    failure: rest.failure ?? undefined,
    turnOf: rest.turn_of ?? undefined,
    replyTo: rest.reply_to ?? undefined,
    change: rest.change !== null
      ? { kind: rest.change, at: rest.changed_at ?? rest.accepted_at }
      : undefined,
    revision: rest.revision,
    cost: rest.cost ?? undefined,
  };
}

/** Reads a message for Discord. */
function toOutboxOnRecord(row: unknown): OutboxOnRecord {
  const { id, account_id, channel_id, kind, state, message: { of }, ...rest } = outboxSchema
    .parse(row);
  const isWaiting = state === "pending" || state === "sending";
  const nextAttemptAt = isWaiting ? rest.next_try_at ?? rest.next_attempt_at : null;
  return {
    id,
    accountId: account_id,
    channelId: channel_id,
    kind: kind ?? undefined,
    state,
    part: of?.part,
    parts: of?.parts,
    createdAt: rest.created_at,
    firstAttemptAt: rest.first_attempt_at ?? undefined,
    failingSince: rest.failing_since ?? undefined,
    messageId: rest.message_id ?? undefined,
    foldedInto: rest.folded_into ?? undefined,
    reason: rest.refusal ?? undefined,
    nextAttemptAt: nextAttemptAt ?? undefined,
    behind: rest.behind ?? undefined,
    parkedReason: rest.parked_reason ?? undefined,
  };
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
 * Reads the verdicts on record: the answer to "why is the bot silent?" (P1).
 *
 * Each verdict names its facts and its policy, so that the same engine can show each of its steps
 * again. The facts contain no text of the message. `verdict_blocks.ts` writes the verdicts; the
 * view `decision` shows them one by one.
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
const DECISION_COLUMNS =
  "id, account_id, message_id, channel_id, author_id, verdict, why, rule, at";

/**
 * Reads a row with the columns {@link DECISION_COLUMNS}.
 *
 * @throws {ZodError} If the row has other columns.
 */
function toDecision(row: unknown): RecordedVerdict {
  const { account_id, message_id, channel_id, author_id, ...rest } = rowSchema.parse(row);
  return {
    ...rest,
    accountId: account_id,
    messageId: message_id,
    channelId: channel_id,
    authorId: author_id,
  };
}

const messageIdSchema = z.object({ message_id: snowflakeSchema<"message">() });
const causeSchema = z.object({ cause_id: snowflakeSchema<"message">().nullable() });

/**
 * Creates the reader of records.
 *
 * @param database Open and migrated; may be read-only.
 */
export function createMessageRecords(
  database: DatabaseSync,
  { read }: Transactions = createUngroupedTransactions(database),
): MessageRecords {
  const columns = DECISION_COLUMNS.split(", ").map((name) => `d.${name}`).join(", ");
  const selectDecisions = database.prepare(
    `SELECT ${columns}, d.facts, p.made_at, p.file, p.text, p.names
     FROM decision AS d LEFT JOIN policy AS p ON p.id = d.policy_row
     WHERE d.sent_to >= :sentAt AND d.sent_from <= :sentAt AND d.message_id = :messageId
     ORDER BY d.id`,
  );
  const selectTurn = database.prepare(
    "SELECT *, COALESCE(message ->> '$.revision', 0) AS revision FROM inbox WHERE message_id = ?",
  );
  const selectFailed = database.prepare(
    "SELECT message_id FROM inbox WHERE failure_id = ? ORDER BY id DESC LIMIT 1",
  );
  const selectCause = database.prepare(
    "SELECT cause_id FROM outbox WHERE message_id = ? ORDER BY id LIMIT 1",
  );
  const selectOutbox = (where: string) =>
    database.prepare(
      `SELECT o.*, p.reason AS parked_reason, p.next_try_at, (
         SELECT MIN(u.id) FROM outbox AS u
         WHERE u.account_id = o.account_id AND u.channel_id = o.channel_id AND u.id < o.id
           AND u.state IN ('pending', 'sending') AND o.state IN ('pending', 'sending')
       ) AS behind
       FROM outbox AS o
       LEFT JOIN parked_channel AS p ON p.account_id = o.account_id AND p.channel_id = o.channel_id
         AND p.is_parked = 1 AND o.state IN ('pending', 'sending')
       WHERE ${where} ORDER BY o.id`,
    );
  const selectAnswers = selectOutbox("o.cause_id = ?");
  const selectOwn = selectOutbox("o.message_id = ?");

  function ofMessage(messageId: MessageId): MessageRecord | undefined {
    const decisions = selectDecisions.all({ messageId, sentAt: createdAtMs(messageId) })
      .map(toDecisionOnRecord);
    const row = selectTurn.get(messageId);
    const turn = row && toTurnOnRecord(row);
    const answered = turn?.replyTo === undefined ? [messageId] : [messageId, turn.replyTo];
    const outbox = answered.flatMap((id) => selectAnswers.all(id)).map(toOutboxOnRecord);
    if (decisions.length === 0 && !turn && outbox.length === 0) return undefined;
    return { messageId, decisions, turn, outbox };
  }

  function ofOwn(messageId: MessageId): MessageRecord | undefined {
    const row = selectCause.get(messageId);
    if (!row) return undefined;
    const { cause_id: cause } = causeSchema.parse(row);
    if (cause !== null) return ofMessage(cause);
    return { messageId, decisions: [], outbox: selectOwn.all(messageId).map(toOutboxOnRecord) };
  }

  return {
    messageRecordOf: (asked) =>
      read(() => {
        if ("messageId" in asked) return ofMessage(asked.messageId) ?? ofOwn(asked.messageId);
        const row = selectFailed.get(asked.failureId);
        return row && ofMessage(messageIdSchema.parse(row).message_id);
      }),
  };
}
