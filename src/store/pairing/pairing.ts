/**
 * `store.pairing`: paired people, requests to be paired, resolved names of the config, and guilds
 * about which the owners were asked.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/outgoing.ts";
import { createAskedGuilds } from "./asked_guilds.ts";
import { createPairings } from "./pairings.ts";
import { createResolvedNames } from "./resolved_names.ts";
import type { Pairing } from "../../core/store/pairing.ts";

/**
 * Creates the namespace.
 *
 * @param database Open, migrated, and owned by the caller.
 */
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
