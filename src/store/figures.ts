/**
 * Counts the store's content, for health, metrics and charts, and deletes old records on demand.
 */

import type { AccountId } from "../core/discord/ids.ts";
import type { Judged } from "../core/inbound/inbox.ts";
import type { DecisionCount, StoreFigures } from "../core/store/store.ts";
import { UNNAMED } from "./database/commits.ts";
import type { Transactions } from "./database/commits.ts";
import type { Pruner } from "./messages/retention.ts";
import { integer, optional, rows } from "./schema/columns.ts";
import { IS_PARKED } from "./schema/people.ts";

const INBOX = rows({
  waiting: integer(),
  running: integer(),
  oldestWaitingAt: optional(integer()),
});
const OUTBOX = rows({
  pending: integer(),
  sending: integer(),
  uncertain: integer(),
  dead: integer(),
  oldest: optional(integer()),
});
const PARKED = rows({ parkedChannels: integer(), pending: integer(), sending: integer() });
const OLDEST = rows({ oldest: optional(integer()) });

const IS_NOT_STOPPED = "NOT IN (SELECT value FROM json_each(:stopped))";
const NONE_STOPPED = "[]";

/** Creates the counts; verdicts count from now on. */
export function createFigures({ sql, read }: Transactions) {
  const selectInbox = sql.rows(INBOX.read)`SELECT
       (SELECT COUNT(*) FROM inbox WHERE finished_at IS NULL AND state = 'waiting'
          AND NOT ${IS_PARKED}) AS waiting,
       (SELECT COUNT(*) FROM inbox WHERE finished_at IS NULL AND state = 'running') AS running,
       (SELECT accepted_at FROM inbox WHERE id = (
          SELECT MIN(id) FROM inbox
          WHERE finished_at IS NULL AND state = 'waiting' AND account_id ${IS_NOT_STOPPED}
            AND NOT ${IS_PARKED}
        )) AS oldest_waiting_at`;
  const selectOutbox = sql.rows(OUTBOX.read)`SELECT
       COUNT(*) FILTER (WHERE state = 'pending') AS pending,
       COUNT(*) FILTER (WHERE state = 'sending') AS sending,
       COUNT(*) FILTER (WHERE state = 'uncertain') AS uncertain,
       COUNT(*) FILTER (WHERE state = 'dead') AS dead,
       MIN(created_at) FILTER (WHERE state IN ('pending', 'sending')) AS oldest
     FROM outbox WHERE state IN ('pending', 'sending', 'uncertain', 'dead')`;
  const selectParked = sql.rows(PARKED.read)`SELECT
       COUNT(DISTINCT p.account_id || ' ' || p.channel_id) AS parked_channels,
       COUNT(*) FILTER (WHERE o.state = 'pending') AS pending,
       COUNT(*) FILTER (WHERE o.state = 'sending') AS sending
     FROM parked_channel AS p
     LEFT JOIN outbox AS o ON o.account_id = p.account_id AND o.channel_id = p.channel_id
       AND o.state IN ('pending', 'sending')
     WHERE p.is_parked = 1`;
  const selectOldest = sql.rows(OLDEST.read)`SELECT MIN(o.created_at) AS oldest FROM outbox AS o
     LEFT JOIN parked_channel AS p
       ON p.account_id = o.account_id AND p.channel_id = o.channel_id AND p.is_parked = 1
     WHERE o.state IN ('pending', 'sending') AND p.channel_id IS NULL
       AND o.account_id ${IS_NOT_STOPPED}`;
  const counts: (DecisionCount & { count: number })[] = [];

  function outboxFigures(stopped: string): StoreFigures["outbox"] {
    const all = selectOutbox.one();
    const parked = selectParked.one();
    const parkedCount = parked.pending + parked.sending;
    // Only the row itself tells its channel, which costs a read, so it is read only if it matters.
    const hasExcluded = parkedCount > 0 || stopped !== NONE_STOPPED;
    const { oldest } = hasExcluded ? selectOldest.one({ stopped }) : all;
    return {
      pending: all.pending - parked.pending,
      sending: all.sending - parked.sending,
      uncertain: all.uncertain,
      dead: all.dead,
      parked: parkedCount,
      parkedChannels: parked.parkedChannels,
      oldestUnsentAt: oldest,
    };
  }

  function add({ verdict: { kind, why } }: Judged): void {
    if (kind === "undecided") return;
    const counted = counts.find((one) => one.why === why && one.verdict === kind);
    if (counted) counted.count++;
    else counts.push({ verdict: kind, why, count: 1 });
  }

  return {
    /**
     * Reads the counts for health and metrics.
     *
     * @param accounts Accounts that do not run. Their waiting messages do not count as late, because
     * no account works on them.
     */
    health: (accounts: readonly AccountId[] = []): Promise<StoreFigures> =>
      read(() => {
        const stopped = JSON.stringify(accounts);
        return {
          inbox: selectInbox.one({ stopped }),
          outbox: outboxFigures(stopped),
          decisions: counts.map((counted) => ({ ...counted })),
        };
      }),
    /** Counts newly stored verdicts. An undecided message counts once it is decided. */
    count: (recorded: readonly Judged[]): void => recorded.forEach(add),
  };
}

const EXTENT = rows({
  pages: integer(),
  free: integer(),
  size: integer(),
  oldestMessageAt: optional(integer()),
  oldestDecisionAt: optional(integer()),
});

/**
 * Deletes old records on demand, and tells how large the store is and how old its records are.
 */
export function createUpkeep({ sql, commit, read }: Transactions, pruner: Pruner) {
  // Rows are in the order of time, so the first one is the oldest.
  const first = (column: string, table: string) =>
    `SELECT (SELECT ${column} FROM ${table} ORDER BY id LIMIT 1) AS at`;
  const select = sql`SELECT
       (SELECT page_count FROM pragma_page_count) AS pages,
       (SELECT freelist_count FROM pragma_freelist_count) AS free,
       (SELECT page_size FROM pragma_page_size) AS size,
       (SELECT MIN(at) FROM (
          ${first("accepted_at", "inbox")} UNION ALL ${first("at", "entry")}
          UNION ALL ${first("created_at", "outbox")})) AS oldest_message_at,
       (SELECT at FROM decision ORDER BY id LIMIT 1) AS oldest_decision_at`;
  return {
    /**
     * Deletes a bounded number of old records (X6).
     *
     * @returns Whether there may be more to delete.
     */
    prune: (now: number) => commit(UNNAMED, () => pruner.step(now)),
    /** Bytes of the data, of deleted data which are used again, and the times of the oldest records. */
    extent: () =>
      read(() => {
        const { pages, free, size, ...oldest } = EXTENT.read(select.get());
        return { bytes: pages * size, freeBytes: free * size, ...oldest };
      }),
  };
}

/** The size of the store and the age of its records. */
export type StoreExtent = Awaited<ReturnType<ReturnType<typeof createUpkeep>["extent"]>>;
