/**
 * Stores the direct channels in which a sender was ever accepted or paired.
 *
 * Discord never lists a bot's direct channels, so catch-up can read only the stored ones (G6).
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Transactions } from "../database/transact.ts";
import type { DirectChannels } from "../../core/store/received.ts";

/** Notes an accepted direct message within a transaction of the caller's. */
export type KeepDirectChannel = (
  message: Pick<InboundMessage, "accountId" | "channelId" | "sentAt" | "place">,
) => void;

/** Prepares the statement for accepted direct messages. */
export function prepareKeepDirectChannel(database: DatabaseSync): KeepDirectChannel {
  const upsert = database.prepare(
    `INSERT INTO direct_channel (account_id, channel_id, active_at, is_group)
     VALUES (?, ?, ?, ?)
     ON CONFLICT (account_id, channel_id) DO UPDATE SET
       active_at = MAX(active_at, excluded.active_at),
       is_group = excluded.is_group`,
  );
  return ({ accountId, channelId, sentAt, place }) => {
    upsert.run(accountId, channelId, sentAt, place.kind === "group_dm" ? 1 : 0);
  };
}

const rowSchema = z
  .object({ channel_id: snowflakeSchema<"channel">() })
  .transform((row) => row.channel_id);

/** Creates the reader of direct channels. */
export function createDirectChannels(
  database: DatabaseSync,
  { read }: Transactions,
): DirectChannels {
  const select = database.prepare(
    `SELECT channel_id FROM direct_channel WHERE account_id = ?
     ORDER BY active_at DESC, length(channel_id) DESC, channel_id DESC`,
  );
  const selectGroup = database.prepare(
    "SELECT 1 FROM direct_channel WHERE account_id = ? AND channel_id = ? AND is_group = 1",
  );
  return {
    isGroupChannel: (accountId, channelId) =>
      read(() => selectGroup.get(accountId, channelId) !== undefined),
    directChannels: (accountId) =>
      read(() => select.all(accountId).map((row) => rowSchema.parse(row))),
  };
}
