/**
 * Counts the store's content, for health and metrics.
 *
 * Open items are counted in the file, by indexes that hold only these. Finished items are counted
 * as they finish, since the start. Otherwise each scrape would count years of finished items, and
 * get slower with time.
 */

import type { DatabaseSync } from "node:sqlite";
import { integer, optional, rows } from "./schema/columns.ts";
import type { Judged, RepeatedVerdict } from "../core/inbound/inbox.ts";
import type { Transactions } from "./database/transact.ts";
import { IS_PARKED } from "./schema/questions.ts";
import type { DecisionCount, Store, StoreFigures } from "../core/store/store.ts";

/** Counts for health and metrics. */
export interface Figures extends Pick<Store, "health"> {
  /** Counts newly stored verdicts. An undecided message counts once it is decided. */
  count(recorded: readonly Judged[], repeats?: readonly RepeatedVerdict[]): void;
}

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
export function createFigures(database: DatabaseSync, { read }: Transactions): Figures {
  const selectInbox = database.prepare(
    `SELECT
       (SELECT COUNT(*) FROM inbox WHERE finished_at IS NULL AND state = 'waiting'
          AND NOT ${IS_PARKED}) AS waiting,
       (SELECT COUNT(*) FROM inbox WHERE finished_at IS NULL AND state = 'running') AS running,
       (SELECT accepted_at FROM inbox WHERE id = (
          SELECT MIN(id) FROM inbox
          WHERE finished_at IS NULL AND state = 'waiting' AND account_id ${IS_NOT_STOPPED}
            AND NOT ${IS_PARKED}
        )) AS oldest_waiting_at`,
  );
  const selectOutbox = database.prepare(
    `SELECT
       COUNT(*) FILTER (WHERE state = 'pending') AS pending,
       COUNT(*) FILTER (WHERE state = 'sending') AS sending,
       COUNT(*) FILTER (WHERE state = 'uncertain') AS uncertain,
       COUNT(*) FILTER (WHERE state = 'dead') AS dead,
       MIN(created_at) FILTER (WHERE state IN ('pending', 'sending')) AS oldest
     FROM outbox WHERE state IN ('pending', 'sending', 'uncertain', 'dead')`,
  );
  const selectParked = database.prepare(
    `SELECT
       COUNT(DISTINCT p.account_id || ' ' || p.channel_id) AS parked_channels,
       COUNT(*) FILTER (WHERE o.state = 'pending') AS pending,
       COUNT(*) FILTER (WHERE o.state = 'sending') AS sending
     FROM parked_channel AS p
     LEFT JOIN outbox AS o ON o.account_id = p.account_id AND o.channel_id = p.channel_id
       AND o.state IN ('pending', 'sending')
     WHERE p.is_parked = 1`,
  );
  const selectOldest = database.prepare(
    `SELECT MIN(o.created_at) AS oldest FROM outbox AS o
     LEFT JOIN parked_channel AS p
       ON p.account_id = o.account_id AND p.channel_id = o.channel_id AND p.is_parked = 1
     WHERE o.state IN ('pending', 'sending') AND p.channel_id IS NULL
       AND o.account_id ${IS_NOT_STOPPED}`,
  );
  const counts: (DecisionCount & { count: number })[] = [];

  function outboxFigures(stopped: string): StoreFigures["outbox"] {
    const all = OUTBOX.read(selectOutbox.get());
    const parked = PARKED.read(selectParked.get());
    const parkedCount = parked.pending + parked.sending;
    // Only the row itself tells its channel, which costs a read, so it is read only if it matters.
    const hasExcluded = parkedCount > 0 || stopped !== NONE_STOPPED;
    const { oldest } = hasExcluded ? OLDEST.read(selectOldest.get({ stopped })) : all;
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

  function add({ verdict: { kind, why } }: Judged, count: number): void {
    if (kind === "undecided") return;
    const counted = counts.find((one) => one.why === why && one.verdict === kind);
    if (counted) counted.count += count;
    else counts.push({ verdict: kind, why, count });
  }

  return {
    health: (accounts = []) =>
      read(() => {
        const stopped = JSON.stringify(accounts);
        return {
          inbox: INBOX.read(selectInbox.get({ stopped })),
          outbox: outboxFigures(stopped),
          decisions: counts.map((counted) => ({ ...counted })),
        };
      }),
    count(recorded, repeats = []) {
      for (const judged of recorded) add(judged, 1);
      for (const { judged, messages } of repeats) add(judged, messages.length);
    },
  };
}
