/**
 * `store.sessions`: the checkpoints of conversations, their folded entries, and their lists.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import type { TranscriptRows } from "../turns/transcripts.ts";
import { createCheckpoints } from "./checkpoints.ts";
import { createListing, createRecalled } from "./listing.ts";
import type { Sessions } from "../../core/store/sessions.ts";

/** Creates the namespace. */
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
