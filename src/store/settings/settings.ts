/**
 * `store.settings`: settings that people change by commands, such as the model of a conversation.
 */

import type { DatabaseSync } from "node:sqlite";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { SETTING } from "../schema/settings.ts";
import type { Pause, Pauses, StoredSettings } from "../../core/store/settings.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { z } from "zod";

/** For the store itself. */
export interface ReadAgain {
  /** Reads all settings again, because another part of the store has changed the table. */
  readAgain(): void;
}

/** Creates the namespace. All settings are in memory: each turn asks for some of them. */
export function createSettings(
  database: DatabaseSync,
  { commit, readUnjournaled }: Pick<Transactions, "commit" | "readUnjournaled">,
): StoredSettings & ReadAgain {
  const selectAll = database.prepare("SELECT * FROM setting");
  const upsert = SETTING.prepareInsert(
    database,
    "ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at",
  );
  const remove = database.prepare(
    "DELETE FROM setting WHERE account_id = ? AND scope = ? AND name = ?",
  );
  const keyOf = (accountId: string, scope: string, name: string) =>
    `${accountId}\n${scope}\n${name}`;
  const readAll = () =>
    new Map(
      selectAll.all().map((row) => {
        const { accountId, scope, name, value } = SETTING.read(row);
        return [keyOf(accountId, scope, name), value];
      }),
    );
  let values = readAll();

  const pauses = createPauses(database, {
    commit,
    readUnjournaled,
    upsert,
    known: (accountId) => values.get(keyOf(accountId, "account", "paused")),
    onChanged: (accountId, value) => values.set(keyOf(accountId, "account", "paused"), value),
  });

  return {
    ...pauses,
    readAgain: () => void (values = readAll()),
    known: (accountId, scope, name) =>
      // Most bots have no setting, and each message asks for three.
      values.size === 0 ? undefined : values.get(keyOf(accountId, scope, name)),
    settingOf: (accountId, scope, name) =>
      readUnjournaled(() => values.get(keyOf(accountId, scope, name))),
    async change(accountId, scope, name, value, now) {
      const stored = value && withoutControls(value);
      await commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (stored === undefined) remove.run(accountId, scope, name);
        else upsert({ accountId, scope, name, value: stored, at: now });
      });
      const key = keyOf(accountId, scope, name);
      if (stored === undefined) values.delete(key);
      else values.set(key, stored);
    },
  };
}

const valueSchema = z.object({
  isPaused: z.boolean(),
  by: z.string(),
  callId: z.string().optional(),
});

interface PauseParts extends Pick<Transactions, "commit" | "readUnjournaled"> {
  readonly upsert: ReturnType<typeof SETTING.prepareInsert>;
  /** The value of the account's row, from memory. */
  readonly known: (accountId: AccountId) => string | undefined;
  readonly onChanged: (accountId: AccountId, value: string) => void;
}

/**
 * Stores whether an account is paused (X4), by `/pause` and by `barnacle pause`.
 *
 * The row stays after a pause, with the last command that changed it: a command that a crash repeats
 * must not take its own change back.
 */
function createPauses(
  database: DatabaseSync,
  { commit, readUnjournaled, upsert, known, onChanged }: PauseParts,
): Pauses {
  const select = database.prepare(
    "SELECT * FROM setting WHERE account_id = ? AND scope = 'account' AND name = 'paused'",
  );
  function read(accountId: AccountId) {
    const row = select.get(accountId);
    if (!row) return undefined;
    const { value, at: since } = SETTING.read(row);
    return { ...valueSchema.parse(JSON.parse(value)), since };
  }

  return {
    isPaused(accountId) {
      const value = known(accountId);
      return value !== undefined && valueSchema.parse(JSON.parse(value)).isPaused;
    },
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
        upsert({ accountId, scope: "account", name: "paused", value: written, at: now });
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
