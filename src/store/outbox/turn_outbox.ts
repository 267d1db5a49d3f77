/**
 * Adds a turn's messages to the outbox, within the transaction that ends the turn (T3).
 *
 * The messages replace the turn's drafts (R8). If the channel's queue is full, they are folded or
 * dropped (D4). Pure functions decide both from the waiting rows. This module reads these rows and
 * makes the changes.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import { type AnswerMessage, type DraftRow, placeDrafts } from "../../core/outbound/draft.ts";
import type { AccountId, ChannelId } from "../../core/discord/ids.ts";
import { type FinishedTurn, lastOf, type StoredTurn } from "../../core/inbound/inbox.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import type { PlanQueue, QueuePlan, Waiting } from "../../core/outbound/queue.ts";
import type { Outgoing } from "../memory/send_queues.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { EditedStep } from "../../core/step.ts";
import { prepareCurrentAnswer } from "./answers.ts";
import { prepareOutboxFiles } from "./files.ts";
import { prepareAddToOutbox, storedMessageSchema } from "./rows.ts";

/** Adds a turn's messages within a transaction of the caller's. */
export type AddTurn = (
  turn: FinishedTurn,
  now: number,
  queue: PlanQueue | undefined,
  /** The edit that the turn follows: its answer takes the place of the earlier one (H6a). */
  edit?: EditedStep,
) => Pick<StoredTurn, "folded" | "dropped">;

const ADD: QueuePlan = { kind: "add" };

