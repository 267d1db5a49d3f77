/**
 * `store.inbox`: messages from their arrival (T1) until a turn claims them (T2).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import { type AnsweredPeople, createAnsweredPeople } from "./answered.ts";
import { type Batches, createBatches } from "./batches.ts";
import { type Claims, createClaims } from "./claims.ts";
import type { InboxDeps } from "./judged.ts";
import { createProxiedUsers, type ProxiedUsers } from "./proxied_users.ts";
import { createStopTurns, type StopTurns } from "./stops.ts";
import { createUndecided, type UndecidedMessages } from "./undecided.ts";

/** All methods of `store.inbox`. */
export interface Inbox
  extends AnsweredPeople, Batches, Claims, ProxiedUsers, StopTurns, UndecidedMessages {}

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
