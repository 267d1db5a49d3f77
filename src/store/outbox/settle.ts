/**
 * Settles rows whose message Discord has (T5), according to its answer, the gateway's echo, or the
 * channel's history.
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
   * Number of the row in the table, used only to delete its files. The row's number in memory may
   * belong to another row.
   */
  readonly id: number;
  /** The account that sends the message. */
  readonly accountId: AccountId;
  /** Nonce of the message, which names the row. */
  readonly nonce: string;
  /** Target channel of the message; a delivery there ends its parking. */
  readonly channelId: ChannelId;
  /** Number of files that the row was stored with. */
  readonly fileCount: number;
}

/**
 * Settles a row within a transaction of the caller's, regardless of its state.
 *
 * @param messageId Absent if the message was deleted, or if there was none to send.
 * @returns Whether this call settled the row; `false` if it was settled before.
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
