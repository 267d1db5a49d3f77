/**
 * Applies dispatches to the index of guilds.
 *
 * The index keeps few fields and bounds texts, because a bot may be in thousands of guilds.
 */

import type { z } from "zod";
import {
  type ChannelId,
  type GuildId,
  parseSnowflake,
  shardOf,
  type UserId,
} from "../../../core/discord/ids.ts";
import { createChecker } from "../../../core/discord/lenient.ts";
import type { Self } from "../../../core/inbound/inbound.ts";
import { isThread } from "../../../core/rights/permissions.ts";
import { isRecord } from "../../../lib/text/json.ts";
import { bounded } from "../../../lib/text/quoted.ts";
import {
  type Guild,
  type GuildIndex,
  type IndexedChannel,
  isStoredAlike,
  type KeptPermissions,
  ownRolesIn,
  toKeptChannels,
  toKeptRoles,
  uploadLimitOfTier,
} from "../decode/guild_index.ts";
import {
  type ChannelPayload,
  deletedChannelPayload,
  type Dispatch,
  guildChannelPayload,
  type GuildPayload,
  guildPayload,
  guildRolePayload,
  memberUpdatePayload,
  type ReadyPayload,
  readyPayload,
  roleDeletePayload,
  type RolePayload,
  threadListPayload,
  unavailablePayload,
} from "../decode/payloads.ts";
import type { GUILD_TYPES } from "./intents.ts";

/** Characters; Discord's own limits are 100 for names and 4,096 for a forum's topic. */
const MAX_NAME = 100;
const MAX_TOPIC = 1_024;

