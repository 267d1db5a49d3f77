/**
 * `store.outbox`: stored messages on their way to Discord.
 *
 * The end of a turn adds rows inside its transaction. Notices and commands add rows, too. A row
 * stays open until Discord has its message. Another process, `barnacle send`, may add and release
 * rows of its own.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import { createUngroupedTransactions, type Transactions } from "../database/transact.ts";
import { createOutgoing, type Outgoing } from "../memory/outgoing.ts";
import { type Additions, createAdditions } from "./additions.ts";
import { type Attempts, createAttempts } from "./attempts.ts";
import { createFilelessChannels, type FilelessChannels } from "./fileless_channels.ts";
import { createHeads, type Heads } from "./heads.ts";
import { createHeldRows, type HeldRows } from "./held.ts";
import { createInvalidRequestCounts, type InvalidRequestCounts } from "./invalid_requests.ts";
import { createParkedChannels, type ParkedChannels } from "./parked_channels.ts";
import { createSendResults, type SendResults } from "./send_results.ts";
import { createUnfolding, type Unfolding } from "./unfold.ts";

/** All methods of `store.outbox`. */
export interface Outbox
  extends
    Additions,
    Attempts,
    FilelessChannels,
    Heads,
    HeldRows,
    InvalidRequestCounts,
    ParkedChannels,
    SendResults,
    Unfolding {}

/**
 * Creates the namespace.
 *
 * @param database Open, migrated, and owned by the caller.
 * @param transactions By default, each runs alone and at once, for a process with a single change.
 */
export function createOutbox(
  database: DatabaseSync,
  transactions: Transactions = createUngroupedTransactions(database),
  outgoing: Outgoing = createOutgoing(database),
): Outbox {
  return joinParts(
    createAdditions(database, transactions, outgoing),
    createAttempts(database, transactions, outgoing),
    createFilelessChannels(database, transactions, outgoing),
    createHeads(database, transactions, outgoing),
    createHeldRows(database, transactions, outgoing),
    createInvalidRequestCounts(database, transactions),
    createParkedChannels(database, transactions),
    createSendResults(database, transactions),
    createUnfolding(database, transactions, outgoing),
  );
}
