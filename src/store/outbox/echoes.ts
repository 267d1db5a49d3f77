/**
 * Settles rows by the gateway's echoes of our own messages. An echo is a second acknowledgement,
 * and the only sign that another program sends with our token (G11).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId, ChannelId } from "../../core/discord/ids.ts";
import type { Echo, Foreign } from "../../core/inbound/inbox.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { prepareSettle } from "./settle.ts";

/** The result of an echo; empty if the echo is an expected one whose row was settled before. */
export interface Told {
  /** The channel of the row that it settles. */
  readonly settledIn?: ChannelId;
  /** Set if another program sent the message with our token. */
  readonly foreign?: Foreign;
}

/**
 * Settles the row that an echo names, within a transaction of the caller's. Discord has the
 * message, regardless of the row's state and of its sender.
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

/** Prepares the statements for echoes. */
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

/** Why a message of our own user is not ours; `undefined` if it is ours. */
function whyForeign(
  row: Row | undefined,
  { messageId, heardAt = Infinity }: Echo,
): Foreign["why"] | undefined {
  if (!row) return "unknown";
  if (row.state === "sent") {
    // If a message was deleted before we asked for it, its id is not stored.
    return row.message_id === null || row.message_id === messageId ? undefined : "unknown";
  }
  if (row.first_attempt_at === null) return "unsent";
  // Both by our own clock. A row may be sending by now that was not when the echo came.
  return heardAt < row.first_attempt_at ? "early" : undefined;
}
