/**
 * `store.schedules`: reminders and scheduled tasks, with their runs (T12).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/outgoing.ts";
import { createScheduleRuns } from "./runs.ts";
import { createScheduleRows } from "./rows.ts";
import type { Schedules } from "../../core/store/schedules.ts";

/**
 * Creates the namespace.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createSchedules(
  database: DatabaseSync,
  transactions: Transactions,
  outgoing: Outgoing,
): Schedules {
  return joinParts(
    createScheduleRows(database, transactions),
    createScheduleRuns(database, transactions, outgoing),
  );
}
