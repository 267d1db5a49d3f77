/**
 * One dispatch into the index of guilds.
 *
 * @module
 */

import type { z } from "zod";
import {
  type ChannelId,
  type GuildId,
  parseSnowflake,
  type UserId,
} from "../../../core/discord/ids.ts";
import type { Self } from "../../../core/inbound/inbound.ts";
import { bounded } from "../../../lib/bounded.ts";
import {
  type Channel,
  type Guild,
  type GuildIndex,
  shardOf,
  snapshotOf,
  uploadLimitOfTier,
} from "./guild_index.ts";
import {
  type ChannelPayload,
  guildChannelPayload,
  guildPayload,
  guildRolePayload,
  type ReadyPayload,
  readyPayload,
  roleDeletePayload,
  type RolePayload,
  threadListPayload,
  unavailablePayload,
} from "./payloads.ts";

/** A dispatch, parsed and not yet understood. */
export interface Dispatch {
  readonly t: string;
  readonly s: number;
  readonly d: unknown;
}

export interface Folded {
  readonly index: GuildIndex;
  /** Guilds that are to be stored anew; those no longer in the index were left. */
  readonly changed: readonly GuildId[];
  /** Set where the payload did not fit, and so changed nothing. */
  readonly problem?: string;
}

/** The types that {@link fold} understands. */
export const FOLDED_TYPES = [
  "READY",
  "GUILD_CREATE",
  "GUILD_UPDATE",
  "GUILD_DELETE",
  "GUILD_ROLE_CREATE",
  "GUILD_ROLE_UPDATE",
  "GUILD_ROLE_DELETE",
  "CHANNEL_CREATE",
  "CHANNEL_UPDATE",
  "CHANNEL_DELETE",
  "THREAD_CREATE",
  "THREAD_UPDATE",
  "THREAD_DELETE",
  "THREAD_LIST_SYNC",
] as const;

/** Characters; Discord's own limits are 100 for names and 4096 for a forum's topic. */
const MAX_NAME = 100;
const MAX_TOPIC = 1_024;

/** What we are at Discord, as READY says it. */
export function readSelf(d: unknown): Self | undefined {
  const ready = readyPayload.safeParse(d);
  if (!ready.success) return undefined;
  const { user, application } = ready.data;
  const applicationId = application?.id ?? parseSnowflake<"application">(user.id);
  return applicationId && { userId: user.id, applicationId, username: user.username };
}

/** Folds one dispatch; one of any other type changes nothing. */
export function fold(index: GuildIndex, { t, d }: Dispatch, self: UserId | undefined): Folded {
  switch (t) {
    case "READY":
      return parsed(index, readyPayload, d, (ready) => {
        const left = leftBy(ready, index.keys());
        const rest = new Map(without(index, left));
        const listed = ready.guilds.map(({ id }) => id);
        for (const id of listed) rest.set(id, { ...rest.get(id) ?? nameless(id), isAwaited: true });
        return { index: rest, changed: [...left, ...listed] };
      });
    case "GUILD_CREATE":
      return isUnavailable(d)
        ? still(index)
        : parsed(index, guildPayload, d, (guild) =>
          replaced(index, {
            id: guild.id,
            name: bounded(guild.name, MAX_NAME),
            channels: new Map(
              [...guild.channels ?? [], ...guild.threads ?? []]
                .filter(isLive)
                .map((channel) => [channel.id, toChannel(channel)]),
            ),
            ...rolesOf(guild.roles ?? [], self),
            ...uploadLimitOfTier(guild.premium_tier),
          }));
    case "GUILD_UPDATE":
      return parsed(
        index,
        guildPayload,
        d,
        (update) =>
          within(index, update.id, (guild) => ({
            ...guild,
            name: bounded(update.name, MAX_NAME),
            ...(update.roles && rolesOf(update.roles, self)),
            ...uploadLimitOfTier(update.premium_tier),
          })),
      );
    case "GUILD_DELETE":
      return parsed(
        index,
        unavailablePayload,
        d,
        ({ id, unavailable }) => {
          if (unavailable) return within(index, id, (guild) => ({ ...guild, isAwaited: true }));
          return index.has(id) ? { index: without(index, [id]), changed: [id] } : still(index);
        },
      );
    case "GUILD_ROLE_CREATE":
    case "GUILD_ROLE_UPDATE":
      return parsed(
        index,
        guildRolePayload,
        d,
        ({ guild_id, role }) =>
          within(index, guild_id, (guild) => ({
            ...guild,
            roles: new Map(guild.roles).set(role.id, bounded(role.name, MAX_NAME)),
            ...(isOwn(role, self) && { ownRole: role.id }),
          })),
      );
    case "GUILD_ROLE_DELETE":
      return parsed(
        index,
        roleDeletePayload,
        d,
        ({ guild_id, role_id }) =>
          within(index, guild_id, ({ ownRole, ...guild }) => {
            const roles = new Map(guild.roles);
            roles.delete(role_id);
            return { ...guild, roles, ...(ownRole && ownRole !== role_id && { ownRole }) };
          }),
      );
    case "CHANNEL_CREATE":
    case "CHANNEL_UPDATE":
    case "THREAD_CREATE":
    case "THREAD_UPDATE":
      return parsed(
        index,
        guildChannelPayload,
        d,
        (channel) =>
          within(index, channel.guild_id, (guild) =>
            withChannels(guild, (channels) => {
              if (isLive(channel)) put(channels, channel);
              else channels.delete(channel.id);
            })),
      );
    case "CHANNEL_DELETE":
    case "THREAD_DELETE":
      return parsed(
        index,
        guildChannelPayload,
        d,
        ({ id, guild_id }) =>
          within(index, guild_id, (guild) =>
            withChannels(guild, (channels) => {
              channels.delete(id);
            })),
      );
    case "THREAD_LIST_SYNC":
      return parsed(
        index,
        threadListPayload,
        d,
        ({ guild_id, threads }) =>
          within(index, guild_id, (guild) =>
            withChannels(guild, (channels) => {
              for (const thread of threads.filter(isLive)) put(channels, thread);
            })),
      );
  }
  return still(index);
}

