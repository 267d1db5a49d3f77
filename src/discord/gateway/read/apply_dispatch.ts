/** Applies dispatches to the index of guilds. */

import { createChecker } from "../../../lib/checker.ts";
import { isRecord } from "../../../lib/text/json.ts";
import type { z } from "zod";
import { type GuildId, parseSnowflake, shardOf, type UserId } from "../../../core/discord/ids.ts";
import type { Self } from "../../../core/inbound/inbound.ts";
import {
  isLive,
  isOwnRole,
  namelessGuild,
  putChannel,
  toGuild,
  toName,
  toRoles,
} from "./guild_entries.ts";
import {
  type KeptPermissions,
  ownRolesIn,
  toKeptChannels,
  toKeptRoles,
} from "../decode/kept_permissions.ts";
import {
  type Guild,
  type GuildIndex,
  isStoredAlike,
  uploadLimitOfTier,
} from "../decode/guild_index.ts";
import {
  type ChannelPayload,
  deletedChannelPayload,
  type Dispatch,
  guildChannelPayload,
  guildPayload,
  guildRolePayload,
  memberUpdatePayload,
  type ReadyPayload,
  readyPayload,
  roleDeletePayload,
  threadListPayload,
  unavailablePayload,
} from "../decode/payloads.ts";
import type { GUILD_TYPES } from "./intents.ts";

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
): Pick<Guild, "kept"> {
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
