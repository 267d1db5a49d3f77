/**
 * Reads the whole record of one message: its verdicts, its turn, and the messages sent for it.
 * `barnacle why` reads nothing else.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { TurnCost } from "../../core/spending/usage.ts";
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
import { storedMessageSchema } from "../outbox/rows.ts";
import type { StoredPolicy } from "./policies.ts";
import { createUngroupedTransactions, type Transactions } from "../database/transact.ts";

/** The record of one message. Times are Unix time in milliseconds. */
export interface MessageRecord {
  /** Discord's id of the message. */
  readonly messageId: MessageId;
  /** One decision of each account that saw the message; none once they are deleted. */
  readonly decisions: readonly DecisionOnRecord[];
  /** The message's turn, waiting or not; absent if the message was not accepted. */
  readonly turn?: TurnOnRecord;
  /**
   * Messages frozen for it, or for the message with which it was answered. In the order of sending,
   * including drafts and unsent ones.
   */
  readonly outbox: readonly OutboxOnRecord[];
}

/**
 * A decision. Facts and policy are absent if an older Barnacle decided, or once they are deleted.
 */
export interface DecisionOnRecord extends Decision {
  /** The facts that the verdict was made from. */
  readonly facts?: Facts;
  /** The policy that made the verdict. */
  readonly policy?: StoredPolicy;
}

/**
 * State of a turn.
 *
 * - `declined`: the model chose to say nothing (R10).
 * - `cancelled`: the message was deleted, or edited so that it gets no answer (H6).
 * - `stopped`: a person stopped it.
 * - `interrupted`: a later message took its place (S5).
 */
export type TurnState =
  | "waiting"
  | "running"
  | "answered"
  | "declined"
  | "refused"
  | "failed"
  | "cancelled"
  | "stopped"
  | "interrupted";

/** A turn as the inbox has it. */
export interface TurnOnRecord {
  /** The account that accepted the message. */
  readonly accountId: AccountId;
  /** The agent of the turn. */
  readonly agentId: string;
  /** Key of the conversation's session. */
  readonly sessionKey: string;
  /** State of the turn. */
  readonly state: TurnState;
  /** Number of the newest attempt; 0 before the first. */
  readonly attempt: number;
  /** When the message was accepted. */
  readonly acceptedAt: number;
  /** When the newest attempt began; absent before the first. */
  readonly claimedAt?: number;
  /** When the turn ended; absent before. */
  readonly finishedAt?: number;
  /** Id in the notice to the sender; absent if the turn did not fail or sent no notice. */
  readonly failureId?: string;
  /** Why the turn failed or was refused, for the operator; absent if it was neither. */
  readonly failure?: string;
  /** The message that its turn began with, if the turn answers several (S5). */
  readonly turnOf?: MessageId;
  /** The message that the turn's reply belongs to, if it is another one (S5). */
  readonly replyTo?: MessageId;
  /** What a person did to the message after its turn (H6); absent: nothing. */
  readonly change?: { readonly kind: "edited" | "deleted"; readonly at: number };
  /** Revision of the text that the turn has: above 0 if it was edited before the turn's end. */
  readonly revision: number;
  /** The cost of the turn's requests to models; absent if there was none. */
  readonly cost?: TurnCost;
}

