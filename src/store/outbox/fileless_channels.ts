/**
 * Stores when the owners got the notice that a channel takes no files (R12a), and
 * replaces messages whose files Discord refuses.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { DAY_MS } from "../../lib/clock.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/outgoing.ts";
import { prepareOutboxFiles } from "./files.ts";
import type { FilelessChannels } from "../../core/store/outbox.ts";

/**
 * Creates the storage.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createFilelessChannels(
  database: DatabaseSync,
  { commit, read }: Transactions,
  { queues }: Outgoing,
): FilelessChannels {
  const files = prepareOutboxFiles(database);
  const selectTold = database.prepare(
    `SELECT 1 FROM fileless_channel
     WHERE account_id = ? AND channel_id = ? AND told_at > ?`,
  );
  const noteTold = database.prepare(
    `INSERT INTO fileless_channel (account_id, channel_id, told_at) VALUES (?, ?, ?)
     ON CONFLICT (account_id, channel_id) DO UPDATE SET told_at = excluded.told_at`,
  );
  const forgetOld = database.prepare("DELETE FROM fileless_channel WHERE told_at <= ?");
  const replace = database.prepare(
    `UPDATE outbox SET message = :message, file_count = 0, whole = NULL
     WHERE account_id = :accountId AND nonce = :nonce AND state IN ('pending', 'sending')`,
  );
  return {
    wasToldNoFiles: (accountId, channelId, now) =>
      read(() => selectTold.get(accountId, channelId, now - DAY_MS) !== undefined),
    noteToldNoFiles: (accountId, channelId, now) =>
      commit(UNNAMED, () => {
        forgetOld.run(now - DAY_MS);
        noteTold.run(accountId, channelId, now);
      }),
    removeFiles({ id, message: { accountId, channelId, nonce } }, message) {
      queues.forget(accountId, channelId);
      return commit(UNNAMED, () => {
        const changed = replace.run({ accountId, nonce, message: JSON.stringify(message) });
        if (changed.changes > 0) files.delete(id);
      });
    },
  };
}
