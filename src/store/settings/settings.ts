/**
 * `store.settings`: settings that people change by commands, such as the model of a conversation.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId } from "../../core/discord/ids.ts";
import { withoutControls } from "../../lib/text/controls.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";

/**
 * Names of the settings: the model of a conversation, whether an account is paused, and the guild in
 * which its commands are registered.
 */
export type SettingName = "model" | "paused" | "commandGuild";

/** All methods of `store.settings`. */
export interface StoredSettings {
  /**
   * A setting; `undefined` if no person has changed it.
   *
   * @param scope Key of a session, or `"account"`.
   */
  settingOf(accountId: AccountId, scope: string, name: SettingName): Promise<string | undefined>;
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
const namesSchema = z.object({ name: z.string() });

/**
 * Creates the namespace. Each turn asks for two settings that hardly any bot has. So memory has the
 * names of the table's rows, and only such a name is looked up.
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
  const selectNames = database.prepare("SELECT DISTINCT name FROM setting");
  /** Only this process adds rows. So a name may have lost its rows, but a further one has none. */
  let names: Set<string> | undefined;
  const namesNow = () =>
    names ??= new Set(selectNames.all().map((row) => namesSchema.parse(row).name));
  return {
    settingOf: (accountId, scope, name) =>
      readUnjournaled(() => {
        if (!namesNow().has(name)) return undefined;
        const row = select.get(accountId, scope, name);
        return row && rowSchema.parse(row).value;
      }),
    change: (accountId, scope, name, value, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        namesNow().add(name);
        if (value === undefined) remove.run(accountId, scope, name);
        else upsert.run(accountId, scope, name, withoutControls(value), now);
      }),
  };
}
