/**
 * All that is on record of one message: what was decided of it, the turn that it
 * had, and what was sent for it. `barnacle why` reads nothing else.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { Facts } from "../../core/inbound/facts.ts";
import {
  type AccountId,
  type ChannelId,
  createdAtMs,
  type MessageId,
  toAccountId,
} from "../../core/discord/ids.ts";
import type { ResolvedName } from "../../core/names.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { type Decision, DECISION_COLUMNS, toDecision } from "./decisions.ts";
import { readMessage } from "../outbox/rows.ts";
import type { StoredPolicy } from "./policies.ts";
import { transactAlone, type Transactions } from "../database/transact.ts";

/** Times are Unix time in milliseconds. */
export interface MessageRecord {
  readonly messageId: MessageId;
  /** One of each account that saw it; none once they are forgotten. */
  readonly decisions: readonly DecisionOnRecord[];
  readonly turn?: TurnOnRecord;
  /** What was frozen for it, in the order of sending: drafts, and what was never sent, too. */
  readonly outbox: readonly OutboxOnRecord[];
}

/** Facts and policy are absent of what an older Barnacle decided, or once they are forgotten. */
export interface DecisionOnRecord extends Decision {
  readonly facts?: Facts;
  readonly policy?: StoredPolicy;
}

export interface TurnOnRecord {
  readonly accountId: AccountId;
  readonly agentId: string;
  readonly sessionKey: string;
  readonly state: "waiting" | "running" | "answered" | "declined" | "failed";
  /** 0 before the first. */
  readonly attempt: number;
  readonly acceptedAt: number;
  readonly claimedAt?: number;
  readonly finishedAt?: number;
  /** What the person was told. */
  readonly failureId?: string;
  readonly failure?: string;
}

export interface OutboxOnRecord {
  readonly id: number;
  readonly accountId: AccountId;
  readonly channelId: ChannelId;
  /** Absent on what answers nobody. */
  readonly kind?: string;
  readonly state: string;
  /** From 0. */
  readonly part?: number;
  readonly parts?: number;
  readonly createdAt: number;
  readonly firstAttemptAt?: number;
  readonly failingSince?: number;
  /** Discord's. */
  readonly messageId?: MessageId;
  /** The row that its words are in. */
  readonly foldedInto?: number;
  /** What Discord said last, or why it is over. */
  readonly reason?: string;
  /** Why nothing is posted in its channel now. */
  readonly parkedReason?: string;
}

export interface MessageRecords {
  /**
   * By a message, by one of our own that answers it, or by what its author was told when its turn
   * failed. One of our own that answers nobody has a dossier without decisions.
   *
   * @returns `undefined` where nothing is on record.
   */
  messageRecordOf(
    asked: { readonly messageId: MessageId } | { readonly failureId: string },
  ): Promise<MessageRecord | undefined>;
}

/** What is JSON is ours, written as facts and policies are. */
const decisionSchema = z.object({
  facts: z.string().transform((text): Facts => JSON.parse(text)).nullable(),
  made_at: z.number().nullable(),
  file: z.string().nullable(),
  text: z.string().nullable(),
  names: z.string().transform((text): readonly ResolvedName[] => JSON.parse(text)).nullable(),
});

const turnSchema = z.object({
  account_id: z.string().transform(toAccountId),
  agent_id: z.string(),
  session_key: z.string(),
  state: z.enum(["waiting", "running", "answered", "declined", "failed"]),
  attempt: z.number(),
  accepted_at: z.number(),
  claimed_at: z.number().nullable(),
  finished_at: z.number().nullable(),
  failure_id: z.string().nullable(),
  failure: z.string().nullable(),
});