/** Prepares the statements for turns. */
export function prepareAddTurn(database: DatabaseSync, outgoing: Outgoing): AddTurn {
  const add = prepareAddToOutbox(database, outgoing);
  const fold = prepareFold(database);
  const draftsOf = prepareDraftsOf(database);
  const currentAnswer = prepareCurrentAnswer(database);
  const waitingIn = prepareWaitingIn(database);
  const withdraw = database.prepare(
    `UPDATE outbox SET state = 'withdrawn' WHERE account_id = ? AND nonce = ? AND ${IS_UNTRIED}`,
  );

  function planOf(incoming: readonly Frozen[], queue: PlanQueue | undefined): QueuePlan {
    const [first] = incoming;
    if (!queue || !first) return ADD;
    const { accountId, channelId } = first.message;
    const room = queue.maxQueueSize - incoming.length;
    const waiting = waitingIn(accountId, channelId, room);
    return waiting ? queue.plan(waiting, incoming) : ADD;
  }

  const forgetQueues = prepareForgetQueues(outgoing);

  return (turn, now, queue, edit) => {
    const plan = planOf(turn.outbox, queue);
    const { message: { accountId, id: messageId }, route: { agentId } } = turn.claim;
    const causes = edit && [...new Set([...edit.causes, lastOf(turn.claim).id])];
    const earlier = causes && plan.kind === "add" && turn.outbox.length > 0
      ? currentAnswer({ accountId, causes })
      : NO_ANSWER;
    const drafts = [...draftsOf({ accountId, messageId, agentId }), ...earlier];
    const outbox = edit ? turn.outbox.map((frozen) => inPlaceOf(earlier, frozen)) : turn.outbox;
    const placed = placeDrafts(drafts, plan.kind === "add" ? outbox : []);
    for (const nonce of placed.withdraw) withdraw.run(accountId, nonce);
    forgetQueues(plan.kind === "add" ? drafts : [...drafts, ...turn.outbox]);
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

const NO_ANSWER: readonly AnswerMessage[] = [];

/** A part of an answer as an edit of the earlier one, which keeps its quote, and loses its files. */
function inPlaceOf(earlier: readonly AnswerMessage[], frozen: Frozen): Frozen {
  const { message } = frozen;
  const row = earlier.find(({ message: { of } }) => of.part === message.of?.part);
  if (!row) return frozen;
  return { ...frozen, message: { ...message, quote: row.message.quote, dropsFiles: true } };
}

/** Prepares the leaving of channels to the tables, because rows of them were withdrawn or folded. */
const prepareForgetQueues =
  ({ queues }: Outgoing) => (changed: readonly Pick<Frozen, "message">[]): void => {
    for (const { message: { accountId, channelId } } of changed) {
      queues.forget(accountId, channelId);
    }
  };

/** SQL condition for rows that Discord cannot have. Refused rows are such rows, too. */
const IS_UNTRIED = "state = 'pending'";

/**
 * Prepares the statements that fold a row into another one.
 *
 * @throws {TypeError} If a row is not waiting: its text would be sent twice, or not at all.
 */
function prepareFold(database: DatabaseSync): (id: number, into: number) => void {
  const files = prepareOutboxFiles(database);
  const fold = database.prepare(
    `UPDATE outbox SET state = 'folded', folded_into = ?, whole = NULL
     WHERE id = ? AND ${IS_UNTRIED}`,
  );
  return (id, into) => {
    if (fold.run(into, id).changes === 0) {
      throw new TypeError(`Cannot fold row ${id}: an attempt to send it has begun`);
    }
    files.delete(id);
  };
}

const waitingSchema = z.object({
  id: column.number,
  message: storedMessageSchema,
  whole: column.textOrNull,
  file_count: column.number,
});

const countSchema = z.object({ count: column.number });
const waitSchema = countSchema.extend({ last_fixed: column.number });

/**
 * Prepares the query for the messages of a channel that may be folded. It returns `undefined`
 * unless more than `room` messages are not yet being sent. Folded text moves behind all other
 * messages, so only the newest messages may be folded: those after the last one that is being sent
 * or tied to a draft. If the first part of an answer is sent, no other part of it may be folded.
 */
function prepareWaitingIn(database: DatabaseSync) {
  const isIn = "account_id = ? AND channel_id = ? AND state IN ('pending', 'sending')";
  const isFoldable = `${IS_UNTRIED} AND action = 'post' AND kind IS NOT 'draft'`;
  const countUnsent = database.prepare(`SELECT COUNT(*) AS count FROM outbox WHERE ${isIn}`);
  const countWaiting = database.prepare(
    `SELECT COUNT(*) FILTER (WHERE state = 'pending' AND kind IS NOT 'draft') AS count,
            COALESCE(MAX(id) FILTER (WHERE NOT (${isFoldable})), 0) AS last_fixed
     FROM outbox WHERE ${isIn}`,
  );
  const select = database.prepare(
    `SELECT id, message, whole, file_count FROM outbox WHERE ${isIn} AND id > ? ORDER BY id`,
  );
  return (
    accountId: AccountId,
    channelId: ChannelId,
    room: number,
  ): readonly Waiting[] | undefined => {
    // This query reads only the index, because it runs for each answer. The others hardly ever run.
    if (countSchema.parse(countUnsent.get(accountId, channelId)).count <= room) return undefined;
    const waiting = waitSchema.parse(countWaiting.get(accountId, channelId));
    if (waiting.count <= room) return undefined;
    const rows = select.all(accountId, channelId, waiting.last_fixed).map((row): Waiting => {
      const { file_count, whole, ...rest } = waitingSchema.parse(row);
      return { ...rest, fileCount: file_count, whole: whole ?? undefined };
    });
    const start = rows.findIndex(({ message: { of } }) => !of || of.part === 0);
    return start === -1 ? [] : rows.slice(start);
  };
}

/** The turn of drafts. */
export interface DraftsTurn {
  readonly accountId: string;
  /** The message that the turn began with. */
  readonly messageId: string;
  readonly agentId: string;
}

const draftSchema = z.object({
  message: storedMessageSchema,
  state: z.enum(["pending", "sending", "sent"]),
  message_id: snowflakeSchema<"message">().nullable(),
});

const DRAFT_STATES = { pending: "untried", sending: "open", sent: "there" } as const;

/** Prepares the reading of the drafts that Discord has or may have. */
function prepareDraftsOf(database: DatabaseSync): (turn: DraftsTurn) => readonly DraftRow[] {
  const select = database.prepare(
    `SELECT message, state, message_id FROM outbox
     WHERE kind = 'draft' AND account_id = ? AND cause_id = ? AND action = 'post'
       AND state IN ('pending', 'sending', 'sent')
     ORDER BY id`,
  );
  const isPlaced = database.prepare(
    `SELECT 1 FROM outbox
     WHERE cause_id IN (SELECT message_id FROM inbox WHERE message_id = :id OR turn_of = :id)
       AND +account_id = :accountId AND draft_nonce = :nonce`,
  );
  return ({ accountId, messageId, agentId }) =>
    select.all(accountId, messageId).flatMap((row): readonly DraftRow[] => {
      const { message, state, message_id } = draftSchema.parse(row);
      const { of, nonce, ...rest } = message;
      if (of?.agentId !== agentId) return [];
      // An earlier answer of the turn may have taken its place (H6a).
      if (isPlaced.get({ id: messageId, accountId, nonce })) return [];
      return [{
        message: { ...rest, nonce, of },
        state: DRAFT_STATES[state],
        messageId: message_id ?? undefined,
      }];
    });
}

/**
 * Withdraws drafts without an attempt, and adds a row that deletes each other one.
 *
 * @returns Whether there was a draft to delete.
 */
export type RemoveDrafts = (turn: DraftsTurn, now: number) => boolean;

/**
 * Prepares the removal of a turn's drafts, if the turn ends without an answer. They belong to the
 * message that the turn began with, whatever its text is now.
 */
export function prepareRemoveDrafts(database: DatabaseSync, outgoing: Outgoing): RemoveDrafts {
  const draftsOf = prepareDraftsOf(database);
  const add = prepareAddToOutbox(database, outgoing);
  const withdraw = database.prepare(
    `UPDATE outbox SET state = 'withdrawn' WHERE account_id = ? AND nonce = ? AND state = 'pending'`,
  );
  const forgetQueues = prepareForgetQueues(outgoing);
  return (turn, now) => {
    const drafts = draftsOf(turn);
    if (drafts.length === 0) return false;
    const placed = placeDrafts(drafts, []);
    forgetQueues(drafts);
    for (const nonce of placed.withdraw) withdraw.run(turn.accountId, nonce);
    for (const frozen of placed.outbox) add(frozen, now);
    return placed.outbox.length > 0;
  };
}
