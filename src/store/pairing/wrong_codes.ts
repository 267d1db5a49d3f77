/**
 * Counts wrong codes in the database, so that neither a restart nor a new process for each guess
 * resets the count (SEC-R13).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { afterWrongCode, closedUntil, type WrongCodes } from "../../core/inbound/pairing.ts";

/** Counts wrong codes within transactions of the caller's. `now` is Unix time in milliseconds. */
export interface CountWrongCodes {
  /**
   * Unix time in milliseconds until which no code is checked; `undefined` if codes are checked now.
   */
  closedUntil(accountId: AccountId, now: number): number | undefined;
  /**
   * Counts a wrong code.
   *
   * @returns Number of wrong codes in a row, with this one.
   */
  addWrong(accountId: AccountId, now: number): number;
  /** Resets the count after a right code. */
  forget(accountId: AccountId): void;
}

const rowSchema = z.object({ wrong: column.number, closed_at: column.numberOrNull });

/** Prepares the statements for wrong codes. */
export function prepareCountWrongCodes(database: DatabaseSync): CountWrongCodes {
  const select = database.prepare(
    "SELECT wrong, closed_at FROM pairing_guess WHERE account_id = ?",
  );
  const save = database.prepare(
    `INSERT INTO pairing_guess (account_id, wrong, closed_at) VALUES (?, ?, ?)
     ON CONFLICT (account_id) DO UPDATE SET wrong = excluded.wrong, closed_at = excluded.closed_at`,
  );
  const forget = database.prepare("DELETE FROM pairing_guess WHERE account_id = ?");

  function wrongCodesOf(accountId: AccountId): WrongCodes {
    const row = select.get(accountId);
    if (!row) return { count: 0 };
    const { wrong, closed_at } = rowSchema.parse(row);
    return { count: wrong, closedAt: closed_at ?? undefined };
  }

  return {
    closedUntil: (accountId, now) => closedUntil(wrongCodesOf(accountId), now),
    addWrong(accountId, now) {
      const { count, closedAt } = afterWrongCode(wrongCodesOf(accountId), now);
      save.run(accountId, count, closedAt ?? null);
      return count;
    },
    forget(accountId) {
      forget.run(accountId);
    },
  };
}
