/**
 * Whether the bot may read what was said.
 *
 * Discord answers an empty page where the permission to read the history is
 * missing, and a 403 where the channel may not be seen; neither is to be found
 * out by trying.
 *
 * @module
 */

import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";
import { type AskedPlace, createExplainDenial } from "./explain_denial.ts";
import { createLookAtGuild } from "./guild_look.ts";
import { deniedBy } from "./permissions.ts";

/** What reading a channel's history takes, in the order in which it is missed. */
const TO_READ = ["View Channel", "Read Message History"] as const;

/**
 * Tells whether an empty history means that nothing is there.
 *
 * @throws {RestError} If Discord does not tell.
 */
export type CanReadHistory = (place: AskedPlace) => Promise<boolean>;

export function createCanReadHistory(api: RestApi, options: RequestOptions = {}): CanReadHistory {
  const explain = createExplainDenial(api, () => 0, options); // a timeout lets one read
  return async (place) => await explain(place, TO_READ) === undefined;
}

/**
 * Looks at all channels of a guild at once.
 *
 * @returns What is missing in one of them, the first of it; a thread is asked for by its parent.
 * @throws {RestError} If Discord does not tell.
 */
export type MissingToRead = (
  guildId: GuildId,
  userId: UserId,
) => Promise<(channelId: ChannelId) => readonly (typeof TO_READ)[number][]>;

export function createMissingToRead(api: RestApi, options: RequestOptions = {}): MissingToRead {
  const lookAt = createLookAtGuild(api, options);
  return async (guildId, userId) => {
    const { standing, channels } = await lookAt(guildId, userId);
    return (channelId) => {
      const channel = channels.get(channelId);
      if (!channel) return ["View Channel"]; // what is not listed is hidden
      return TO_READ.filter((one) => deniedBy(standing, channel.overwrites, one)).slice(0, 1);
    };
  };
}
