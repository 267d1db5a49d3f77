/**
 * Reads the history of channels for the first turn there after a start.
 *
 * @module
 */

import type { AccountId } from "../../core/discord/ids.ts";
import { decodeHistory } from "../../discord/gateway/decode/decode.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import { createReadHistory, MAX_HISTORY } from "../../discord/rest/calls/history.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import type { BackfillPorts } from "../../flows/turn/backfill.ts";

/** Reads a channel's history in the gateway's form, without the bot's own messages. */
export function createHistory(
  client: RestClient,
  reader: Reader,
  accountId: AccountId,
): BackfillPorts["history"] {
  const read = createReadHistory(client);
  return async ({ channelId, guildId, id: before }, limit) => {
    const { self, index } = reader;
    if (!self) return [];
    const page = await read(channelId, { before, limit: Math.min(limit, MAX_HISTORY) });
    return page.flatMap((message) => {
      const event = decodeHistory(message, guildId, { accountId, self, index });
      return event?.kind === "message" ? [event] : [];
    });
  };
}
