/**
 * What this process remembers of the outbox between two transactions: the queues of
 * its channels, and the numbers of its rows.
 *
 * A row that is journaled has its number before it is in the table, and another
 * process, `barnacle send`, may give that number to a row of its own meanwhile. The
 * journaled row then takes the next free number, and is found by either.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, ChannelId } from "../core/ids.ts";
import { createSendQueues, type SendQueues } from "./send_queues.ts";

export interface Outgoing {
  readonly queues: SendQueues;
  /** Asks the tables, which are up to date, whether nothing waits in a channel. */
  look(accountId: AccountId, channelId: ChannelId): void;
  /** The next number, within a transaction of the caller's. */
  nextId(): number;
  /** Numbers for rows that are journaled; the caller has seen that the tables are up to date. */
  reserve(count: number): number;
  /** A row took another number than the one that was reserved for it. */
  moved(from: number, to: number): void;
  /** The number of a row in the table. */
  idInTable(id: number): number;
  /** Work that had run is undone, or another process has written. */
  forget(): void;
}

export function createOutgoing(database: DatabaseSync): Outgoing {
  const selectLast = database.prepare("SELECT COALESCE(MAX(id), 0) AS id FROM outbox");
  const selectWaiting = database.prepare(
    `SELECT 1 FROM outbox
     WHERE account_id = :accountId AND channel_id = :channelId AND state IN ('pending', 'sending')
     UNION ALL
     SELECT 1 FROM parked_channel
     WHERE account_id = :accountId AND channel_id = :channelId AND is_parked = 1
     LIMIT 1`,
  );
  const queues = createSendQueues();
  const elsewhere = new Map<number, number>();
  let last = 0;
  const lastInTable = () => Number(selectLast.get()?.["id"]);
  return {
    queues,
    look(accountId, channelId) {
      if (!selectWaiting.get({ accountId, channelId })) queues.foundEmpty(accountId, channelId);
    },
    nextId: () => last = Math.max(last, lastInTable()) + 1,
    reserve(count) {
      if (last === 0) last = lastInTable();
      const first = last + 1;
      last += count;
      return first;
    },
    moved: (from, to) => void elsewhere.set(from, to),
    idInTable: (id) => elsewhere.get(id) ?? id,
    forget: () => queues.forget(),
  };
}
