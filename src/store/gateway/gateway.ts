/**
 * `store.gateway`: the accounts with their gateway sessions, gaps, guilds and IDENTIFYs, and the
 * runs of the process.
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import { createAccounts, createDiscordAnswers, createGuilds } from "./accounts.ts";
import { createGaps, createGatewaySessions } from "./sessions.ts";
import type { Memory } from "../memory/memory.ts";
import type { Pruner } from "../received/retention.ts";
import type { VerdictBlocks } from "../received/verdict_blocks.ts";
import { createIdentifies } from "./identifies.ts";
import { createRuns } from "./runs.ts";
import { createStoreOwner } from "./store_owner.ts";
import type { GatewayRecords } from "../../core/store/gateway.ts";

/** Creates the namespace. */
export function createGateway(
  database: DatabaseSync,
  transactions: Transactions,
  pruner: Pruner,
  verdicts: VerdictBlocks,
  memory: Memory,
  elapsed: () => number,
  assertFileUnchanged: () => void,
): GatewayRecords {
  return joinParts(
    createAccounts(database, transactions),
    createDiscordAnswers(database, transactions),
    createGaps(database, transactions),
    createGatewaySessions(database, transactions, pruner, elapsed, assertFileUnchanged),
    createGuilds(database, transactions),
    createIdentifies(database, transactions),
    createRuns(database, transactions),
    createStoreOwner(database, transactions, verdicts, memory),
  );
}
