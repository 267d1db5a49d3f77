/**
 * The history of channels, for tools: with the rights of the asker, and by the same policy as live
 * messages.
 *
 * @module
 */

import { toOverheard } from "../../core/inbound/transcript.ts";
import type { HistoryPort } from "../../core/turn/ports/history.ts";
import type { CanReadHistory } from "../../discord/rest/permissions/readable.ts";
import { type BackfillPorts, mayBeSeen } from "../../flows/turn/backfill.ts";

/** The sources of the history. */
export interface HistoryPortOptions extends Pick<BackfillPorts, "admit" | "history"> {
  /** Whether a user may read a channel's history; always in direct messages. */
  readonly canReadHistory: CanReadHistory;
}

/** Creates the port. */
export function createHistoryPort(
  { canReadHistory, admit, history }: HistoryPortOptions,
): HistoryPort {
  return {
    async read(channelOf, { limit, before }) {
      const { channelId, guildId, sender } = channelOf;
      // The bot may see more than the asker (T4).
      const place = { channelId, userId: sender.id, ...(guildId !== undefined && { guildId }) };
      if (!await canReadHistory(place)) {
        throw new Error("the asker may not read the history of this channel");
      }
      const messages = await history({ ...channelOf, id: before }, limit);
      return messages.filter((message) => mayBeSeen(admit(message))).map(toOverheard)
        .toSorted((one, other) => one.sentAt - other.sentAt);
    },
  };
}
