/**
 * Adds messages outside of turn ends: drafts, notices, and messages of `barnacle send`.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { Frozen } from "../../core/outbound/outbound.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { COMMIT_OPTIONS, type CommitOptions, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/outgoing.ts";
import { JOIN_DRAFT, prepareAddOnce, ROW_COLUMNS, toOutboxRow } from "./rows.ts";
import type { AddedRow, Additions } from "../../core/store/outbox.ts";

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

/** Creates the adder of messages. */
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
    return { ...toOutboxRow(row), state, messageId: message_id ?? undefined };
  };
}
