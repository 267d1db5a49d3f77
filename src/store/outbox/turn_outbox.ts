/**
 * Adds a turn's messages to the outbox, within the transaction that ends the turn (T3).
 *
 * The messages replace the turn's drafts (R8). If the channel's queue has a bound and is full, they are
 * kept as dropped (D4).
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/durability.ts";
import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import type { FinishedTurn } from "../../core/inbound/inbox.ts";
import { type AnswerMessage, type DraftRow, placeDrafts } from "../../core/outbound/draft.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import { prepareAddToOutbox, storedMessage } from "./rows.ts";
import { integer, oneOf, optional, rows, snowflake } from "../schema/columns.ts";

/**
 * Adds a turn's messages within a transaction of the caller's.
 *
 * @param maxWaiting Maximum number of the channel's waiting messages; absent: no bound.
 * @returns Number of messages that are kept as dropped.
 */
export function prepareAddTurn(
  database: DatabaseSync,
): (turn: FinishedTurn, now: number, maxWaiting?: number) => number {
  const sql = statementsOf(database);
  const add = prepareAddToOutbox(database);
  const draftsOf = prepareDraftsOf(database);
  const withdraw = sql`
    UPDATE outbox SET state = 'withdrawn' WHERE account_id = ? AND nonce = ? AND ${IS_UNTRIED}`;
  const countWaiting = sql`
    SELECT COUNT(*) FILTER (WHERE ${IS_UNTRIED} AND kind IS NOT 'draft') AS count FROM outbox
    WHERE account_id = ? AND channel_id = ? AND state IN ('pending', 'sending')`;

  function isFull([first, ...others]: readonly Frozen[], maxWaiting: number): boolean {
    if (!first) return false;
    const { accountId, channelId } = first.message;
    const { count } = WAITS.read(countWaiting.get(accountId, channelId));
    return count + 1 + others.length > maxWaiting;
  }

  return (turn, now, maxWaiting = Infinity) => {
    const drops = maxWaiting !== Infinity && isFull(turn.outbox, maxWaiting);
    const { message: { accountId, id: messageId }, route: { agentId } } = turn.claim;
    const drafts = draftsOf({ accountId, messageId, agentId });
    const placed = placeDrafts(drafts, drops ? [] : turn.outbox);
    for (const nonce of placed.withdraw) withdraw.run(accountId, nonce);
    for (const frozen of placed.outbox) add(frozen, now);
    if (!drops) return 0;
    const dropped = `${maxWaiting} messages of its channel wait already`;
    for (const frozen of turn.outbox) add(frozen, now, dropped);
    return turn.outbox.length;
  };
}

/** SQL condition for rows that Discord cannot have. Refused rows are such rows, too. */
const IS_UNTRIED = "state = 'pending'";

const WAITS = rows({ count: integer() });

interface DraftsTurn {
  readonly accountId: string;
  readonly messageId: string;
  readonly agentId: string;
}

const DRAFT = rows({
  message: storedMessage(),
  state: oneOf("pending", "sending", "sent"),
  messageId: optional(snowflake<"message">()),
});

const DRAFT_STATES = { pending: "untried", sending: "open", sent: "there" } as const;

function prepareDraftsOf(database: DatabaseSync): (turn: DraftsTurn) => readonly DraftRow[] {
  const sql = statementsOf(database);
  const select = sql`SELECT message, state, message_id FROM outbox
     WHERE kind = 'draft' AND account_id = ? AND cause_id = ? AND action = 'post'
       AND state IN ('pending', 'sending', 'sent')
     ORDER BY id`;
  return ({ accountId, messageId, agentId }) =>
    select.all(accountId, messageId).flatMap((row): readonly DraftRow[] => {
      const { message, state, messageId: postedAs } = DRAFT.read(row);
      const { of, nonce, ...rest } = message;
      if (of?.agentId !== agentId) return [];
      return [{ message: { ...rest, nonce, of }, state: DRAFT_STATES[state], messageId: postedAs }];
    });
}

/**
 * Prepares the removal of a turn's drafts, if the turn ends without an answer. They belong to the
 * message that the turn began with, whatever its text is now. Those without an attempt are withdrawn;
 * a row deletes each other one. It tells whether there was one to delete.
 */
export function prepareRemoveDrafts(database: DatabaseSync) {
  const sql = statementsOf(database);
  const draftsOf = prepareDraftsOf(database);
  const add = prepareAddToOutbox(database);
  const withdraw = sql`
    UPDATE outbox SET state = 'withdrawn' WHERE account_id = ? AND nonce = ? AND state = 'pending'`;
  return (turn: DraftsTurn, now: number): boolean => {
    const drafts = draftsOf(turn);
    if (drafts.length === 0) return false;
    const placed = placeDrafts(drafts, []);
    for (const nonce of placed.withdraw) withdraw.run(turn.accountId, nonce);
    for (const frozen of placed.outbox) add(frozen, now);
    return placed.outbox.length > 0;
  };
}

const ROW = rows({
  message: storedMessage(),
  state: oneOf("pending", "sending", "sent"),
  action: oneOf("post", "replace"),
  messageId: optional(snowflake<"message">()),
});

interface AnswersOf {
  readonly accountId: AccountId;
  readonly causes: readonly MessageId[];
}

/** Finds the messages at Discord that show the answer of a turn now, within the caller's transactions. */
export function prepareCurrentAnswer(
  database: DatabaseSync,
): (of: AnswersOf) => readonly AnswerMessage[] {
  const sql = statementsOf(database);
  const select = sql`SELECT message, state, action, message_id FROM outbox AS o
     WHERE cause_id IN (SELECT value FROM json_each(:causes)) AND +account_id = :accountId
       AND kind IN ('reply', 'failure') AND action <> 'remove'
       AND state IN ('pending', 'sending', 'sent')
       AND NOT EXISTS (
         SELECT 1 FROM outbox AS later
         WHERE later.cause_id IN (SELECT value FROM json_each(:causes))
           AND +later.account_id = :accountId AND later.draft_nonce = o.nonce
           AND later.state IN ('pending', 'sending', 'sent')
       )
     ORDER BY id`;
  return ({ accountId, causes }) =>
    select.all({ accountId, causes: JSON.stringify(causes) }).flatMap((row) => {
      const { message, state, action, messageId } = ROW.read(row);
      const { of, ...rest } = message;
      if (!of) return [];
      // A later edit of the same message waits behind an earlier one.
      const isUntried = state === "pending" && action === "post";
      return [{
        message: { ...rest, of },
        state: state === "sent" ? "there" : isUntried ? "untried" : "open",
        messageId,
      }];
    });
}
