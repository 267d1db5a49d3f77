/**
 * Our own messages, as the gateway echoes them: a second acknowledgement of what
 * was sent, and the only sign that somebody else sends with our token (G11).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId, ChannelId } from "../../core/discord/ids.ts";
import type { Echo, Foreign } from "../../core/inbound/inbox.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { prepareSettle } from "./settle.ts";

/** What an echo tells; nothing of one that is as it should be, and known. */
export interface Told {
  /** The channel of the row that it settles. */
  readonly settledIn?: ChannelId;
  readonly foreign?: Foreign;
}

/**
 * Settles the row that an echo names, within a transaction of the caller's. Discord has it,
 * whatever we thought of the row, and whoever sent it.
 */
export type SettleEcho = (accountId: AccountId, echo: Echo) => Told;

const rowSchema = z.object({
  id: z.number(),
  channel_id: snowflakeSchema<"channel">(),
  state: z.string(),
  message_id: snowflakeSchema<"message">().nullable(),
  first_attempt_at: z.number().nullable(),
  file_count: z.number(),
});

type Row = z.infer<typeof rowSchema>;

export function prepareSettleEcho(database: DatabaseSync): SettleEcho {
  const select = database.prepare(
    `SELECT id, channel_id, state, message_id, first_attempt_at, file_count FROM outbox
     WHERE account_id = ? AND nonce = ?`,
  );
  const settle = prepareSettle(database);
  return (accountId, echo) => {
    const { nonce, messageId, channelId } = echo;
    const found = nonce === undefined ? undefined : select.get(accountId, nonce);
    const row = found && rowSchema.parse(found);
    const why = whyForeign(row, echo);
    const foreign: Told = why ? { foreign: { messageId, channelId, why } } : {};
    if (!row || nonce === undefined) return foreign;
    const { id, channel_id, file_count } = row;
    const isNews = settle(
      { id, accountId, nonce, channelId: channel_id, fileCount: file_count },
      messageId,
    );
    return { ...(isNews && { settledIn: channel_id }), ...foreign };
  };
}

/** Why a message of our own user's is none that we sent, where it is none. */
function whyForeign(
  row: Row | undefined,
  { messageId, heardAt = Infinity }: Echo,
): Foreign["why"] | undefined {
  if (!row) return "unknown";
  if (row.state === "sent") {
    // Of what was gone by the time we asked, no id is known.
    return row.message_id === null || row.message_id === messageId ? undefined : "unknown";
  }
  if (row.first_attempt_at === null) return "unsent";
  // Both by our own clock. A row may be sending by now that was not when the echo came.
  return heardAt < row.first_attempt_at ? "early" : undefined;
}
