/**
 * Settles rows by the gateway's echoes of our own messages. An echo is a second acknowledgement,
 * and the only sign that another program sends with our token (G11).
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import type { AccountId, ChannelId } from "../../core/discord/ids.ts";
import type { Echo, Foreign } from "../../core/inbound/inbox.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { prepareSettle } from "./outbox_rows.ts";

/** The result of an echo. It is empty if the echo is ours and its row was settled before. */
export interface EchoResult {
  /** The channel of the row that the echo settles. */
  readonly settledIn?: ChannelId;
  /** Set if another program sent the message with our token. */
  readonly foreign?: Foreign;
}

/**
 * Settles the row of an echo, within a transaction of the caller's. Discord has the message,
 * regardless of the row's state and of the program that sent it.
 */
export type SettleEcho = (accountId: AccountId, echo: Echo) => EchoResult;

const rowSchema = z.object({
  id: column.number,
  channel_id: snowflakeSchema<"channel">(),
  state: column.text,
  message_id: snowflakeSchema<"message">().nullable(),
  first_attempt_at: column.numberOrNull,
  file_count: column.number,
});

type EchoedRow = z.infer<typeof rowSchema>;

/** Prepares the statements for echoes. */
export function prepareSettleEcho(database: DatabaseSync): SettleEcho {
  const select = database.prepare(
    `SELECT id, channel_id, state, message_id, first_attempt_at, file_count FROM outbox
     WHERE account_id = ? AND nonce = ?`,
  );
  const settle = prepareSettle(database);
  return (accountId, echo) => {
    const { nonce, messageId, channelId } = echo;
    const match = nonce === undefined ? undefined : select.get(accountId, nonce);
    const row = match && rowSchema.parse(match);
    const why = whyForeign(row, echo);
    const foreign: EchoResult = why ? { foreign: { messageId, channelId, why } } : {};
    if (!row || nonce === undefined) return foreign;
    const { id, channel_id, file_count } = row;
    const isNew = settle(
      { id, accountId, nonce, channelId: channel_id, fileCount: file_count },
      messageId,
    );
    return { settledIn: isNew ? channel_id : undefined, ...foreign };
  };
}

/** Why a message of our own user is not ours; `undefined` if it is ours. */
function whyForeign(
  row: EchoedRow | undefined,
  { messageId, heardAt = Infinity }: Echo,
): Foreign["why"] | undefined {
  if (!row) return "unknown";
  if (row.state === "sent") {
    // If a message was deleted before Discord told its id, the id is not stored.
    return row.message_id === null || row.message_id === messageId ? undefined : "unknown";
  }
  if (row.first_attempt_at === null) return "unsent";
  // Both times are of our own clock. The row may have become `sending` after the echo arrived.
  return heardAt < row.first_attempt_at ? "early" : undefined;
}
