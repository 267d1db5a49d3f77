/**
 * Decodes deletions of messages.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway-events#message-delete}
 *
 * @module
 */

import type { MessagesDeleted } from "../../../core/inbound/events.ts";
import type { DecodeProblem } from "./decode.ts";
import { bulkDeletedPayload, deletedPayload, type Dispatch } from "./payloads.ts";

/**
 * Decodes the ids of deleted messages.
 *
 * @returns `undefined` for a dispatch of any other type.
 */
export function decodeDeletion({ t, d }: Dispatch): MessagesDeleted | DecodeProblem | undefined {
  if (t === "MESSAGE_DELETE") {
    const deleted = deletedPayload.safeParse(d);
    if (!deleted.success) return { kind: "problem", why: "id does not fit" };
    const { id, channel_id: channelId } = deleted.data;
    return { kind: "messages_deleted", channelId, messageIds: [id] };
  }
  if (t === "MESSAGE_DELETE_BULK") {
    const deleted = bulkDeletedPayload.safeParse(d);
    if (!deleted.success) return { kind: "problem", why: "ids do not fit" };
    const { ids: messageIds, channel_id: channelId } = deleted.data;
    return { kind: "messages_deleted", channelId, messageIds };
  }
  return undefined;
}