/** A message for Discord as the outbox has it. */
export interface OutboxOnRecord {
  /** Number of its row. */
  readonly id: number;
  /** The account that sends it. */
  readonly accountId: AccountId;
  /** Its target channel. */
  readonly channelId: ChannelId;
  /** Absent for messages that answer no one. */
  readonly kind?: string;
  /** State of its row. */
  readonly state: string;
  /** Index among the messages of one answer, from 0; absent for messages that answer no one. */
  readonly part?: number;
  /** Number of messages of that answer; absent with `part`. */
  readonly parts?: number;
  /** When the message was added. */
  readonly createdAt: number;
  /** When Discord may first have got it; absent before the first attempt. */
  readonly firstAttemptAt?: number;
  /** Since when no attempt has succeeded; absent if the row is not failing. */
  readonly failingSince?: number;
  /**
   * Discord's id of the sent message; absent if it is not sent or was deleted before Discord told
   * the id.
   */
  readonly messageId?: MessageId;
  /** Number of the row that has its text; absent if it was not folded. */
  readonly foldedInto?: number;
  /** Discord's last refusal, or the reason why the message was given up. Absent without either. */
  readonly reason?: string;
  /** When Barnacle tries it again, at the latest; absent while it does, and after the last try. */
  readonly nextAttemptAt?: number;
  /** Number of an earlier unsent message of its channel, if it waits for that one. */
  readonly behind?: number;
  /** Why the bot cannot post in the channel now; absent if the channel is not parked. */
  readonly parkedReason?: string;
}

/** Reads the records of messages. */
export interface MessageRecords {
  /**
   * Finds the record by a message, by one of our own messages that answers it, or by the failure id
   * in a notice. A message of ours that answers no one has a record without decisions.
   *
   * @returns `undefined` if nothing is on record.
   */
  messageRecordOf(
    asked: { readonly messageId: MessageId } | { readonly failureId: string },
  ): Promise<MessageRecord | undefined>;
}

/** The JSON is ours, written as facts and policies are. */
const decisionSchema = z.object({
  facts: z.string().transform((text): Facts => JSON.parse(text)).nullable(),
  made_at: z.number().nullable(),
  file: z.string().nullable(),
  text: z.string().nullable(),
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
  agent_id: z.string(),
  session_key: z.string(),
  state: z.enum(TURN_STATES),
  attempt: z.number(),
  accepted_at: z.number(),
  claimed_at: z.number().nullable(),
  finished_at: z.number().nullable(),
  failure_id: z.string().nullable(),
  failure: z.string().nullable(),
  turn_of: snowflakeSchema<"message">().nullable(),
  reply_to: snowflakeSchema<"message">().nullable(),
  change: z.enum(["edited", "deleted"]).nullable(),
  changed_at: z.number().nullable(),
  revision: z.number(),
  cost: z.string().transform((text): TurnCost => JSON.parse(text)).nullable(), // ours
});

const outboxSchema = z.object({
  id: z.number(),
  account_id: z.string().transform(toAccountId),
  channel_id: snowflakeSchema<"channel">(),
  kind: z.string().nullable(),
  state: z.string(),
  message: storedMessageSchema,
  created_at: z.number(),
  first_attempt_at: z.number().nullable(),
  failing_since: z.number().nullable(),
  message_id: snowflakeSchema<"message">().nullable(),
  folded_into: z.number().nullable(),
  refusal: z.string().nullable(),
  next_attempt_at: z.number().nullable(),
  parked_reason: z.string().nullable(),
  next_try_at: z.number().nullable(),
  behind: z.number().nullable(),
});

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
    return { messageId, decisions, ...(turn && { turn }), outbox };
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
    ...(rest.turn_of !== null && { turnOf: rest.turn_of }),
    ...(rest.reply_to !== null && { replyTo: rest.reply_to }),
    ...(rest.change !== null && {
      change: { kind: rest.change, at: rest.changed_at ?? rest.accepted_at },
    }),
    revision: rest.revision,
    ...(rest.cost !== null && { cost: rest.cost }),
  };
}

function toOutboxOnRecord(row: unknown): OutboxOnRecord {
  const { id, account_id, channel_id, kind, state, message: { of }, ...rest } = outboxSchema
    .parse(row);
  const isWaiting = state === "pending" || state === "sending";
  const nextAttemptAt = isWaiting ? rest.next_try_at ?? rest.next_attempt_at : null;
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
    ...(nextAttemptAt !== null && { nextAttemptAt }),
    ...(rest.behind !== null && { behind: rest.behind }),
    ...(rest.parked_reason !== null && { parkedReason: rest.parked_reason }),
  };
}
