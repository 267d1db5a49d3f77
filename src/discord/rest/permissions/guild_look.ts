/**
 * One look at a guild's own settings: who may do what in each of its channels.
 *
 * To try what is not allowed costs more than it tells: too many refusals lock
 * out the whole address. So three requests tell of all channels at once.
 *
 * @module
 */

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
import type { Overwrite, RoleGrant, Standing } from "./permissions.ts";

/** A guild as one of its members has it. */
export interface GuildLook {
  /** `undefined` where the user is no member. */
  readonly member?: Member;
  readonly standing: Omit<Standing, "roles"> & {
    readonly roles: readonly (RoleGrant & { readonly name: string })[];
  };
  /** Without threads. */
  readonly channels: ReadonlyMap<ChannelId, LookedChannel>;
}

export interface LookedChannel {
  readonly name?: string;
  readonly overwrites: readonly Overwrite[];
}

/** @throws {RestError} If Discord does not tell. */
export type LookAtGuild = (guildId: GuildId, userId: UserId) => Promise<GuildLook>;

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
  name: z.string().nullish(),
  permission_overwrites: z.array(overwriteSchema).default([]),
}));

/**
 * @see {@link https://docs.discord.com/developers/resources/guild#get-guild}
 * @see {@link https://docs.discord.com/developers/resources/guild#get-guild-channels}
 */
export function createLookAtGuild(
  api: RestApi,
  options: RequestOptions = {},
): LookAtGuild {
  const readMember = createReadMember(api, options);
  return async (guildId, userId) => {
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
      standing: { guildId, userId, ownerId, roles, memberRoles: member?.roles ?? [] },
      channels: new Map(channels.map(({ id, name, permission_overwrites }) => [
        id,
        { ...(name && { name }), overwrites: permission_overwrites.flatMap(toOverwrite) },
      ])),
    };
  };
}

function toOverwrite({ id, ...bits }: z.infer<typeof overwriteSchema>): readonly Overwrite[] {
  const whose = parseSnowflake(id);
  return whose ? [{ id: whose, ...bits }] : [];
}
