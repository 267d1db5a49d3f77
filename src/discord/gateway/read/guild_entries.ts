/**
 * Turns Discord's payloads of guilds, channels and roles into the entries of the index.
 *
 * The index keeps as little as possible, and bounds texts: a bot may be in thousands of guilds.
 *
 * @module
 */

import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import { bounded } from "../../../lib/bounded.ts";
import { type Channel, type Guild, uploadLimitOfTier } from "../decode/guild_index.ts";
import type { ChannelPayload, GuildPayload, RolePayload } from "../decode/payloads.ts";

/** Characters; Discord's own limits are 100 for names and 4096 for a forum's topic. */
const MAX_NAME = 100;
const MAX_TOPIC = 1_024;

/** A guild as GUILD_CREATE describes it. */
export function toGuild(guild: GuildPayload, self: UserId | undefined): Guild {
  const channels = [...guild.channels ?? [], ...guild.threads ?? []].filter(isLive);
  return {
    id: guild.id,
    name: toName(guild.name),
    channels: new Map(channels.map((channel) => [channel.id, toChannel(channel)])),
    ...toRoles(guild.roles ?? [], self),
    ...uploadLimitOfTier(guild.premium_tier),
  };
}

/** A guild's or a role's name. */
export function toName(name: string): string {
  return bounded(name, MAX_NAME);
}

/** An archived thread is silent; Discord sends it again when a message opens it. */
export function isLive({ thread_metadata }: ChannelPayload): boolean {
  return thread_metadata?.archived !== true;
}

/** The last message stays as of the GUILD_CREATE: a newer one is not needed, and storing it costs. */
export function putChannel(channels: Map<ChannelId, Channel>, payload: ChannelPayload): void {
  const { lastMessageId: reported, ...channel } = toChannel(payload);
  const lastMessageId = channels.get(channel.id)?.lastMessageId ?? reported;
  channels.set(channel.id, { ...channel, ...(lastMessageId && { lastMessageId }) });
}

function toChannel(
  { id, type, name, parent_id, topic, last_message_id: last }: ChannelPayload,
): Channel {
  return {
    id,
    type,
    name: toName(name ?? id),
    ...(parent_id && { parentId: parent_id }),
    ...(topic && { topic: bounded(topic, MAX_TOPIC) }),
    ...(last !== undefined && { lastMessageId: last ?? "none" }),
  };
}

/** A guild of which only the id is known. */
export function namelessGuild(id: GuildId): Guild {
  return { id, name: id, channels: new Map(), roles: new Map() };
}

export function toRoles(
  roles: readonly RolePayload[],
  self: UserId | undefined,
): Pick<Guild, "roles" | "ownRole"> {
  const own = roles.find((role) => isOwnRole(role, self));
  return {
    roles: new Map(roles.map(({ id, name }) => [id, toName(name)])),
    ...(own && { ownRole: own.id }),
  };
}

export function isOwnRole({ tags }: RolePayload, self: UserId | undefined): boolean {
  return self !== undefined && tags?.bot_id === self;
}
