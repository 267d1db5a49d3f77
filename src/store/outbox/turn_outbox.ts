/**
 * Adds a turn's messages to the outbox, within the transaction that ends the turn (T3).
 *
 * The messages replace the turn's drafts (R8). If the channel's queue is full, they are folded or
 * dropped (D4). Pure functions decide both from the waiting rows. This module reads these rows and
 * makes the changes.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { FinishedTurn, StoredTurn } from "../../core/inbound/inbox.ts";
import { type AnswerMessage, type DraftRow, placeDrafts } from "../../core/outbound/draft.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import type { PlanQueue, QueuePlan, Waiting } from "../../core/outbound/queue.ts";
import { prepareOutboxFiles } from "./outbox_rows.ts";
import { prepareAddToOutbox, storedMessage } from "./rows.ts";
import { COUNT, integer, oneOf, optional, rows, snowflake, text } from "../schema/columns.ts";

const ADD: QueuePlan = { kind: "add" };

/** Adds a turn's messages within a transaction of the caller's. */
export function prepareAddTurn(database: DatabaseSync): (
  turn: FinishedTurn,
  now: number,
  queue: PlanQueue | undefined,
) => Pick<StoredTurn, "folded" | "dropped"> {
  const sql = statementsOf(database);
  const add = prepareAddToOutbox(database);
  const fold = prepareFold(database);
  const draftsOf = prepareDraftsOf(database);
  const waitingIn = prepareWaitingIn(database);
  const withdraw = sql`
    UPDATE outbox SET state = 'withdrawn' WHERE account_id = ? AND nonce = ? AND ${IS_UNTRIED}`;

  function planOf(incoming: readonly Frozen[], queue: PlanQueue | undefined): QueuePlan {
    const [first] = incoming;
    if (!queue || !first) return ADD;
    const { accountId, channelId } = first.message;
    const room = queue.maxQueueSize - incoming.length;
    const waiting = waitingIn(accountId, channelId, room);
    return waiting ? queue.plan(waiting, incoming) : ADD;
  }

  return (turn, now, queue) => {
    const plan = planOf(turn.outbox, queue);
    const { message: { accountId, id: messageId }, route: { agentId } } = turn.claim;
    const drafts = draftsOf({ accountId, messageId, agentId });
    const placed = placeDrafts(drafts, plan.kind === "add" ? turn.outbox : []);
    for (const nonce of placed.withdraw) withdraw.run(accountId, nonce);
    for (const frozen of placed.outbox) add(frozen, now);
    switch (plan.kind) {
      case "add":
        return { folded: 0, dropped: 0 };
      case "drop":
        for (const frozen of turn.outbox) {
          add(frozen, now, { state: "dropped", reason: plan.reason });
        }
        return { folded: 0, dropped: turn.outbox.length };
      case "fold": {
        const into = add(plan.into, now);
        for (const id of plan.rows) fold(id, into);
        for (const frozen of turn.outbox) add(frozen, now, { state: "folded", into });
        return { folded: plan.rows.length + turn.outbox.length, dropped: 0 };
      }
    }
  };
}

/** SQL condition for rows that Discord cannot have. Refused rows are such rows, too. */
const IS_UNTRIED = "state = 'pending'";

/**
 * Prepares the statements that fold a row into another one.
 *
 * @throws {TypeError} If a row is not waiting: its text would be sent twice, or not at all.
 */
function prepareFold(database: DatabaseSync): (id: number, into: number) => void {
  const sql = statementsOf(database);
  const files = prepareOutboxFiles(database);
  const fold = sql`UPDATE outbox SET state = 'folded', folded_into = ?, whole = NULL
     WHERE id = ? AND ${IS_UNTRIED}`;
  return (id, into) => {
    if (fold.run(into, id).changes === 0) {
      throw new TypeError(`Cannot fold row ${id}: an attempt to send it has begun`);
    }
    files.delete(id);
  };
}

const WAITING = rows({
  id: integer(),
  message: storedMessage(),
  whole: optional(text()),
  fileCount: integer(),
});
const WAITS = rows({ count: integer(), lastFixed: integer() });

/**
 * Prepares the query for the messages of a channel that may be folded. It returns `undefined`
 * unless more than `room` messages are not yet being sent. Folded text moves behind all other
 * messages, so only the newest messages may be folded: those after the last one that is being sent
 * or tied to a draft. If the first part of an answer is sent, no other part of it may be folded.
 */
function prepareWaitingIn(database: DatabaseSync) {
  const sql = statementsOf(database);
  const isIn = "account_id = ? AND channel_id = ? AND state IN ('pending', 'sending')";
  const isFoldable = `${IS_UNTRIED} AND action = 'post' AND kind IS NOT 'draft'`;
  const countUnsent = sql`SELECT COUNT(*) AS count FROM outbox WHERE ${isIn}`;
  const countWaiting = sql`
    SELECT COUNT(*) FILTER (WHERE state = 'pending' AND kind IS NOT 'draft') AS count,
           COALESCE(MAX(id) FILTER (WHERE NOT (${isFoldable})), 0) AS last_fixed
    FROM outbox WHERE ${isIn}`;
  const select = sql`
    SELECT id, message, whole, file_count FROM outbox WHERE ${isIn} AND id > ? ORDER BY id`;
  return (
    accountId: AccountId,
    channelId: ChannelId,
    room: number,
  ): readonly Waiting[] | undefined => {
    // This query reads only the index, because it runs for each answer. The others hardly ever run.
    if (COUNT.read(countUnsent.get(accountId, channelId)).count <= room) return undefined;
    const waiting = WAITS.read(countWaiting.get(accountId, channelId));
    if (waiting.count <= room) return undefined;
    const rows = select.all(accountId, channelId, waiting.lastFixed).map(WAITING.read);
    const start = rows.findIndex(({ message: { of } }) => !of || of.part === 0);
    return start === -1 ? [] : rows.slice(start);
  };
}

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
      return [{
        message: { ...rest, nonce, of },
        state: DRAFT_STATES[state],
        messageId: postedAs,
      }];
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
