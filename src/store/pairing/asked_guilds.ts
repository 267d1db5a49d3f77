/**
 * Stores the guilds about which the owners got a question, so that a restart sends no second one
 * (P6).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { AskedGuildRows } from "../../core/store/pairing.ts";

/**
 * Creates the storage.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createAskedGuilds(
  database: DatabaseSync,
  { commit, read }: Transactions,
): AskedGuildRows {
  const select = database.prepare(
    "SELECT 1 FROM asked_guild WHERE account_id = ? AND guild_id = ?",
  );
  const insert = database.prepare(
    `INSERT INTO asked_guild (account_id, guild_id, at) VALUES (?, ?, ?)
     ON CONFLICT (account_id, guild_id) DO UPDATE SET at = excluded.at`,
  );
  return {
    wasAsked: (accountId, guildId) => read(() => select.get(accountId, guildId) !== undefined),
    noteAsked: (accountId, guildId, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => void insert.run(accountId, guildId, now)),
  };
}
