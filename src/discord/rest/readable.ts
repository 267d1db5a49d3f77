/**
 * Which channels of a guild the bot may read back.
 *
 * Discord answers an empty page where the permission to read the history is
 * missing, and a 403 where the channel may not be seen. Too many of the latter
 * lock out the whole address, so one look at the guild's own settings tells of
 * all its channels at once.
 *
 * @module
 */

import { z } from "zod";
import { type ChannelId, type GuildId, parseSnowflake, type UserId } from "../../core/ids.ts";
import { snowflakeSchema as snowflake } from "../../core/snowflake_schema.ts";
import { expect } from "./answer.ts";
import type { RequestOptions, RestClient } from "./client.ts";
import { createReadRoles } from "./members.ts";
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

const bits = z.string().regex(/^\d{1,39}$/).transform(BigInt);
const guildSchema = z.object({
  owner_id: snowflake<"user">(),
  roles: z.array(z.object({ id: snowflake<"role">(), permissions: bits })),
});
const channelsSchema = z.array(z.object({
  id: snowflake<"channel">(),
  permission_overwrites: z.array(z.object({ id: z.string(), allow: bits, deny: bits })).default([]),
}));

/**
 * @see {@link https://docs.discord.com/developers/resources/guild#get-guild}
 * @see {@link https://docs.discord.com/developers/resources/guild#get-guild-channels}
 */
export function createLookAtGuild(
  api: Pick<RestClient, "request">,
  options: RequestOptions = {},
): LookAtGuild {
  const readRoles = createReadRoles(api, options);
  return async (guildId, userId) => {
    const guild = expect(
      "GET /guilds/:id",
      guildSchema,
      await api.request("GET", `/guilds/${guildId}`, options),
    );
    const memberRoles = await readRoles(guildId, userId);
    const channels = expect(
      "GET /guilds/:id/channels",
      channelsSchema,
      await api.request("GET", `/guilds/${guildId}/channels`, options),
    );
    const { owner_id: ownerId, roles } = guild;
    const standing = { guildId, userId, ownerId, roles, memberRoles };
    const missing = new Map(channels.map(({ id, permission_overwrites }) => {
      const overwrites = permission_overwrites.flatMap(({ id, allow, deny }) => {
        const whose = parseSnowflake(id);
        return whose ? [{ id: whose, allow, deny }] : [];
      });
      return [id, missingToRead(permissionsIn(standing, overwrites))];
    }));
    return (channelId) => missing.get(channelId) ?? ["View Channel"]; // what is not listed is hidden
  };
}
