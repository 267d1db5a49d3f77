/**
 * Stores channels in which Discord does not let the bot post, until that changes (D5, R11).
 *
 * When a parked channel is tried again, its record stays until a message arrives there, or for a
 * day. A new refusal within that time has the same cause, and the operator gets no second notice.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { ParkedChannel, ParkedChannels } from "../../core/store/outbox.ts";

/**
 * Makes the SQL condition that the channel of `row`, a row of the account `:accountId`, is not
 * parked.
 */
export function isNotParked(row: string): string {
  return `${row}.channel_id NOT IN (
    SELECT p.channel_id FROM parked_channel AS p
    WHERE p.account_id = :accountId AND p.is_parked = 1
  )`;
}

/**
 * Notes within a transaction of the caller's that a message has arrived in a channel. The waiting
 * messages of that channel are then not failing any more.
 */
export type NoteDelivered = (accountId: string, channelId: string) => void;

/** Prepares the statements for arrived messages. */
export function prepareNoteDelivered(database: DatabaseSync): NoteDelivered {
  const forget = database.prepare(
    "DELETE FROM parked_channel WHERE account_id = ? AND channel_id = ?",
  );
  const begin = database.prepare(
    `UPDATE outbox SET failing_since = NULL
     WHERE account_id = ? AND channel_id = ? AND state IN ('pending', 'sending')`,
  );
  return (accountId, channelId) => {
    if (forget.run(accountId, channelId).changes > 0) begin.run(accountId, channelId);
  };
}

const parkedSchema = z.object({
  channel_id: snowflakeSchema<"channel">(),
  reason: column.text,
  since: column.number,
  waiting: column.number,
})
  .transform(({ channel_id, ...rest }): ParkedChannel => ({ channelId: channel_id, ...rest }));

const wasReportedSchema = z.object({ was_reported: column.number });

/** Creates the storage of parked channels. */
export function createParkedChannels(
  database: DatabaseSync,
  { commit, readUnjournaled, read }: Transactions,
): ParkedChannels {
  const selectWasReported = database.prepare(
    `SELECT is_parked = 1 OR refused_at > :now - ${DAY_MS} AS was_reported FROM parked_channel
     WHERE account_id = :accountId AND channel_id = :channelId`,
  );
  const park = database.prepare(
    `INSERT INTO parked_channel
       (account_id, channel_id, reason, is_parked, since, refused_at, next_try_at)
     VALUES (:accountId, :channelId, :reason, 1, :now, :now, :nextTryAt)
     ON CONFLICT (account_id, channel_id) DO UPDATE
     SET reason = excluded.reason, is_parked = 1, refused_at = excluded.refused_at,
         next_try_at = excluded.next_try_at,
         since = IIF(:wasReported, since, :now)`,
  );
  const noteFailing = database.prepare(
    `UPDATE outbox SET failing_since = :now
     WHERE account_id = :accountId AND channel_id = :channelId
       AND state IN ('pending', 'sending') AND failing_since IS NULL`,
  );
  const areParked = `account_id = :accountId AND is_parked = 1
    AND (:channels IS NULL OR channel_id IN (SELECT value FROM json_each(:channels)))`;
  const selectUnparked = database.prepare(
    `SELECT 1 FROM parked_channel WHERE ${areParked} LIMIT 1`,
  );
  const unpark = database.prepare(`UPDATE parked_channel SET is_parked = 0 WHERE ${areParked}`);
  const selectParked = database.prepare(
    `SELECT channel_id, reason, since, waiting FROM (
       SELECT p.*, (
         SELECT COUNT(*) FROM outbox AS o
         WHERE o.account_id = p.account_id AND o.channel_id = p.channel_id
           AND o.state IN ('pending', 'sending')
       ) AS waiting
       FROM parked_channel AS p WHERE account_id = :accountId
     )
     WHERE is_parked = 1 OR waiting > 0 OR refused_at > :now - ${DAY_MS}
     ORDER BY since, channel_id`,
  );

  return {
    park: (accountId, channelId, { reason, now, nextTryAt }) =>
      commit(UNNAMED, () => {
        const row = selectWasReported.get({ accountId, channelId, now });
        const wasReported = row ? wasReportedSchema.parse(row).was_reported : 0;
        park.run({ accountId, channelId, reason, now, nextTryAt, wasReported });
        noteFailing.run({ accountId, channelId, now });
        return wasReported === 0;
      }),
    async unpark(accountId, channels) {
      const selection = {
        accountId,
        channels: channels === "all" ? null : JSON.stringify(channels),
      };
      // Runs for each message, so it must be cheap.
      if (!await readUnjournaled(() => selectUnparked.get(selection))) return 0;
      return commit(UNNAMED, () => Number(unpark.run(selection).changes));
    },
    parked: (accountId, now) =>
      read(() => selectParked.all({ accountId, now }).map((row) => parkedSchema.parse(row))),
  };
}
