/**
 * `store.settings`: settings that people change by commands, such as the model of a conversation.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId } from "../../core/discord/ids.ts";
import { type ChosenSetting, isChosenSetting } from "../../core/people/chosen.ts";
import { withoutControls } from "../../lib/text/controls.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { createPauses, type Pauses } from "./pauses.ts";

/**
 * Names of the settings: the model of a conversation, the guild in which an account's commands are
 * registered, its presence, the newest `/restart`, and those with a command of their own.
 */
export type SettingName =
  | "model"
  | "commandGuild"
  | "presence"
  | "restartedBy"
  | ChosenSetting;

/** All methods of `store.settings`. */
export interface StoredSettings extends Pauses {
  /**
   * A setting; `undefined` if no person has changed it.
   *
   * @param scope Key of a session, id of a channel, or `"account"`.
   */
  settingOf(accountId: AccountId, scope: string, name: SettingName): Promise<string | undefined>;
  /**
   * A setting with a command of its own, from memory: decisions about messages wait for nothing.
   *
   * @param scope Key of a session, or id of a channel.
   */
  known(accountId: AccountId, scope: string, name: ChosenSetting): string | undefined;
  /**
   * Changes a setting; `undefined` removes it.
   *
   * @param now Unix time in milliseconds.
   */
  change(
    accountId: AccountId,
    scope: string,
    name: SettingName,
    value: string | undefined,
    now: number,
  ): Promise<void>;
}

const rowSchema = z.object({ value: z.string() });
const chosenSchema = z.object({
  account_id: z.string(),
  scope: z.string(),
  name: z.string(),
  value: z.string(),
});

/**
 * Creates the namespace. Memory has the settings that decisions about messages ask for.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createSettings(
  database: DatabaseSync,
  { commit, readUnjournaled }: Pick<Transactions, "commit" | "readUnjournaled">,
): StoredSettings {
  const select = database.prepare(
    "SELECT value FROM setting WHERE account_id = ? AND scope = ? AND name = ?",
  );
  const upsert = database.prepare(
    `INSERT INTO setting (account_id, scope, name, value, at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at`,
  );
  const remove = database.prepare(
    "DELETE FROM setting WHERE account_id = ? AND scope = ? AND name = ?",
  );
  const keyOf = (accountId: string, scope: string, name: string) =>
    `${accountId}\n${scope}\n${name}`;
  const chosen = new Map<string, string>();
  for (const row of database.prepare("SELECT account_id, scope, name, value FROM setting").all()) {
    const { account_id, scope, name, value } = chosenSchema.parse(row);
    if (isChosenSetting(name)) chosen.set(keyOf(account_id, scope, name), value);
  }

  return {
    ...createPauses(database, { commit, readUnjournaled }),
    known: (accountId, scope, name) => chosen.get(keyOf(accountId, scope, name)),
    settingOf: (accountId, scope, name) =>
      readUnjournaled(() => {
        const row = select.get(accountId, scope, name);
        return row && rowSchema.parse(row).value;
      }),
    async change(accountId, scope, name, value, now) {
      await commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (value === undefined) remove.run(accountId, scope, name);
        else upsert.run(accountId, scope, name, withoutControls(value), now);
      });
      if (!isChosenSetting(name)) return;
      if (value === undefined) chosen.delete(keyOf(accountId, scope, name));
      else chosen.set(keyOf(accountId, scope, name), withoutControls(value));
    },
  };
}
