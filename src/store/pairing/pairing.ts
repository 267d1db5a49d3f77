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
import { type AskedGuilds, createAskedGuilds } from "./asked_guilds.ts";
import { createPairings, type Pairings } from "./pairings.ts";
import { createResolvedNames, type ResolvedNames } from "./resolved_names.ts";

/** All methods of `store.pairing`. */
export interface Pairing extends Pairings, ResolvedNames, AskedGuilds {}

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
