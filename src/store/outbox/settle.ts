/**
 * The end of a message's way: Discord has it (T5), as its answer, the gateway's
 * echo or the channel's history tells.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import { prepareOutboxFiles } from "./files.ts";
import { prepareNoteDelivered } from "./parked_channels.ts";

/** What is to be settled. */
export interface Unsettled {
  /** In the table; it matters only if the row has files. */
  readonly id: number;
  readonly accountId: AccountId;
  readonly nonce: string;
  readonly channelId: ChannelId;
  readonly fileCount: number;
}

/**
 * Settles a row within a transaction of the caller's, whatever was thought of it.
 *
 * @param messageId Absent where the message is gone, or where there was nothing to send.
 * @returns Whether that is news.
 */
export type Settle = (row: Unsettled, messageId: MessageId | undefined) => boolean;

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