/** Converts the guild of a GUILD_CREATE; `self` is the bot's user id. */
function toGuild(guild: GuildPayload, self: UserId | undefined): Guild {
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
function keptOf(
  guild: GuildPayload,
  self: UserId | undefined,
): { readonly kept?: KeptPermissions } {
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
function toName(name: string): string {
  return bounded(name, MAX_NAME);
}

/**
 * Whether a thread is not archived. Discord sends an archived one again when a message opens it.
 */
function isLive({ thread_metadata }: ChannelPayload): boolean {
  return thread_metadata?.archived !== true;
}

/**
 * Adds or replaces a channel. It keeps the last message of the GUILD_CREATE: no code needs a newer
 * one, and storing it would cost a write.
 */
function putChannel(channels: Map<ChannelId, IndexedChannel>, payload: ChannelPayload): void {
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
function namelessGuild(id: GuildId): Guild {
  return { id, name: id, channels: new Map(), roles: new Map() };
}

/** Converts a guild's roles, and finds the bot's own one. */
function toRoles(roles: readonly RolePayload[], self: UserId | undefined) {
  const own = roles.find((role) => isOwnRole(role, self));
  return {
    roles: new Map(roles.map(({ id, name }) => [id, toName(name ?? id)])),
    ...(own && { ownRole: own.id }),
  };
}

/** Whether Discord created the role for this bot. */
function isOwnRole({ tags }: RolePayload, self: UserId | undefined): boolean {
  return self !== undefined && tags?.bot_id === self;
}

export interface IndexChange {
  /** The new index; the same object if nothing changed. */
  readonly index: GuildIndex;
  /** Guilds to store again. The bot has left those that the new index does not have. */
  readonly changed: readonly GuildId[];
  /** Set if the payload has an unexpected shape; the rest of it may have changed the index. */
  readonly problem?: string;
}

/** Reads the bot's own identity from READY; `undefined` if READY has an unexpected shape. */
export function readSelf(d: unknown): Self | undefined {
  const ready = readyPayload.safeParse(d, { jitless: true }); // compiling takes longer
  if (!ready.success) return undefined;
  const { user, application } = ready.data;
  const applicationId = application?.id ?? parseSnowflake<"application">(user.id);
  return applicationId && { userId: user.id, applicationId, username: user.username };
}

/** Applies one dispatch. Dispatches of types that are not about guilds change nothing. */
export function applyDispatch(
  index: GuildIndex,
  { t, d }: Dispatch,
  self: UserId | undefined,
): IndexChange {
  return CHANGES_BY_TYPE.get(t)?.(index, d, self) ?? unchanged(index);
}

type ApplyPayload = (index: GuildIndex, d: unknown, self: UserId | undefined) => IndexChange;

/** Wraps a change so that it gets only payloads that fit the schema. */
function parsed<Schema extends z.ZodType>(
  schema: Schema,
  change: (index: GuildIndex, payload: z.infer<Schema>, self: UserId | undefined) => IndexChange,
): ApplyPayload {
  const check = createChecker(schema);
  return (index, d, self) => {
    const result = check(d);
    if (result.success) return change(index, result.data, self);
    const where = result.error.issues[0]?.path.join(".") ?? "";
    return { ...unchanged(index), problem: `${where} does not fit` };
  };
}

const ready = parsed(readyPayload, (index, payload) => {
  const leftGuilds = guildsLeft(payload, index.keys());
  const { isWhole } = payload.guilds;
  const rest = new Map(without(index, leftGuilds));
  const listed = payload.guilds.listed.map(({ id }) => id);
  for (const id of listed) {
    rest.set(id, { ...rest.get(id) ?? namelessGuild(id), isAwaited: true });
  }
  const changed = [...leftGuilds, ...listed];
  return { index: rest, changed, problem: isWhole ? undefined : "guilds does not fit" };
});

const guildDescribed = parsed(
  guildPayload,
  (index, guild, self) => replaced(index, toGuild(guild, self)),
);

const guildCreate: ApplyPayload = (index, d, self) =>
  isUnavailable(d) ? unchanged(index) : guildDescribed(index, d, self);

const guildUpdate = parsed(
  guildPayload,
  (index, update, self) =>
    within(index, update.id, (guild) => ({
      ...guild,
      ...(update.name !== undefined && { name: toName(update.name) }),
      ...(update.roles && toRoles(update.roles, self)),
      ...uploadLimitOfTier(update.premium_tier),
      ...withKept(guild, () => {
        const roles = update.roles && toKeptRoles(update.roles);
        return roles && { roles };
      }),
    })),
);

const guildDelete = parsed(unavailablePayload, (index, { id, unavailable }) => {
  if (unavailable) return within(index, id, (guild) => ({ ...guild, isAwaited: true }));
  return index.has(id) ? { index: without(index, [id]), changed: [id] } : unchanged(index);
});

const rolePut = parsed(
  guildRolePayload,
  (index, { guild_id, role }, self) =>
    within(index, guild_id, (guild) => ({
      ...guild,
      roles: new Map(guild.roles).set(role.id, toName(role.name ?? role.id)),
      ...(isOwnRole(role, self) && { ownRole: role.id }),
      ...withKept(guild, ({ roles }) => ({ roles: { ...roles, ...toKeptRoles([role]) } })),
    })),
);

const roleDelete = parsed(
  roleDeletePayload,
  (index, { guild_id, role_id }) =>
    within(index, guild_id, ({ ownRole, ...guild }) => {
      const roles = new Map(guild.roles);
      roles.delete(role_id);
      return {
        ...guild,
        roles,
        ownRole: ownRole && ownRole !== role_id ? ownRole : undefined,
        ...withKept(guild, ({ roles: { [role_id]: _, ...rest } }) => ({ roles: rest })),
      };
    }),
);

const memberUpdate = parsed(
  memberUpdatePayload,
  (index, member, self) =>
    within(index, member.guild_id, (guild) => ({
      ...guild,
      ...withKept(guild, () => {
        const ownRoles = ownRolesIn([member], self);
        return ownRoles && { ownRoles };
      }),
    })),
);

const channelPut = parsed(
  guildChannelPayload,
  (index, channel) =>
    within(index, channel.guild_id, (guild) => {
      const channels = new Map(guild.channels);
      if (isLive(channel)) putChannel(channels, channel);
      else channels.delete(channel.id);
      return { ...guild, channels, ...withKept(guild, (kept) => overwritten(kept, channel)) };
    }),
);

const channelDelete = parsed(
  deletedChannelPayload,
  (index, { id, guild_id }) =>
    within(index, guild_id, (guild) => {
      const channels = new Map(guild.channels);
      channels.delete(id);
      return {
        ...guild,
        channels,
        ...withKept(guild, ({ channels: { [id]: _, ...rest } }) => ({ channels: rest })),
      };
    }),
);

const threadListSync = parsed(
  threadListPayload,
  (index, { guild_id, threads }) =>
    within(index, guild_id, (guild) => {
      const channels = new Map(guild.channels);
      for (const thread of threads.filter(isLive)) putChannel(channels, thread);
      return { ...guild, channels };
    }),
);

const CHANGES: Readonly<Record<(typeof GUILD_TYPES)[number], ApplyPayload>> = {
  READY: ready,
  GUILD_CREATE: guildCreate,
  GUILD_UPDATE: guildUpdate,
  GUILD_DELETE: guildDelete,
  GUILD_ROLE_CREATE: rolePut,
  GUILD_ROLE_UPDATE: rolePut,
  GUILD_ROLE_DELETE: roleDelete,
  GUILD_MEMBER_UPDATE: memberUpdate,
  CHANNEL_CREATE: channelPut,
  CHANNEL_UPDATE: channelPut,
  CHANNEL_DELETE: channelDelete,
  THREAD_CREATE: channelPut,
  THREAD_UPDATE: channelPut,
  THREAD_DELETE: channelDelete,
  THREAD_LIST_SYNC: threadListSync,
};

const CHANGES_BY_TYPE: ReadonlyMap<string, ApplyPayload> = new Map(Object.entries(CHANGES));

/**
 * Returns the known guilds of a READY's shard that it does not list: the bot has left them. A list
 * that does not fit as a whole may lack others.
 */
export function guildsLeft(
  { guilds, shard: [shardId, shardCount] = [0, 1] }: ReadyPayload,
  known: Iterable<GuildId>,
): readonly GuildId[] {
  if (!guilds.isWhole) return [];
  const listed = new Set(guilds.listed.map(({ id }) => id));
  return [...known].filter((id) => !listed.has(id) && shardOf(id, shardCount) === shardId);
}

function unchanged(index: GuildIndex): IndexChange {
  return { index, changed: [] };
}

function within(
  index: GuildIndex,
  id: GuildId | undefined,
  change: (guild: Guild) => Guild,
): IndexChange {
  const guild = id && index.get(id);
  return guild ? replaced(index, change(guild)) : unchanged(index);
}

/** Replaces a guild. If its snapshot stays the same, the store needs no update. */
function replaced(index: GuildIndex, guild: Guild): IndexChange {
  const before = index.get(guild.id);
  if (before && isStoredAlike(before, guild)) return unchanged(index);
  return { index: new Map(index).set(guild.id, guild), changed: [guild.id] };
}

function without(index: GuildIndex, ids: readonly GuildId[]): GuildIndex {
  if (ids.length === 0) return index;
  const rest = new Map(index);
  for (const id of ids) rest.delete(id);
  return rest;
}

/** Changes a guild's kept settings. Unknown settings stay unknown. */
function withKept(
  { kept }: Guild,
  change: (kept: KeptPermissions) => Partial<KeptPermissions> | undefined,
): { readonly kept?: KeptPermissions } {
  return kept ? { kept: { ...kept, ...change(kept) } } : {};
}

/** Without the field, a payload says nothing about the overwrites. */
function overwritten(
  { channels }: KeptPermissions,
  channel: ChannelPayload,
): Partial<KeptPermissions> | undefined {
  if (channel.permission_overwrites === undefined) return undefined;
  const { [channel.id]: _, ...others } = channels;
  return { channels: { ...others, ...toKeptChannels([channel]) } };
}

function isUnavailable(d: unknown): boolean {
  return isRecord(d) && d.unavailable === true;
}
