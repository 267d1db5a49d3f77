/**
 * Stores snapshots of guilds (names, channels, roles), so that a resumed bot knows them before
 * Discord sends them again.
 *
 * Only `discord/gateway/` reads their text.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column, SELDOM_READ } from "../schema/columns.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { GuildSnapshot } from "../../core/inbound/inbound.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Transactions } from "../database/transact.ts";
import type { GuildRows } from "../../core/store/gateway.ts";

/** Keeps a snapshot, or removes it if it has no text. Runs within a transaction of the caller's. */
export type KeepGuild = (accountId: AccountId, snapshot: GuildSnapshot) => void;

/** Prepares the statements for snapshots. */
export function prepareKeepGuild(database: DatabaseSync): KeepGuild {
  const upsert = database.prepare(
    `INSERT INTO guild (account_id, guild_id, snapshot) VALUES (?, ?, ?)
     ON CONFLICT (account_id, guild_id) DO UPDATE SET snapshot = excluded.snapshot`,
  );
  const remove = database.prepare("DELETE FROM guild WHERE account_id = ? AND guild_id = ?");
  return (accountId, { guildId, text }) => {
    if (text === undefined) remove.run(accountId, guildId);
    else upsert.run(accountId, guildId, text);
  };
}

const rowSchema = z
  .object({ guild_id: snowflakeSchema<"guild">(), snapshot: column.text })
  .transform((row): GuildSnapshot => ({ guildId: row.guild_id, text: row.snapshot }));

/**
 * Creates the reader of snapshots.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createGuilds(database: DatabaseSync, { read }: Transactions): GuildRows {
  const select = database.prepare("SELECT guild_id, snapshot FROM guild WHERE account_id = ?");
  return {
    guildsOf: (accountId) =>
      read(() => select.all(accountId).map((row) => rowSchema.parse(row, SELDOM_READ))),
  };
}