function parsed<Schema extends z.ZodType>(
  index: GuildIndex,
  schema: Schema,
  d: unknown,
  change: (payload: z.infer<Schema>) => Folded,
): Folded {
  const result = schema.safeParse(d);
  if (result.success) return change(result.data);
  const where = result.error.issues[0]?.path.join(".") ?? "";
  return { ...still(index), problem: `${where} does not fit` };
}

/** Of the guilds that are known, those that a READY should list and does not: the bot has left. */
export function leftBy(
  { guilds, shard: [shardId, shardCount] = [0, 1] }: ReadyPayload,
  known: Iterable<GuildId>,
): readonly GuildId[] {
  const listed = new Set(guilds.map(({ id }) => id));
  return [...known].filter((id) => !listed.has(id) && shardOf(id, shardCount) === shardId);
}

function still(index: GuildIndex): Folded {
  return { index, changed: [] };
}

function within(
  index: GuildIndex,
  id: GuildId | undefined,
  change: (guild: Guild) => Guild,
): Folded {
  const guild = id && index.get(id);
  return guild ? replaced(index, change(guild)) : still(index);
}

/** Said again is not said anew: what has not changed need not be stored. */
function replaced(index: GuildIndex, guild: Guild): Folded {
  const before = index.get(guild.id);
  if (before && snapshotOf(before).text === snapshotOf(guild).text) return still(index);
  return { index: new Map(index).set(guild.id, guild), changed: [guild.id] };
}

function without(index: GuildIndex, ids: readonly GuildId[]): GuildIndex {
  if (ids.length === 0) return index;
  const rest = new Map(index);
  for (const id of ids) rest.delete(id);
  return rest;
}

function withChannels(
  guild: Guild,
  change: (channels: Map<ChannelId, Channel>) => void,
): Guild {
  const channels = new Map(guild.channels);
  change(channels);
  return { ...guild, channels };
}

/** An archived thread is silent; it is said again when somebody writes in it. */
function isLive({ thread_metadata }: ChannelPayload): boolean {
  return thread_metadata?.archived !== true;
}

/** What was said last stays as of the GUILD_CREATE: nobody needs it newer, and storing it costs. */
function put(channels: Map<ChannelId, Channel>, payload: ChannelPayload): void {
  const { lastMessageId: told, ...channel } = toChannel(payload);
  const lastMessageId = channels.get(channel.id)?.lastMessageId ?? told;
  channels.set(channel.id, { ...channel, ...(lastMessageId && { lastMessageId }) });
}

function toChannel(
  { id, type, name, parent_id, topic, last_message_id: last }: ChannelPayload,
): Channel {
  return {
    id,
    type,
    name: bounded(name ?? id, MAX_NAME),
    ...(parent_id && { parentId: parent_id }),
    ...(topic && { topic: bounded(topic, MAX_TOPIC) }),
    ...(last !== undefined && { lastMessageId: last ?? "none" }),
  };
}

/** A guild of which only the id is known. */
function nameless(id: GuildId): Guild {
  return { id, name: id, channels: new Map(), roles: new Map() };
}

function rolesOf(
  roles: readonly RolePayload[],
  self: UserId | undefined,
): Pick<Guild, "roles" | "ownRole"> {
  const own = roles.find((role) => isOwn(role, self));
  return {
    roles: new Map(roles.map(({ id, name }) => [id, bounded(name, MAX_NAME)])),
    ...(own && { ownRole: own.id }),
  };
}

function isOwn({ tags }: RolePayload, self: UserId | undefined): boolean {
  return self !== undefined && tags?.bot_id === self;
}

function isUnavailable(d: unknown): boolean {
  return typeof d === "object" && d !== null && "unavailable" in d && d.unavailable === true;
}
