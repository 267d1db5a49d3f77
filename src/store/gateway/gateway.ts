/**
 * `store.gateway`: the accounts with their gateway sessions, gaps, guilds and IDENTIFYs, and the
 * runs of the process.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import { type Accounts, createAccounts } from "./accounts.ts";
import { createDiscordAnswers, type DiscordAnswers } from "./discord_answers.ts";
import { createGaps, type Gaps } from "./gaps.ts";
import { createGuilds, type Guilds } from "./guilds.ts";
import { createIdentifies, type Identifies } from "./identifies.ts";
import { createRuns, type Runs } from "./runs.ts";
import {
  createGatewaySessions,
  type GatewaySessions,
  type GatewaySessionsDeps,
} from "./sessions.ts";
import { createStoreOwner, type StoreOwner, type StoreOwnerDeps } from "./store_owner.ts";

/** All methods of `store.gateway`. */
export interface Gateway
  extends Accounts, DiscordAnswers, Gaps, GatewaySessions, Guilds, Identifies, Runs, StoreOwner {}

/**
 * Creates the namespace.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createGateway(
  database: DatabaseSync,
  transactions: Transactions,
  deps: GatewaySessionsDeps & StoreOwnerDeps,
): Gateway {
  return joinParts(
    createAccounts(database, transactions),
    createDiscordAnswers(database, transactions),
    createGaps(database, transactions),
    createGatewaySessions(database, transactions, deps),
    createGuilds(database, transactions),
    createIdentifies(database, transactions),
    createRuns(database, transactions),
    createStoreOwner(database, transactions, deps),
  );
}
