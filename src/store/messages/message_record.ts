/**
 * Reads the record of one message for `barnacle why`: its verdicts, its turn, and the messages sent
 * for it. Reads verdicts page by page.
 */

import {
  account,
  flag,
  integer,
  json,
  oneOf,
  optional,
  rows,
  snowflake,
  text,
} from "../schema/columns.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import type { Facts } from "../../core/inbound/verdict.ts";
import type { Triggered } from "../../core/inbound/inbound.ts";
import type { ResolvedName } from "../../core/names.ts";
import type { TurnCost } from "../../core/spending/usage.ts";
import { storedMessage } from "../outbox/rows.ts";
import { TURN_STATE } from "../schema/messages.ts";
import type { Transactions } from "../database/durability.ts";

const POLICY = rows({
  facts: optional(json<Facts>()), // ours, as all JSON here
  madeAt: optional(integer()),
  file: optional(text()),
  text: optional(text()),
  names: optional(json<readonly ResolvedName[]>()),
});
const FEED = rows({
  facts: optional(json<Facts>()),
  answeredBy: optional(account()), // absent: there is no turn, or it is no longer recorded
  state: optional(TURN_STATE),
  failure: optional(text()),
  unsent: optional(text()), // state of a message of its answer that has not arrived, a lost one first
  asksPerson: flag(),
  isAtDiscord: flag(), // as far as its turn tells
  words: optional(text()), // the beginning of its text
});
const TURN = rows({
  accountId: account(),
  agentId: text(),
  sessionKey: text(),
  state: TURN_STATE,
  attempt: integer(),
  acceptedAt: integer(),
  claimedAt: optional(integer()),
  finishedAt: optional(integer()),
  failureId: optional(text()),
  failure: optional(text()),
  turnOf: optional(snowflake<"message">()),
  replyTo: optional(snowflake<"message">()),
  change: optional(oneOf("edited", "deleted")),
  changedAt: optional(integer()),
  revision: integer(), // of the text that the turn has: above 0 if it was edited before its end
  cost: optional(json<TurnCost>()),
  spokenSec: optional(integer()), // of the sound of a spoken message, rounded up (V5)
});
const SENT = rows({
  id: integer(),
  accountId: account(),
  channelId: snowflake<"channel">(),
  kind: optional(text()), // absent for messages that answer no one
  state: text(),
  createdAt: integer(),
  firstAttemptAt: optional(integer()),
  failingSince: optional(integer()),
  messageId: optional(snowflake<"message">()),
  refusal: optional(text()),
  nextAttemptAt: optional(integer()),
  parkedReason: optional(text()), // absent if the channel is not parked
  nextTryAt: optional(integer()),
  behind: optional(integer()),
});
const MESSAGE = rows({ message: storedMessage() });

/** Reads a decision with its facts and its policy; both are absent once they are deleted. */
function toDecisionOnRecord(row: unknown) {
  const { facts, madeAt: at, file, text, names } = POLICY.read(row);
  const policy = at !== undefined && names ? { at, file, text, names } : undefined;
  return { ...VERDICT.read(row), facts, policy };
}

function toTurnOnRecord(row: unknown) {
  const { change: kind, changedAt, ...turn } = TURN.read(row);
  return { ...turn, change: kind && { kind, at: changedAt ?? turn.acceptedAt } };
}

function toOutboxOnRecord(row: unknown) {
  const { refusal: reason, nextTryAt, nextAttemptAt, ...sent } = SENT.read(row);
  const { message: { of } } = MESSAGE.read(row);
  const isWaiting = sent.state === "pending" || sent.state === "sending";
  return {
    ...sent,
    part: of?.part,
    parts: of?.parts,
    reason,
    nextAttemptAt: isWaiting ? nextTryAt ?? nextAttemptAt : undefined,
  };
}

