/**
 * `store.received`: the record of received messages. It has their verdicts, the policies behind
 * these, the messages sent for each, and the direct channels that they came from.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import { createDecisions, type Decisions } from "./decisions.ts";
import { createDirectChannels, type DirectChannels } from "./direct_channels.ts";
import { createMessageRecords, type MessageRecords } from "./message_record.ts";
import { createPolicies, type Policies } from "./policies.ts";
import type { Retention } from "./retention.ts";

/** All methods of `store.received`. */
export interface Received extends Decisions, DirectChannels, MessageRecords, Policies {}

/**
 * Creates the namespace.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createReceived(
  database: DatabaseSync,
  transactions: Transactions,
  retention: Retention,
): Received {
  return joinParts(
    createDecisions(database, transactions),
    createDirectChannels(database, transactions),
    createMessageRecords(database, transactions),
    createPolicies(database, transactions, retention),
  );
}
