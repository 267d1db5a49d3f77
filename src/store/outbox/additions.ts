/**
 * Adds messages outside of turn ends: drafts, notices, and messages of `barnacle send`.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { MessageId } from "../../core/discord/ids.ts";
import type { Frozen, OutboxRow } from "../../core/outbound/outbound.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { COMMIT_OPTIONS, type CommitOptions, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/outgoing.ts";
import { JOIN_DRAFT, prepareAddOnce, ROW_COLUMNS, toOutboxRow } from "./rows.ts";

/** Adds messages. `now` is Unix time in milliseconds throughout. */
export interface Additions {
  /**
   * Adds a message. Without a nonce, it gets the nonce of its row. If a row has its nonce already
   * (a draft whose turn runs again), that row stays unchanged.
   *
   * @returns The stored row, with the message's id once it is sent.
   */
  add(frozen: Frozen, now: number): Promise<AddedRow>;
  /**
   * Adds the messages of one text: all or none of them, without other messages between them. This
   * holds even if this process dies or another one adds messages.
   */
  addAll(frozen: readonly Frozen[], now: number): Promise<readonly AddedRow[]>;
}

/**
 * States of a row. `uncertain`: Barnacle cannot tell whether Discord has it. `folded`: another
 * row has its text. `withdrawn`: not needed any more before it was sent, such as a draft.
 */
export type RowState =
  | "pending"
  | "sending"
  | "sent"
  | "uncertain"
  | "dead"
  | "dropped"
  | "folded"
  | "withdrawn";

const addedSchema = z.object({
  state: z.enum([
    "pending",
    "sending",
    "sent",
    "uncertain",
    "dead",
    "dropped",
    "folded",
    "withdrawn",
  ]),
  message_id: snowflakeSchema<"message">().nullable(),
});

/** A row of the outbox that this call or an earlier one has added. */
export interface AddedRow extends OutboxRow {
  /** The row's state. */
  readonly state: RowState;
  /**
   * Discord's id of the sent message; absent while it is not sent, or if it was deleted before
   * Discord told the id.
   */
  readonly messageId?: MessageId;
}

/**
 * Creates the adder of messages.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createAdditions(
  database: DatabaseSync,
  { commit }: Transactions,
  outgoing: Outgoing,
): Additions {
  const add = prepareAdd(database, outgoing);
  return {
    add: (frozen, now) => commit(optionsOf(frozen), () => add(frozen, now)),
    addAll: (frozen, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => frozen.map((message) => add(message, now))),
  };
}

/** Messages of a turn may be lost, because the turn would run again. */
function optionsOf({ message }: Frozen): CommitOptions {
  return message.of ? UNNAMED : COMMIT_OPTIONS.BY_HAND;
}

/**
 * Prepares the statements that add a message, or find it by its nonce. They run within the caller's
 * transaction.
 */
function prepareAdd(
  database: DatabaseSync,
  outgoing: Outgoing,
): (frozen: Frozen, now: number) => AddedRow {
  const addOnce = prepareAddOnce(database, outgoing);
  const select = database.prepare(
    `SELECT ${ROW_COLUMNS}, o.state, o.message_id FROM outbox AS o ${JOIN_DRAFT} WHERE o.id = ?`,
  );
  const selectEnded = database.prepare(
    "SELECT 1 FROM inbox WHERE message_id = ? AND finished_at IS NOT NULL",
  );
  return (frozen, now) => {
    const { of } = frozen.message;
    if (of?.kind === "draft" && selectEnded.get(of.cause)) {
      throw new Error(`The turn of message ${of.cause} has ended: its draft would stay for ever`);
    }
    const row = select.get(addOnce(frozen, now));
    const { state, message_id } = addedSchema.parse(row);
    return { ...toOutboxRow(row), state, ...(message_id !== null && { messageId: message_id }) };
  };
}
