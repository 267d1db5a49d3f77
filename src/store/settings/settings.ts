/**
 * `store.settings`: settings that people change by commands, such as the model of a conversation.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import { createBurstWatch } from "../database/other_writers.ts";
import type { Transactions } from "../database/transact.ts";
import { createPauses } from "./pauses.ts";
import type { StoredSettings } from "../../core/store/settings.ts";

const settingSchema = z.object({
  account_id: z.string(),
  scope: z.string(),
  name: z.string(),
  value: z.string(),
});

/** For the store itself. */
export interface ReadAgain {
  /** Reads all settings again, because another part of the store has changed the table. */
  readAgain(): void;
}

/**
 * Creates the namespace. All settings are in memory: each turn asks for some of them.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createSettings(
  database: DatabaseSync,
  { commit, readUnjournaled }: Pick<Transactions, "commit" | "readUnjournaled">,
): StoredSettings & ReadAgain {
  const selectAll = database.prepare("SELECT account_id, scope, name, value FROM setting");
  const upsert = database.prepare(
    `INSERT INTO setting (account_id, scope, name, value, at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at`,
  );
  const remove = database.prepare(
    "DELETE FROM setting WHERE account_id = ? AND scope = ? AND name = ?",
  );
  const keyOf = (accountId: string, scope: string, name: string) =>
    `${accountId}\n${scope}\n${name}`;
  const readAll = () =>
    new Map(
      selectAll.all().map((row) => {
        const { account_id, scope, name, value } = settingSchema.parse(row);
        return [keyOf(account_id, scope, name), value];
      }),
    );
  const otherWriters = createBurstWatch(database);
  let values = readAll();

  function current(): ReadonlyMap<string, string> {
    if (otherWriters.changedElsewhere()) values = readAll(); // such as `barnacle pause`
    return values;
  }

  const pauses = createPauses(database, {
    commit,
    readUnjournaled,
    known: (accountId) => current().get(keyOf(accountId, "account", "paused")),
    onChanged: (accountId, value) => values.set(keyOf(accountId, "account", "paused"), value),
  });

  return {
    ...pauses,
    readAgain: () => void (values = readAll()),
    known: (accountId, scope, name) =>
      // Most bots have no setting, and each message asks for three.
      values.size === 0 ? undefined : values.get(keyOf(accountId, scope, name)),
    settingOf: (accountId, scope, name) =>
      readUnjournaled(() => current().get(keyOf(accountId, scope, name))),
    async change(accountId, scope, name, value, now) {
      const stored = value && withoutControls(value);
      await commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (stored === undefined) remove.run(accountId, scope, name);
        else upsert.run(accountId, scope, name, stored, now);
      });
      const key = keyOf(accountId, scope, name);
      if (stored === undefined) values.delete(key);
      else values.set(key, stored);
    },
  };
}
