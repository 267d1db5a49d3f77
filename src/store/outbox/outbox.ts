/**
 * `store.outbox`: stored messages on their way to Discord.
 *
 * The end of a turn adds rows inside its transaction. Notices and commands add rows, too. A row
 * stays open until Discord has its message.
 */

import type { DatabaseSync } from "node:sqlite";
import {
  COMMIT_OPTIONS,
  type CommitOptions,
  statementsOf,
  UNNAMED,
} from "../database/durability.ts";
import { createHeads, createHeldRows } from "./heads.ts";
import type { Frozen, OutboundMessage, OutboxRow } from "../../core/outbound/outbound.ts";
import type { SendResult } from "./heads.ts";
import type { Transactions } from "../database/durability.ts";
import { createAttemptRows, createOwed, createParkedChannels } from "./attempts.ts";
import {
  JOIN_DRAFT,
  type OutboxRows,
  prepareAddOnce,
  prepareOutboxFiles,
  prepareOutboxRows,
  ROW_COLUMNS,
  toOutboxRow,
} from "./rows.ts";
import { integer, optional, rows, snowflake, text } from "../schema/columns.ts";
import { INVALID_REQUESTS_MINUTES, OUTBOX } from "../schema/outbox.ts";
import type { AccountId } from "../../core/discord/ids.ts";

export function createOutbox(
  transactions: Transactions,
  rows: OutboxRows = prepareOutboxRows(transactions.database),
) {
  return {
    ...createAdditions(transactions),
    ...createAttemptRows(transactions, rows),
    ...createFileRemoval(transactions),
    ...createHeads(transactions),
    ...createHeldRows(transactions),
    ...createInvalidRequestCounts(transactions),
    ...createOwed(transactions),
    ...createParkedChannels(transactions),
    ...createSendResults(transactions),
  };
}

export type Outbox = ReturnType<typeof createOutbox>;

const MINUTE = rows({ minute: integer(), count: integer() });

/**
 * Counts the invalid requests of the bot's IP address by the minute, because Discord limits them.
 * The counts survive restarts, so a bot that restarts repeatedly counts them all (D3).
 *
 * `discord/rest/scheduler/global_limit.ts` decides by the counts. If the account changes to another bot,
 * its counts stay, because they belong to the address.
 */
function createInvalidRequestCounts({ sql, commit, read }: Transactions) {
  const select = sql`SELECT minute, count FROM invalid_request
     WHERE account_id = ? AND minute >= ? ORDER BY minute`;
  const count = sql`INSERT INTO invalid_request (account_id, minute, count) VALUES (?, ?, 1)
     ON CONFLICT (account_id, minute) DO UPDATE SET count = count + 1`;
  const forget = sql`DELETE FROM invalid_request WHERE account_id = ? AND minute < ?`;
  return {
    /**
     * The minutes with invalid requests, in their order.
     *
     * @param since Minutes since 1970.
     */
    loadInvalidRequests: (accountId: AccountId, since: number) =>
      read(() => select.all(accountId, since).map(MINUTE.read)),
    /**
     * Counts one request, and deletes minutes that Discord has forgotten by then.
     *
     * @param minute Minutes since 1970.
     */
    addInvalidRequest: (accountId: AccountId, minute: number) =>
      commit(UNNAMED, () => {
        count.run(accountId, minute);
        forget.run(accountId, minute - INVALID_REQUESTS_MINUTES + 1);
      }),
  };
}

const RESULT = rows({
  id: integer(),
  state: text(),
  messageId: optional(snowflake<"message">()),
  reason: optional(text()),
});

/** Reads how deliveries ended, for programs that wait for them, such as `barnacle send`. */
function createSendResults({ sql, read }: Transactions) {
  const select = sql`SELECT o.id, o.state, o.message_id, COALESCE(p.reason, o.refusal) AS reason
     FROM outbox AS o LEFT JOIN parked_channel AS p ON p.account_id = o.account_id AND p.channel_id = o.channel_id
       AND p.is_parked = 1
     WHERE o.id IN (SELECT value FROM json_each(?))
     ORDER BY o.id`;
  return {
    /** The results of these rows, in their order; missing rows are left out. */
    sendResultsOf: (ids: readonly number[]): Promise<readonly SendResult[]> =>
      read(() => select.all(JSON.stringify(ids)).map(toSendResult)),
  };
}

function toSendResult(row: unknown): SendResult {
  const { id, state, messageId, reason } = RESULT.read(row);
  if (state === "sent") return { id, kind: "sent", messageId };
  return { id, kind: KINDS.get(state) ?? "failed", reason };
}

const KINDS: ReadonlyMap<string, "waits" | "held"> = new Map([
  ["pending", "waits"],
  ["sending", "waits"],
  ["uncertain", "held"],
]);

const ADDED = OUTBOX.pick("state", "messageId");

/** A row of the outbox that this call or an earlier one has added. */
export type AddedRow = OutboxRow & ReturnType<typeof ADDED.read>;

function createAdditions({ database, commit }: Transactions) {
  const add = prepareAdd(database);
  return {
    /**
     * Adds a message. Without a nonce, it gets the nonce of its row. If a row has its nonce already
     * (a draft whose turn runs again), that row stays unchanged.
     *
     * @returns The stored row, with the message's id once it is sent.
     */
    add: (frozen: Frozen, now: number): Promise<AddedRow> =>
      commit(optionsOf(frozen), () => add(frozen, now)),
    /**
     * Adds the messages of one text: all or none of them, without other messages between them. This
     * holds even if this process dies.
     */
    addAll: (frozen: readonly Frozen[], now: number): Promise<readonly AddedRow[]> =>
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
function prepareAdd(database: DatabaseSync): (frozen: Frozen, now: number) => AddedRow {
  const sql = statementsOf(database);
  const addOnce = prepareAddOnce(database);
  const select = sql`
    SELECT ${ROW_COLUMNS}, o.state, o.message_id FROM outbox AS o ${JOIN_DRAFT} WHERE o.id = ?`;
  const selectEnded = sql`SELECT 1 FROM inbox WHERE message_id = ? AND finished_at IS NOT NULL`;
  return (frozen, now) => {
    const { of } = frozen.message;
    if (of?.kind === "draft" && selectEnded.get(of.cause)) {
      throw new Error(`The turn of message ${of.cause} has ended: its draft would stay for ever`);
    }
    const row = select.get(addOnce(frozen, now));
    return { ...toOutboxRow(row), ...ADDED.read(row) };
  };
}

/** Replaces messages whose files Discord refuses. */
function createFileRemoval({ database, sql, commit }: Transactions) {
  const files = prepareOutboxFiles(database);
  const replace = sql`UPDATE outbox SET message = :message, file_count = 0
     WHERE account_id = :accountId AND nonce = :nonce AND state IN ('pending', 'sending')`;
  return {
    /** Replaces the message of an unsent row, and deletes the row's files. */
    removeFiles({ id, message: { accountId, nonce } }: OutboxRow, message: OutboundMessage) {
      return commit(UNNAMED, () => {
        const changed = replace.run({ accountId, nonce, message: JSON.stringify(message) });
        if (changed.changes > 0) files.delete(id);
      });
    },
  };
}
