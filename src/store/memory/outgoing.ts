/**
 * Remembers the outbox between two transactions: the queues of its channels, and the numbers of its
 * rows.
 *
 * A journaled row has its number before the table has the row. Another process, `barnacle send`,
 * may give that number to a row of its own meanwhile. The journaled row then takes the next free
 * number. So only the nonce names a row for certain.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, ChannelId } from "../../core/discord/ids.ts";
import { createBurstWatch } from "../database/other_writers.ts";
import { createSendQueues, type SendQueues } from "./send_queues.ts";

/** The outbox as this process knows it. */
export interface Outgoing {
  /** Waiting messages of known channels. */
  readonly queues: SendQueues;
  /**
   * Reads from the tables whether messages wait in a channel. If none does, the queues know the
   * channel from then on. The tables must be up to date.
   */
  checkChannel(accountId: AccountId, channelId: ChannelId): void;
  /** Takes the next number, within a transaction of the caller's. */
  nextId(): number;
  /**
   * Takes numbers for journaled rows.
   *
   * @returns The first of `count` numbers in a row.
   */
  reserve(count: number): number;
  /** Forgets the queues if another process has written: `barnacle outbox drop` beside the bot. */
  forgetIfOthersWrote(): void;
  /** Forgets everything, because work was undone or another process has written. */
  forget(): void;
}

/** Creates the memory of the outbox, without known channels. */
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
  const otherWriters = createBurstWatch(database);
  let lastId = 0;
  /** Whether another process may have added rows since the last number was read. */
  let mayHaveNewRows = false;
  const lastIdInTable = () => Number(selectLast.get()?.["id"]);
  return {
    queues,
    checkChannel(accountId, channelId) {
      if (!selectWaiting.get({ accountId, channelId })) queues.markEmpty(accountId, channelId);
    },
    nextId: () => lastId = Math.max(lastId, lastIdInTable()) + 1,
    reserve(count) {
      if (lastId === 0 || mayHaveNewRows) lastId = Math.max(lastId, lastIdInTable());
      mayHaveNewRows = false;
      const firstId = lastId + 1;
      lastId += count;
      return firstId;
    },
    forgetIfOthersWrote() {
      if (!otherWriters.changedElsewhere()) return;
      queues.forget();
      mayHaveNewRows = true;
    },
    forget: () => queues.forget(),
  };
}
