/**
 * `store.outbox`: stored messages on their way to Discord.
 *
 * The end of a turn adds rows inside its transaction. Notices and commands add rows, too. A row
 * stays open until Discord has its message. Another process, `barnacle send`, may add and release
 * rows of its own.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { joinParts } from "../database/join_parts.ts";
import { createUngroupedTransactions, type Transactions } from "../database/transact.ts";
import { createOutgoing, type Outgoing } from "../memory/outgoing.ts";
import type {
  InvalidRequestCounts,
  Outbox,
  SendResult,
  SendResults,
} from "../../core/store/outbox.ts";
import { column } from "../schema/columns.ts";
import { UNNAMED } from "../database/durability.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { createAdditions } from "./additions.ts";
import { createAttempts } from "./attempts.ts";
import { createFilelessChannels, createUnfolding } from "./fileless_channels.ts";
import { createHeads } from "./heads.ts";
import { createHeldRows } from "./held.ts";
import { createParkedChannels } from "./parked_channels.ts";

/**
 * Creates the namespace.
 *
 * @param transactions By default, each runs alone and at once, for a process with a single change.
 */
export function createOutbox(
  database: DatabaseSync,
  transactions: Transactions = createUngroupedTransactions(database),
  outgoing: Outgoing = createOutgoing(database),
): Outbox {
  return joinParts(
    createAdditions(database, transactions, outgoing),
    createAttempts(database, transactions, outgoing),
    createFilelessChannels(database, transactions, outgoing),
    createHeads(database, transactions, outgoing),
    createHeldRows(database, transactions, outgoing),
    createInvalidRequestCounts(database, transactions),
    createParkedChannels(database, transactions),
    createSendResults(database, transactions),
    createUnfolding(database, transactions, outgoing),
  );
}

/**
 * Number of minutes to keep: the ten that Discord remembers, and one more because a minute is kept
 * as a whole.
 */
const KEPT_MINUTES = 11;

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
        forget.run(accountId, minute - KEPT_MINUTES + 1);
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
  return {
    sendResultsOf: (ids) => read(() => select.all(JSON.stringify(ids)).map(toSendResult)),
  };
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
