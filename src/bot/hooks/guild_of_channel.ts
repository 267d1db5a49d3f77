/** Finds the guild of a channel, which tells the partition of its events and feeds (O16). */

import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import { createFindChannel } from "../../discord/rest/calls/channel.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";

/**
 * Creates the look-up.
 *
 * @returns A function that resolves with `undefined` for a channel that the bot does not see, or of
 * direct messages; it rejects if Discord does not answer.
 */
export function createGuildOfChannel(
  { client, reader }: { readonly client: RestClient; readonly reader: Pick<Reader, "index"> },
): (channelId: ChannelId) => Promise<GuildId | undefined> {
  const findChannel = createFindChannel(client, {});
  /** A channel stays in its guild. */
  const known = new Map<ChannelId, GuildId>();

  return async (channelId) => {
    const here = known.get(channelId) ??
      [...reader.index.values()].find(({ channels }) => channels.has(channelId))?.id;
    if (here !== undefined) return here;
    const found = await findChannel(channelId);
    const guildId = found === "hidden" ? undefined : found?.guildId;
    if (guildId !== undefined) known.set(channelId, guildId);
    return guildId;
  };
}
