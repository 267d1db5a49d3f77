/**
 * Which channels of a guild the bot may read back.
 *
 * Discord answers an empty page where the permission to read the history is
 * missing, and a 403 where the channel may not be seen; neither is to be found
 * out by trying.
 *
 * @module
 */

import type { ChannelId, GuildId, UserId } from "../../core/ids.ts";
import type { RequestOptions, RestClient } from "./client.ts";
import { createLookAt } from "./guild_look.ts";
import { missingToRead, permissionsIn, type ReadPermission } from "./permissions.ts";

/**
 * Looks at a guild.
 *
 * @returns What is missing in one of its channels; a thread is asked for by its parent.
 * @throws {RestError} If Discord does not tell.
 */
export type LookAtGuild = (
  guildId: GuildId,
  userId: UserId,
) => Promise<(channelId: ChannelId) => readonly ReadPermission[]>;

export function createLookAtGuild(
  api: Pick<RestClient, "request">,
  options: RequestOptions = {},
): LookAtGuild {
  const lookAt = createLookAt(api, options);
  return async (guildId, userId) => {
    const { standing, channels } = await lookAt(guildId, userId);
    return (channelId) => {
      const channel = channels.get(channelId);
      if (!channel) return ["View Channel"]; // what is not listed is hidden
      return missingToRead(permissionsIn(standing, channel.overwrites));
    };
  };
}
