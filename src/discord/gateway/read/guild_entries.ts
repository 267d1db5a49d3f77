/**
 * Converts Discord's guilds, channels and roles into entries of the index.
 *
 * The index keeps few fields and bounds texts, because a bot may be in thousands of guilds.
 */

import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import { isThread } from "../../../core/rights/channel.ts";
import { bounded } from "../../../lib/text/cut.ts";
import { ownRolesIn, toKeptChannels, toKeptRoles } from "../decode/kept_permissions.ts";
import { type Guild, type IndexedChannel, uploadLimitOfTier } from "../decode/guild_index.ts";
import type { ChannelPayload, GuildPayload, RolePayload } from "../decode/payloads.ts";

/** Characters; Discord's own limits are 100 for names and 4,096 for a forum's topic. */
const MAX_NAME = 100;
const MAX_TOPIC = 1_024;

/** Converts the guild of a GUILD_CREATE; `self` is the bot's user id. */
export function toGuild(guild: GuildPayload, self: UserId | undefined): Guild {
  const channels = [...guild.channels ?? [], ...guild.threads ?? []].filter(isLive);
  return {
    id: guild.id,
    name: toName(guild.name ?? guild.id),
    channels: new Map(channels.map((channel) => [channel.id, toChannel(channel)])),
    ...toRoles(guild.roles ?? [], self),
    ...uploadLimitOfTier(guild.premium_tier),
    ...keptOf(guild, self),
  };
}

/** Reads the kept settings; none if the payload lacks the permissions of a role. */
function keptOf(guild: GuildPayload, self: UserId | undefined): Pick<Guild, "kept"> {
  const roles = guild.roles && toKeptRoles(guild.roles);
  if (!roles) return {};
  const ownRoles = ownRolesIn(guild.members, self);
  return {
    kept: {
      isOwner: self !== undefined && guild.owner_id === self,
      ...(ownRoles && { ownRoles }),
      roles,
      channels: toKeptChannels(guild.channels ?? []),
    },
  };
}

/** Bounds the name of a guild, channel or role. */
export function toName(name: string): string {
  return bounded(name, MAX_NAME);
}

/**
 * Whether a thread is not archived. Discord sends an archived one again when a message opens it.
 */
export function isLive({ thread_metadata }: ChannelPayload): boolean {
  return thread_metadata?.archived !== true;
}

/**
 * Adds or replaces a channel. It keeps the last message of the GUILD_CREATE: no code needs a newer
 * one, and storing it would cost a write.
 */
export function putChannel(
  channels: Map<ChannelId, IndexedChannel>,
  payload: ChannelPayload,
): void {
  const { lastMessageId: reported, ...channel } = toChannel(payload);
  const lastMessageId = channels.get(channel.id)?.lastMessageId ?? reported;
  channels.set(channel.id, { ...channel, ...(lastMessageId && { lastMessageId }) });
  if (channels.size <= MAX_CHANNELS) return;
  const oldest = channels.values().find(isThread);
  if (oldest) channels.delete(oldest.id);
}

/** Discord's own limits: 500 channels of a guild, and 1,000 threads that are not archived. */
const MAX_CHANNELS = 1_500;

/** Discord's flag of a channel that the bot may not view. Its name is the same for all of them. */
const OBFUSCATED = 1 << 17;

function toChannel(
  { id, type, name, flags = 0, parent_id, topic, nsfw, last_message_id: last }: ChannelPayload,
): IndexedChannel {
  return {
    id,
    type,
    name: toName(flags & OBFUSCATED ? id : name ?? id),
    ...(parent_id && { parentId: parent_id }),
    ...(topic && { topic: bounded(topic, MAX_TOPIC) }),
    ...(nsfw && { isAgeRestricted: true }),
    ...(last !== undefined && { lastMessageId: last ?? "none" }),
  };
}

/** Creates an entry for a guild without a description yet. */
export function namelessGuild(id: GuildId): Guild {
  return { id, name: id, channels: new Map(), roles: new Map() };
}

/** Converts a guild's roles, and finds the bot's own one. */
export function toRoles(
  roles: readonly RolePayload[],
  self: UserId | undefined,
): Pick<Guild, "roles" | "ownRole"> {
  const own = roles.find((role) => isOwnRole(role, self));
  return {
    roles: new Map(roles.map(({ id, name }) => [id, toName(name ?? id)])),
    ...(own && { ownRole: own.id }),
  };
}

/** Whether Discord created the role for this bot. */
export function isOwnRole({ tags }: RolePayload, self: UserId | undefined): boolean {
  return self !== undefined && tags?.bot_id === self;
}
