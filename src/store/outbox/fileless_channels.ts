/**
 * Stores when the owners got the notice that a channel takes no files (R12a), and
 * replaces messages whose files Discord refuses.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { DAY_MS } from "../../lib/clock.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/send_queues.ts";
import type { FilelessChannels, Unfolding } from "../../core/store/outbox.ts";
import { column } from "../schema/columns.ts";
import { prepareOutboxFiles } from "./files.ts";
import { prepareHoldDamaged, storedMessageSchema } from "./rows.ts";

/** Creates the storage. */
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

const foldedSchema = z.object({
  id: column.number,
  message: storedMessageSchema,
  file_count: column.number,
});

const idSchema = z.object({ id: column.number });

/**
 * Takes a folded message apart again, because Discord refuses its file (D4, R12a).
 *
 * The folded rows still have their own messages, which no attempt has sent. Their numbers are lower
 * than those of all later rows of the channel, so they are sent in their old order.
 */
export function createUnfolding(
  database: DatabaseSync,
  { commit }: Transactions,
  { queues }: Outgoing,
): Unfolding {
  const files = prepareOutboxFiles(database);
  const selectUnsent = database.prepare(
    `SELECT id FROM outbox
     WHERE account_id = ? AND nonce = ? AND state IN ('pending', 'sending')`,
  );
  // A folded message may have been folded once more.
  const selectFolded = database.prepare(
    `WITH RECURSIVE part (id) AS (
       SELECT id FROM outbox WHERE folded_into = ?
       UNION
       SELECT o.id FROM part AS p CROSS JOIN outbox AS o ON o.folded_into = p.id
     )
     SELECT o.id, o.message, o.file_count FROM part AS p CROSS JOIN outbox AS o ON o.id = p.id
     WHERE o.state = 'folded' AND o.kind IS NOT 'folded'`,
  );
  const restore = database.prepare(
    `UPDATE outbox
     SET state = 'pending', folded_into = NULL, first_attempt_at = NULL, failing_since = NULL,
         next_attempt_at = NULL, refusal = NULL, file_count = 0, message = ?
     WHERE id = ?`,
  );
  const holdDamaged = prepareHoldDamaged(database);
  const withdraw = database.prepare(
    "UPDATE outbox SET state = 'withdrawn', whole = NULL WHERE id = ?",
  );

  return {
    unfold({ message: { accountId, channelId, nonce } }, withoutFile) {
      queues.forget(accountId, channelId);
      return commit(UNNAMED, () => {
        const unsent = selectUnsent.get(accountId, nonce);
        if (!unsent) return 0;
        const { id: into } = idSchema.parse(unsent);
        const folded = selectFolded.all(into);
        for (const row of folded) {
          const { data } = foldedSchema.safeParse(row);
          if (!data) {
            holdDamaged(row);
            continue;
          }
          const { id, message, file_count } = data;
          restore.run(JSON.stringify(file_count > 0 ? withoutFile(message) : message), id);
        }
        if (folded.length === 0) return 0;
        withdraw.run(into);
        files.delete(into);
        return folded.length;
      });
    },
  };
}
