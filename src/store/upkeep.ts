/** Deletes old records on demand, and tells how large the store is and how old its records are. */

import type { DatabaseSync } from "node:sqlite";
import type { StoreUpkeep } from "../core/store/store.ts";
import { integer, optional, rows } from "./schema/columns.ts";
import { UNNAMED } from "./database/durability.ts";
import type { Transactions } from "./database/transact.ts";
import type { Pruner } from "./received/retention.ts";

const EXTENT = rows({
  pages: integer(),
  free: integer(),
  size: integer(),
  oldestMessageAt: optional(integer()),
  oldestDecisionAt: optional(integer()),
});

/** Creates the namespace. */
export function createUpkeep(
  database: DatabaseSync,
  { commit, read }: Pick<Transactions, "commit" | "read">,
  pruner: Pick<Pruner, "step">,
): StoreUpkeep {
  // Rows are in the order of time, so the first one is the oldest.
  const first = (column: string, table: string) =>
    `SELECT (SELECT ${column} FROM ${table} ORDER BY id LIMIT 1) AS at`;
  const select = database.prepare(
    `SELECT
       (SELECT page_count FROM pragma_page_count) AS pages,
       (SELECT freelist_count FROM pragma_freelist_count) AS free,
       (SELECT page_size FROM pragma_page_size) AS size,
       (SELECT MIN(at) FROM (
          ${first("accepted_at", "inbox")} UNION ALL ${first("at", "entry")}
          UNION ALL ${first("created_at", "outbox")})) AS oldest_message_at,
       (SELECT at FROM verdict_block ORDER BY id LIMIT 1) AS oldest_decision_at`,
  );
  return {
    prune: (now) => commit(UNNAMED, () => pruner.step(now)),
    extent: () =>
      read(() => {
        const { pages, free, size, ...oldest } = EXTENT.read(select.get());
        return { bytes: pages * size, freeBytes: free * size, ...oldest };
      }),
  };
}