const outboxSchema = z.object({
  id: z.number(),
  account_id: z.string().transform(toAccountId),
  channel_id: snowflakeSchema<"channel">(),
  kind: z.string().nullable(),
  state: z.string(),
  message: z.string().transform(readMessage),
  created_at: z.number(),
  first_attempt_at: z.number().nullable(),
  failing_since: z.number().nullable(),
  message_id: snowflakeSchema<"message">().nullable(),
  folded_into: z.number().nullable(),
  refusal: z.string().nullable(),
  parked_reason: z.string().nullable(),
});

const messageIdSchema = z.object({ message_id: snowflakeSchema<"message">() });
const causeSchema = z.object({ cause_id: snowflakeSchema<"message">().nullable() });

/** @param database Open and migrated, if only to read. */
export function createMessageRecords(
  database: DatabaseSync,
  { read }: Transactions = transactAlone(database),
): MessageRecords {
  const columns = DECISION_COLUMNS.split(", ").map((name) => `d.${name}`).join(", ");
  const selectDecisions = database.prepare(
    `SELECT ${columns}, d.facts, p.made_at, p.file, p.text, p.names
     FROM decision AS d LEFT JOIN policy AS p ON p.id = d.policy_row
     WHERE d.sent_to >= :sentAt AND d.sent_from <= :sentAt AND d.message_id = :messageId
     ORDER BY d.id`,
  );
  const selectTurn = database.prepare("SELECT * FROM inbox WHERE message_id = ?");
  const selectFailed = database.prepare(
    "SELECT message_id FROM inbox WHERE failure_id = ? ORDER BY id DESC LIMIT 1",
  );
  const selectCause = database.prepare(
    "SELECT cause_id FROM outbox WHERE message_id = ? ORDER BY id LIMIT 1",
  );
  const selectOutbox = (where: string) =>
    database.prepare(
      `SELECT o.*, p.reason AS parked_reason FROM outbox AS o
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
    const outbox = selectAnswers.all(messageId).map(toOutboxOnRecord);
    if (decisions.length === 0 && !row && outbox.length === 0) return undefined;
    return { messageId, decisions, ...(row && { turn: toTurnOnRecord(row) }), outbox };
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

function toDecisionOnRecord(row: unknown): DecisionOnRecord {
  const { facts, made_at, file, text, names } = decisionSchema.parse(row);
  return {
    ...toDecision(row),
    ...(facts && { facts }),
    ...(made_at !== null && names && {
      policy: {
        at: made_at,
        ...(file !== null && { file }),
        ...(text !== null && { text }),
        names,
      },
    }),
  };
}

function toTurnOnRecord(row: unknown): TurnOnRecord {
  const { account_id, agent_id, session_key, state, attempt, ...rest } = turnSchema.parse(row);
  return {
    accountId: account_id,
    agentId: agent_id,
    sessionKey: session_key,
    state,
    attempt,
    acceptedAt: rest.accepted_at,
    ...(rest.claimed_at !== null && { claimedAt: rest.claimed_at }),
    ...(rest.finished_at !== null && { finishedAt: rest.finished_at }),
    ...(rest.failure_id !== null && { failureId: rest.failure_id }),
    ...(rest.failure !== null && { failure: rest.failure }),
  };
}

function toOutboxOnRecord(row: unknown): OutboxOnRecord {
  const { id, account_id, channel_id, kind, state, message: { of }, ...rest } = outboxSchema
    .parse(row);
  return {
    id,
    accountId: account_id,
    channelId: channel_id,
    ...(kind !== null && { kind }),
    state,
    ...(of && { part: of.part, parts: of.parts }),
    createdAt: rest.created_at,
    ...(rest.first_attempt_at !== null && { firstAttemptAt: rest.first_attempt_at }),
    ...(rest.failing_since !== null && { failingSince: rest.failing_since }),
    ...(rest.message_id !== null && { messageId: rest.message_id }),
    ...(rest.folded_into !== null && { foldedInto: rest.folded_into }),
    ...(rest.refusal !== null && { reason: rest.refusal }),
    ...(rest.parked_reason !== null && { parkedReason: rest.parked_reason }),
  };
}
