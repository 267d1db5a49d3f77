/**
 * Stores whether an account is paused (X4), by `/pause` and by `barnacle pause`.
 *
 * The row stays after a pause, with the last command that changed it: a command that a crash repeats
 * must not take its own change back.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId } from "../../core/discord/ids.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Pause, Pauses } from "../../core/store/settings.ts";

const valueSchema = z.object({
  isPaused: z.boolean(),
  by: z.string(),
  callId: z.string().optional(),
});
const rowSchema = z.object({
  value: z.string().transform((text) => valueSchema.parse(JSON.parse(text))),
  at: z.number(),
});

/** The dependencies of pauses. */
export interface PausesPorts extends Pick<Transactions, "commit" | "readUnjournaled"> {
  /** The value of the account's row, from memory. */
  readonly known: (accountId: AccountId) => string | undefined;
  /** Takes the changed value. */
  readonly onChanged: (accountId: AccountId, value: string) => void;
}

/** Prepares the statements. */
export function createPauses(
  database: DatabaseSync,
  { commit, readUnjournaled, known, onChanged }: PausesPorts,
): Pauses {
  const select = database.prepare(
    "SELECT value, at FROM setting WHERE account_id = ? AND scope = 'account' AND name = 'paused'",
  );
  const upsert = database.prepare(
    `INSERT INTO setting (account_id, scope, name, value, at) VALUES (?, 'account', 'paused', ?, ?)
     ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at`,
  );

  function read(accountId: AccountId) {
    const row = select.get(accountId);
    if (!row) return undefined;
    const { value, at } = rowSchema.parse(row);
    return { ...value, since: at };
  }

  return {
    isPaused: (accountId) =>
      readUnjournaled(() => {
        const value = known(accountId);
        return value !== undefined && valueSchema.parse(JSON.parse(value)).isPaused;
      }),
    pauseOf: (accountId) => readUnjournaled(() => pauseIn(read(accountId))),
    async changePause(accountId, { to, by, callId }, now) {
      let written: string | undefined;
      const result = await commit(COMMIT_OPTIONS.BY_HAND, () => {
        const before = read(accountId);
        const wasPaused = before?.isPaused === true;
        const isPaused = to === "other" ? !wasPaused : to;
        const isRepeated = callId !== undefined && before?.callId === callId;
        if (isRepeated || isPaused === wasPaused) {
          return { pause: pauseIn(before), isChanged: false };
        }
        written = JSON.stringify({ isPaused, by, callId });
        upsert.run(accountId, written, now);
        return { pause: isPaused ? { by, since: now } : undefined, isChanged: true };
      });
      if (written !== undefined) onChanged(accountId, written);
      return result;
    },
  };
}

function pauseIn(row: (Pause & { readonly isPaused: boolean }) | undefined): Pause | undefined {
  return row?.isPaused ? { by: row.by, since: row.since } : undefined;
}
