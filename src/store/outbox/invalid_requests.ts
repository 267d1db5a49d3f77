/**
 * Counts the invalid requests of the bot's IP address by the minute, because Discord limits them.
 * The counts survive restarts, so a bot that restarts repeatedly counts them all (D3).
 *
 * `core/discord/invalid_requests.ts` decides by the counts. If the account changes to another bot,
 * its counts stay, because they belong to the address.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { InvalidRequestCounts } from "../../core/store/outbox.ts";

/**
 * Number of minutes to keep: the ten that Discord remembers, and one more because a minute is kept
 * as a whole.
 */
const KEPT_MINUTES = 11;

const minuteSchema = z.object({ minute: column.number, count: column.number });

/**
 * Creates the storage of counts.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createInvalidRequestCounts(
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
