/**
 * The history of channels, for tools: by the same policy as live messages. The asker's rights are
 * checked before a tool runs (`asker_rights.ts`).
 *
 * @module
 */

import { toOverheard } from "../../core/inbound/transcript.ts";
import type { HistoryPort } from "../../core/turn/ports/history.ts";
import { type BackfillPorts, mayBeSeen } from "../../flows/turn/backfill.ts";

/** Creates the port. */
export function createHistoryPort(
  { admit, history }: Pick<BackfillPorts, "admit" | "history">,
): HistoryPort {
  return {
    async read(channelOf, { limit, before }) {
      const messages = await history({ ...channelOf, id: before }, limit);
      return messages.filter((message) => mayBeSeen(admit(message))).map(toOverheard)
        .toSorted((one, other) => one.sentAt - other.sentAt);
    },
  };
}
