/**
 * `store.sessions`: the checkpoints of conversations, their folded entries, and their lists.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import type { TranscriptRows } from "../turns/transcripts.ts";
import { type Checkpoints, createCheckpoints } from "./checkpoints.ts";
import { createListing, type Listing } from "./listing.ts";
import { createRecalled, type Recalled } from "./recalled.ts";

/** All methods of `store.sessions`. */
export interface Sessions extends Checkpoints, Listing, Recalled {}

/**
 * Creates the namespace.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createSessions(
  database: DatabaseSync,
  transactions: Transactions,
  transcripts: TranscriptRows,
): Sessions {
  return joinParts(
    createCheckpoints(database, transactions, transcripts),
    createListing(database, transactions),
    createRecalled(database, transactions),
  );
}