const VERDICT = rows({
  id: integer(), // rises with each decision; the next page begins after it
  accountId: account(), // that judged the message
  messageId: snowflake<"message">(),
  channelId: snowflake<"channel">(),
  authorId: snowflake<"user">(), // the sender that policy judged
  verdict: oneOf("accept", "challenge", "undecided", "ignore"),
  why: text(), // as this or an older Barnacle named it: "no-mention"
  rule: text(), // config path of the rule that decided
  at: integer(),
});

export type RecordedVerdict = ReturnType<typeof VERDICT.read>;

/** A verdict with the facts that it was made from, and what became of the message. */
export type JudgedOnRecord = RecordedVerdict & ReturnType<typeof FEED.read>;

/**
 * Reads the verdicts on record: the answer to "why is the bot silent?" (P1).
 *
 * Each verdict names its facts and its policy, so that the same engine can show each of its steps
 * again. The facts contain no text of the message. `store_batch.ts` writes the rows.
 */
export function createDecisions({ sql, read }: Transactions) {
  const select = sql.rows(VERDICT.read)`SELECT ${VERDICT.columns()} FROM decision
     WHERE id > ? AND verdict NOT IN ('undecided', 'forgotten') ORDER BY id LIMIT ?`;
  const selectNewest = sql`
    SELECT ${VERDICT.columns("d")}, d.facts, i.account_id AS answered_by, i.state, i.failure,
       SUBSTR(i.message ->> '$.text', 1, 200) AS words,
       i.message ->> '$.origin' IS NULL AS is_at_discord,
       EXISTS (SELECT 1 FROM question AS q WHERE q.state = 'open'
         AND q.message_id = COALESCE(i.turn_of, i.message_id)) AS asks_person,
       (SELECT o.state FROM outbox AS o WHERE o.cause_id = COALESCE(i.reply_to, i.message_id)
          AND o.state NOT IN ('sent', 'withdrawn')
        ORDER BY o.state IN ('pending', 'sending') LIMIT 1) AS unsent
     FROM decision AS d LEFT JOIN inbox AS i ON i.message_id = d.message_id
     WHERE d.id < ? AND d.verdict <> 'forgotten' ORDER BY d.id DESC LIMIT ?`;
  return {
    /**
     * The verdicts after a number, oldest first, at most `limit`; 0 starts with the oldest. An
     * undecided message is left out until it is decided.
     */
    verdictsAfter: (id: number, limit: number): Promise<readonly RecordedVerdict[]> =>
      read(() => select.all(id, limit)),
    /** The newest verdicts before a number, the newest first, at most `limit`, with their facts. */
    newestVerdicts: (
      limit: number,
      before: number = Number.MAX_SAFE_INTEGER,
    ): Promise<readonly JudgedOnRecord[]> =>
      read(() =>
        selectNewest.all(before, limit).map((row) => ({ ...VERDICT.read(row), ...FEED.read(row) }))
      ),
  };
}

const RUN = rows({
  messageId: snowflake<"message">(),
  triggered: json<Triggered>(),
  state: TURN_STATE,
  failure: optional(text()),
});
const MESSAGE_ID = rows({ messageId: snowflake<"message">() });
const CAUSE = rows({ causeId: optional(snowflake<"message">()) });

export type OutboxOnRecord = ReturnType<typeof toOutboxOnRecord>;

/** The record of one message. Times are Unix time in milliseconds. */
export interface MessageRecord {
  readonly messageId: MessageId;
  /** One decision of each account that saw the message; none once they are deleted. */
  readonly decisions: readonly ReturnType<typeof toDecisionOnRecord>[];
  /** The message's turn, waiting or not; absent if the message was not accepted. */
  readonly turn?: ReturnType<typeof toTurnOnRecord>;
  /**
   * Messages frozen for it, or for the message with which it was answered. In the order of sending,
   * including drafts and unsent ones.
   */
  readonly outbox: readonly OutboxOnRecord[];
  /** Runs of passive agents that the message has caused, in their order; absent: none (N1). */
  readonly runs?: readonly ReturnType<typeof RUN.read>[];
}

