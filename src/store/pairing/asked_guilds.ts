/**
 * Stores the guilds about which the owners got a question, so that a restart sends no second one
 * (P6).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, GuildId } from "../../core/discord/ids.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";

/** Guilds about which the owners of an account got a question. */
export interface AskedGuilds {
  /** Whether the owners got a question about a guild. */
  wasAsked(accountId: AccountId, guildId: GuildId): Promise<boolean>;
  /**
   * Notes that they were.
   *
   * @param now Unix time in milliseconds.
   */
  noteAsked(accountId: AccountId, guildId: GuildId, now: number): Promise<void>;
}

/**
 * Creates the storage.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createAskedGuilds(
  database: DatabaseSync,
  { commit, read }: Transactions,
): AskedGuilds {
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
