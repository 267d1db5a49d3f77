/**
 * Wrong codes, counted in the file: a restart, or another process for each
 * guess, must not begin anew (SEC-R13).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId } from "../../core/discord/ids.ts";
import { afterWrongCode, closedUntil, type WrongCodes } from "../../core/inbound/pairing.ts";

/** Each within a transaction of the caller's; `now` is Unix time in milliseconds. */
export interface CountWrongCodes {
  /** Until when no code is looked at; `undefined` where one is. */
  closedUntil(accountId: AccountId, now: number): number | undefined;
  /** @returns How many in a row were wrong, with this one. */
  addWrong(accountId: AccountId, now: number): number;
  /** One was right. */
  forget(accountId: AccountId): void;
}

const rowSchema = z.object({ wrong: z.number(), closed_at: z.number().nullable() });

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
    return { count: wrong, ...(closed_at !== null && { closedAt: closed_at }) };
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
