/** Lists the tables of features, and their methods of the store. */

import type { Transactions } from "../store/database/commits.ts";
import type { DeclaredTable } from "../store/schema/columns.ts";
import { createSchedules } from "./schedules/store.ts";
import { SCHEDULE_TABLES } from "./schedules/table.ts";

export const FEATURE_TABLES: readonly DeclaredTable[] = [...SCHEDULE_TABLES];

/** Creates a namespace of the store for each feature. */
export function createFeatures(transactions: Transactions) {
  return { schedules: createSchedules(transactions) };
}
