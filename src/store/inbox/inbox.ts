/**
 * `store.inbox`: messages from their arrival (T1) until a turn claims them (T2).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import { createAnsweredPeople } from "./answered.ts";
import { createBatches } from "./batches.ts";
import { createClaims } from "./claims.ts";
import type { InboxDeps } from "./judged.ts";
import { createProxiedUsers } from "./proxied_users.ts";
import { createStopTurns } from "./stops.ts";
import { createUndecided } from "./undecided.ts";
import type { Inbox } from "../../core/store/inbox.ts";

/**
 * Creates the namespace.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createInbox(
  database: DatabaseSync,
  transactions: Transactions,
  deps: InboxDeps,
): Inbox {
  return joinParts(
    createAnsweredPeople(database, transactions),
    createBatches(database, transactions, deps),
    createClaims(database, transactions, deps.memory),
    createProxiedUsers(database, transactions),
    createStopTurns(database, transactions, deps.memory),
    createUndecided(database, transactions, deps),
  );
}