/**
 * Creates the reader of records.
 *
 * @param database Open and migrated; may be read-only.
 */
export function createMessageRecords({ sql, read }: Transactions) {
  const selectDecisions = sql.rows(toDecisionOnRecord)`
    SELECT ${VERDICT.columns("d")}, d.facts, p.made_at, p.file, p.text, p.names
    FROM decision AS d LEFT JOIN policy AS p ON p.id = d.policy_row
    WHERE d.message_id = ? AND d.verdict <> 'forgotten' ORDER BY d.id`;
  const selectTurn = sql.rows(toTurnOnRecord)`
    SELECT *, COALESCE(message ->> '$.revision', 0) AS revision,
       CAST((message ->> '$.origin.seconds') + 0.999 AS INTEGER) AS spoken_sec FROM inbox WHERE message_id = ?`;
  const selectFailed = sql`
    SELECT message_id FROM inbox WHERE failure_id = ? ORDER BY id DESC LIMIT 1`;
  const selectRuns = sql.rows(RUN.read)`
    SELECT d.message_id, d.facts ->> '$.knownFacts.triggered' AS triggered, i.state, i.failure
     FROM decision AS d JOIN inbox AS i ON i.message_id = d.message_id
     WHERE d.why = 'triggered' AND d.facts ->> '$.knownFacts.triggered.messageId' = ?
     ORDER BY i.id`;
  const selectCause = sql`SELECT cause_id FROM outbox WHERE message_id = ? ORDER BY id LIMIT 1`;
  const selectOutbox = (where: string) =>
    sql`SELECT o.*, p.reason AS parked_reason, p.next_try_at, (
         SELECT MIN(u.id) FROM outbox AS u
         WHERE u.account_id = o.account_id AND u.channel_id = o.channel_id AND u.id < o.id
           AND u.state IN ('pending', 'sending') AND o.state IN ('pending', 'sending')
       ) AS behind
       FROM outbox AS o
       LEFT JOIN parked_channel AS p ON p.account_id = o.account_id AND p.channel_id = o.channel_id
         AND p.is_parked = 1 AND o.state IN ('pending', 'sending')
       WHERE ${where} ORDER BY o.id`;
  const selectAnswers = selectOutbox("o.cause_id = ?");
  const selectOwn = selectOutbox("o.message_id = ?");

  function ofMessage(messageId: MessageId): MessageRecord | undefined {
    const decisions = selectDecisions.all(messageId);
    const turn = selectTurn.get(messageId);
    const answered = turn?.replyTo === undefined ? [messageId] : [messageId, turn.replyTo];
    const outbox = answered.flatMap((id) => selectAnswers.all(id)).map(toOutboxOnRecord);
    if (decisions.length === 0 && !turn && outbox.length === 0) return undefined;
    const runs = selectRuns.all(messageId);
    return { messageId, decisions, turn, outbox, runs: runs.length > 0 ? runs : undefined };
  }

  function ofOwn(messageId: MessageId): MessageRecord | undefined {
    const row = selectCause.get(messageId);
    if (!row) return undefined;
    const { causeId } = CAUSE.read(row);
    if (causeId !== undefined) return ofMessage(causeId);
    return { messageId, decisions: [], outbox: selectOwn.all(messageId).map(toOutboxOnRecord) };
  }

  return {
    /**
     * Finds the record by a message, by one of our own messages that answers it, or by the failure id
     * in a notice. A message of ours that answers no one has a record without decisions.
     *
     * @returns `undefined` if nothing is on record.
     */
    messageRecordOf: (
      asked: { readonly messageId: MessageId } | { readonly failureId: string },
    ): Promise<MessageRecord | undefined> =>
      read(() => {
        if ("messageId" in asked) return ofMessage(asked.messageId) ?? ofOwn(asked.messageId);
        const row = selectFailed.get(asked.failureId);
        return row && ofMessage(MESSAGE_ID.read(row).messageId);
      }),
  };
}
