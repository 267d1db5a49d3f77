/**
 * Reads a guild's roles, channels and overwrites, from which a member's permissions follow.
 *
 * Trying a forbidden request instead is risky, because too many refusals ban the whole address. So
 * three requests read the settings of all channels at once.
 *
 * @module
 */

import { ChannelTypes } from "@discordeno/types";
import { z } from "zod";
import {
  type ChannelId,
  type GuildId,
  parseSnowflake,
  type UserId,
} from "../../../core/discord/ids.ts";
import { snowflakeSchema as snowflake } from "../../../core/discord/snowflake_schema.ts";
import { expect } from "../exchange/answer.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";
import { createReadMember, type Member } from "../calls/members.ts";
import type { Overwrite, PermissionInputs, RoleGrant } from "../../../core/rights/permissions.ts";

/** The permission settings of a guild, and one of its members. */
export interface GuildPermissions {
  /** Absent if the user is not a member. */
  readonly member?: Member;
  /** The inputs of the permission computation, with the names of the roles. */
  readonly inputs: Omit<PermissionInputs, "roles"> & {
    readonly roles: readonly (RoleGrant & { readonly name: string })[];
  };
  /** All channels, without threads. */
  readonly channels: ReadonlyMap<ChannelId, ChannelPermissions>;
}

/** The permission settings of a channel. */
export interface ChannelPermissions {
  /** Absent if Discord does not name it. */
  readonly name?: string;
  /** Set for a category, in which no one can post. */
  readonly isCategory?: true;
  /** Set for a forum or media channel, in which messages exist only within threads. */
  readonly isForum?: true;
  /** The channel's permission overwrites. */
  readonly overwrites: readonly Overwrite[];
}

/**
 * Reads the permission settings of a guild, for one user.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export type ReadGuildPermissions = (guildId: GuildId, userId: UserId) => Promise<GuildPermissions>;

const bits = z.string().regex(/^\d{1,39}$/).transform(BigInt);
const guildSchema = z.object({
  owner_id: snowflake<"user">(),
  roles: z.array(z.object({
    id: snowflake<"role">(),
    permissions: bits,
    name: z.string().default("without a name"),
  })),
});
const overwriteSchema = z.object({ id: z.string(), allow: bits, deny: bits });
const channelsSchema = z.array(z.object({
  id: snowflake<"channel">(),
  type: z.number().optional(),
  name: z.string().nullish(),
  permission_overwrites: z.array(overwriteSchema).default([]),
}));

/**
 * Creates a {@link ReadGuildPermissions}.
 *
 * @see {@link https://docs.discord.com/developers/resources/guild#get-guild}
 * @see {@link https://docs.discord.com/developers/resources/guild#get-guild-channels}
 */
export function createReadGuildPermissions(
  api: RestApi,
  options: RequestOptions = {},
): ReadGuildPermissions {
  const readMember = createReadMember(api, options);
  /** Calls at the same time share their requests: a model may call many tools in one answer. */
  const running = new Map<string, Promise<GuildPermissions>>();

  async function read(guildId: GuildId, userId: UserId): Promise<GuildPermissions> {
    const guild = expect(
      "GET /guilds/:id",
      guildSchema,
      await api.request("GET", `/guilds/${guildId}`, options),
    );
    const member = await readMember(guildId, userId);
    const channels = expect(
      "GET /guilds/:id/channels",
      channelsSchema,
      await api.request("GET", `/guilds/${guildId}/channels`, options),
    );
    const { owner_id: ownerId, roles } = guild;
    return {
      ...(member && { member }),
      inputs: { guildId, userId, ownerId, roles, memberRoles: member?.roles ?? [] },
      channels: new Map(channels.map(({ id, type, name, permission_overwrites }) => [
        id,
        {
          ...(name && { name }),
          ...(type === ChannelTypes.GuildCategory && { isCategory: true }),
          ...(isForum(type) && { isForum: true }),
          overwrites: permission_overwrites.flatMap(toOverwrite),
        },
      ])),
    };
  }

  return (guildId, userId) => {
    const key = `${guildId} ${userId}`;
    const known = running.get(key);
    if (known) return known;
    const reading = read(guildId, userId).finally(() => running.delete(key));
    running.set(key, reading);
    return reading;
  };
}

function isForum(type: number | undefined): boolean {
  return type === ChannelTypes.GuildForum || type === ChannelTypes.GuildMedia;
}

function toOverwrite({ id, ...bits }: z.infer<typeof overwriteSchema>): readonly Overwrite[] {
  const ownerId = parseSnowflake(id);
  return ownerId ? [{ id: ownerId, ...bits }] : [];
}
