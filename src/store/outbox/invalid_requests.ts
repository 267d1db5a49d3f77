/**
 * The requests that Discord holds against the bot's address, by the minute, so
 * that a bot which is started again and again counts them all (D3).
 *
 * What follows from the count is decided in `core/discord/invalid_requests.ts`. Another
 * bot's count is kept where the account changes hands: it is of the address.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId } from "../../core/discord/ids.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";

export interface InvalidMinute {
  /** Minutes since 1970. */
  readonly minute: number;
  readonly count: number;
}

export interface InvalidRequestCounts {
  /** The minutes that had any, in their order; `since` as {@link InvalidMinute.minute}. */
  loadInvalidRequests(accountId: AccountId, since: number): Promise<readonly InvalidMinute[]>;
  /** Counts one, and forgets those that Discord has forgotten by then. */
  addInvalidRequest(accountId: AccountId, minute: number): Promise<void>;
}

/** Minutes that Discord remembers, at least; one more, since a minute is kept as a whole. */
const KEPT_MINUTES = 11;

const minuteSchema = z.object({ minute: z.number(), count: z.number() });

/** @param database Open, migrated, and owned by the caller. */
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
