/**
 * `store.outbox`: stored messages on their way to Discord.
 *
 * The end of a turn adds rows inside its transaction. Notices and commands add rows, too. A row
 * stays open until Discord has its message.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { joinParts } from "../database/join_parts.ts";
import { createTail } from "../database/tail.ts";
import type { Transactions } from "../database/transact.ts";
import { createOutgoing, type Outgoing } from "../memory/send_queues.ts";
import type {
  AddedRow,
  Additions,
  InvalidRequestCounts,
  Outbox,
  SendResult,
  SendResults,
} from "../../core/store/outbox.ts";
import { column } from "../schema/columns.ts";
import { COMMIT_OPTIONS, type CommitOptions, UNNAMED } from "../database/durability.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import {
  createAttemptRows,
  createParkedChannels,
  prepareSettleLater,
  type SettleLater,
} from "./attempts.ts";
import { createFilelessChannels, createUnfolding } from "./fileless_channels.ts";
import { createHeads } from "./heads.ts";
import { createHeldRows } from "./held.ts";
import { type OutboxRows, prepareOutboxRows } from "./outbox_rows.ts";
import { JOIN_DRAFT, prepareAddOnce, ROW_COLUMNS, toOutboxRow } from "./rows.ts";

/** Creates the namespace. */
export function createOutbox(
  database: DatabaseSync,
  transactions: Transactions,
  outgoing: Outgoing = createOutgoing(database),
  rows: OutboxRows = prepareOutboxRows(database, createTail()),
  settleLater: SettleLater = prepareSettleLater(transactions, rows),
): Outbox {
  return joinParts(
    createAdditions(database, transactions, outgoing),
    createAttemptRows(database, transactions, outgoing, rows, settleLater),
    createFilelessChannels(database, transactions, outgoing),
    createHeads(database, transactions, outgoing),
    createHeldRows(database, transactions, outgoing),
    createInvalidRequestCounts(database, transactions),
    createParkedChannels(database, transactions, outgoing),
    createSendResults(database, transactions),
    createUnfolding(database, transactions, outgoing),
  );
}

/**
 * Number of minutes to keep: the ten that Discord remembers, and one more because a minute is kept
 * as a whole.
 */
export const INVALID_REQUESTS_MINUTES = 11;

const minuteSchema = z.object({ minute: column.number, count: column.number });

/**
 * Counts the invalid requests of the bot's IP address by the minute, because Discord limits them.
 * The counts survive restarts, so a bot that restarts repeatedly counts them all (D3).
 *
 * `core/discord/invalid_requests.ts` decides by the counts. If the account changes to another bot,
 * its counts stay, because they belong to the address.
 */
function createInvalidRequestCounts(
  database: DatabaseSync,
  { commit, read }: Transactions,
): InvalidRequestCounts {
  const select = database.prepare(
    `SELECT minute, count FROM invalid_request
     WHERE account_id = ? AND minute >= ? ORDER BY minute`,
  );
  const count = database.prepare(
    `INSERT INTO invalid_request (account_id, minute, count) VALUES (?, ?, 1)
     ON CONFLICT (account_id, minute) DO UPDATE SET count = count + 1`,
  );
  const forget = database.prepare(
    "DELETE FROM invalid_request WHERE account_id = ? AND minute < ?",
  );
  return {
    loadInvalidRequests: (accountId, since) =>
      read(() => select.all(accountId, since).map((row) => minuteSchema.parse(row))),
    addInvalidRequest: (accountId, minute) =>
      commit(UNNAMED, () => {
        count.run(accountId, minute);
        forget.run(accountId, minute - INVALID_REQUESTS_MINUTES + 1);
      }),
  };
}

const rowSchema = z.object({
  id: column.number,
  state: column.text,
  message_id: snowflakeSchema<"message">().nullable(),
  reason: column.textOrNull,
});

/** Reads how deliveries ended, for programs that wait for them, such as `barnacle send`. */
function createSendResults(database: DatabaseSync, { read }: Transactions): SendResults {
  const select = database.prepare(
    `WITH RECURSIVE result (id, row) AS (
       SELECT value, value FROM json_each(?)
       UNION ALL
       SELECT r.id, o.folded_into FROM result AS r JOIN outbox AS o ON o.id = r.row
       WHERE o.state = 'folded'
     )
     SELECT r.id, o.state, o.message_id, COALESCE(p.reason, o.refusal) AS reason
     FROM result AS r JOIN outbox AS o ON o.id = r.row AND o.state <> 'folded'
     LEFT JOIN parked_channel AS p ON p.account_id = o.account_id AND p.channel_id = o.channel_id
       AND p.is_parked = 1
     ORDER BY r.id`,
  );
  return { sendResultsOf: (ids) => read(() => select.all(JSON.stringify(ids)).map(toSendResult)) };
}

function toSendResult(row: unknown): SendResult {
  const { id, state, message_id, reason } = rowSchema.parse(row);
  if (state === "sent") return { id, kind: "sent", messageId: message_id || undefined };
  return { id, kind: KINDS.get(state) ?? "failed", reason: reason ?? undefined };
}

const KINDS: ReadonlyMap<string, "waits" | "held"> = new Map([
  ["pending", "waits"],
  ["sending", "waits"],
  ["uncertain", "held"],
]);

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
function createAdditions(
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
