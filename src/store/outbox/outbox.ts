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
import { createAdditions } from "./additions.ts";
import { createAttempts } from "./attempts.ts";
import { createFilelessChannels } from "./fileless_channels.ts";
import { createHeads } from "./heads.ts";
import { createHeldRows } from "./held.ts";
import { createInvalidRequestCounts } from "./invalid_requests.ts";
import { createParkedChannels } from "./parked_channels.ts";
import { createSendResults } from "./send_results.ts";
import { createUnfolding } from "./unfold.ts";
import type { Outbox } from "../../core/store/outbox.ts";

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
