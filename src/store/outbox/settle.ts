/**
 * Settles rows: Discord has the message (T5), as its answer, the gateway's echo or the channel's
 * history tells.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import { prepareOutboxFiles } from "./files.ts";
import { prepareNoteDelivered } from "./parked_channels.ts";

/** A row to settle. */
export interface Unsettled {
  /**
   * Number of the row in the table, used only to delete its files. In memory it may be that of
   * another row.
   */
  readonly id: number;
  /** The account that sends the message. */
  readonly accountId: AccountId;
  /** Nonce of the message, which names the row. */
  readonly nonce: string;
  /** Target channel of the message; it counts as delivered to. */
  readonly channelId: ChannelId;
  /** Number of files that the row was stored with. */
  readonly fileCount: number;
}

/**
 * Settles a row within a transaction of the caller's, regardless of its state.
 *
 * @param messageId Absent if the message is gone, or if there was nothing to send.
 * @returns Whether the row was not settled before.
 */
export type Settle = (row: Unsettled, messageId: MessageId | undefined) => boolean;

/** Prepares the statements that settle rows. */
export function prepareSettle(database: DatabaseSync): Settle {
  const files = prepareOutboxFiles(database);
  const noteDelivered = prepareNoteDelivered(database);
  const settle = database.prepare(
    `UPDATE outbox SET state = 'sent', message_id = :messageId, failing_since = NULL, whole = NULL
     WHERE account_id = :accountId AND nonce = :nonce AND state <> 'sent'`,
  );
  return ({ id, accountId, nonce, channelId, fileCount }, messageId) => {
    if (settle.run({ accountId, nonce, messageId: messageId ?? null }).changes === 0) return false;
    if (fileCount > 0) files.delete(id);
    if (messageId !== undefined) noteDelivered(accountId, channelId);
    return true;
  };
}
