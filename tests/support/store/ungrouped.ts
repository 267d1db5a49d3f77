/** Transactions without groups, for tests of one namespace of the store. */

import type { DatabaseSync } from "node:sqlite";
import {
  statementsOf,
  type Transactions,
  transactNow,
} from "../../../src/store/database/commits.ts";

/** @param database Open and at `synchronous=FULL`, SQLite's own default. */
export function createUngroupedTransactions(database: DatabaseSync): Transactions {
  return {
    database,
    sql: statementsOf(database),
    commit: (_terms, work, effects) =>
      Promise.try(() => {
        const result = transactNow(database, work);
        effects?.onStored?.(result);
        return result;
      }),
    read: (work) => Promise.try(work),
  };
}
