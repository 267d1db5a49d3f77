/**
 * `store.pairing`: paired people, requests to be paired, resolved names of the config, and guilds
 * about which the owners were asked.
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/send_queues.ts";
import { createPairings } from "./pairings.ts";
import { createResolvedNames } from "./resolved_names.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import { ASKED_GUILD } from "../schema/pairing.ts";
import type { AskedGuildRows, Pairing } from "../../core/store/pairing.ts";

/** Creates the namespace. */
export function createPairing(
  database: DatabaseSync,
  transactions: Transactions,
  outgoing: Outgoing,
): Pairing {
  return joinParts(
    createPairings(database, transactions, outgoing),
    createResolvedNames(database, transactions),
    createAskedGuilds(database, transactions),
  );
}

/** Stores questions about guilds, so that a restart asks none again (P6). */
function createAskedGuilds(database: DatabaseSync, { commit, read }: Transactions): AskedGuildRows {
  const select = database.prepare(
    "SELECT 1 FROM asked_guild WHERE account_id = ? AND guild_id = ?",
  );
  const insert = ASKED_GUILD.prepareInsert(
    database,
    "ON CONFLICT (account_id, guild_id) DO UPDATE SET at = excluded.at",
  );
  return {
    wasAsked: (accountId, guildId) => read(() => select.get(accountId, guildId) !== undefined),
    noteAsked: (accountId, guildId, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => void insert({ accountId, guildId, at: now })),
  };
}
