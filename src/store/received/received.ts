/**
 * `store.received`: the record of received messages. It has their verdicts, the policies behind
 * these, the messages sent for each, and the direct channels that they came from.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import { createDecisions } from "./decisions.ts";
import { createDirectChannels } from "./direct_channels.ts";
import { createMessageRecords } from "./message_record.ts";
import { createPolicies } from "./policies.ts";
import type { Retention } from "./retention.ts";
import type { Received } from "../../core/store/received.ts";

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
