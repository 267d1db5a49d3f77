/**
 * Reads the rows of a message's record.
 *
 * @module
 */

import { z } from "zod";
import { column } from "../schema/columns.ts";
import { toAccountId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Facts } from "../../core/inbound/facts.ts";
import type { ResolvedName } from "../../core/names.ts";
import type { TurnCost } from "../../core/spending/usage.ts";
import { storedMessageSchema } from "../outbox/rows.ts";
import { toDecision } from "./decisions.ts";
import type {
  DecisionOnRecord,
  OutboxOnRecord,
  TurnOnRecord,
  TurnState,
} from "../../core/store/received.ts";

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
export function toDecisionOnRecord(row: unknown): DecisionOnRecord {
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
export function toTurnOnRecord(row: unknown): TurnOnRecord {
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
export function toOutboxOnRecord(row: unknown): OutboxOnRecord {
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
