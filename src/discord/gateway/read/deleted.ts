/**
 * Which messages a dispatch says were deleted.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway-events#message-delete}
 *
 * @module
 */

import type { MessageId } from "../../../core/discord/ids.ts";
import type { DecodeProblem } from "./decode.ts";
import type { Dispatch } from "./fold.ts";
import { bulkDeletedPayload, deletedPayload } from "./payloads.ts";

/** The types that {@link deletedBy} understands. */
export const DELETED_TYPES = ["MESSAGE_DELETE", "MESSAGE_DELETE_BULK"] as const;

/** @returns None for a dispatch of any other type. */
export function deletedBy({ t, d }: Dispatch): readonly MessageId[] | DecodeProblem {
  if (t === "MESSAGE_DELETE") {
    const deleted = deletedPayload.safeParse(d);
    return deleted.success ? [deleted.data.id] : { kind: "problem", why: "id does not fit" };
  }
  if (t === "MESSAGE_DELETE_BULK") {
    const deleted = bulkDeletedPayload.safeParse(d);
    return deleted.success ? deleted.data.ids : { kind: "problem", why: "ids do not fit" };
  }
  return [];
}
