/** Transactions without groups, for tests of one namespace of the store. */

import type { DatabaseSync } from "node:sqlite";
import { createCommits, type Transactions } from "../../../src/store/database/commits.ts";

export const createUngroupedTransactions = (database: DatabaseSync): Transactions =>
  createCommits(database, ":memory:", { soon: (run) => run() });
