/**
 * Where in a guild something can be said, and what each of those places is called.
 *
 * @module
 */

import { ChannelTypes } from "@discordeno/types";
import type { ChannelId, GuildId, MessageId, RoleId } from "../../../core/discord/ids.ts";
import type { GuildPlace, Named } from "../../../core/inbound/inbound.ts";
import { type Guild, type GuildIndex, shardOf } from "./guild_index.ts";

/** A channel or thread that may hold messages. */
export interface KnownChannel {
  readonly id: ChannelId;
  readonly guildId: GuildId;
  readonly place: GuildPlace;
  /** As of the guild's GUILD_CREATE; absent where that is not known. */
  readonly lastMessageId?: MessageId | "none";
}

/** What one shard knows of its guilds. */
export interface KnownPlaces {
  /** Of guilds whose GUILD_CREATE has come. */
  readonly channels: readonly KnownChannel[];
  /** Guilds whose GUILD_CREATE is still to come. */
  readonly awaited: readonly GuildId[];
}

const THREADS: ReadonlySet<number> = new Set([
  ChannelTypes.AnnouncementThread,
  ChannelTypes.PublicThread,
  ChannelTypes.PrivateThread,
]);

/** A forum or a category holds no messages: what is said there is said in threads and channels. */
const WITHOUT_MESSAGES: ReadonlySet<number> = new Set([
  ChannelTypes.GuildCategory,
  ChannelTypes.GuildForum,
  ChannelTypes.GuildMedia,
  ChannelTypes.GuildDirectory,
]);

/** By the guild, which is made anew whenever something of it changes. */
const places = new WeakMap<Guild, Map<ChannelId, GuildPlace>>();

/** Names a place of a guild; what is not in the index goes by its id. */
export function placeIn(guildId: GuildId, channelId: ChannelId, guild?: Guild): GuildPlace {
  if (!guild?.channels.has(channelId)) return describePlace(guildId, channelId, guild);
  let known = places.get(guild);
  if (!known) places.set(guild, known = new Map());
  let place = known.get(channelId);
  if (!place) known.set(channelId, place = describePlace(guildId, channelId, guild));
  return place;
}

function describePlace(guildId: GuildId, channelId: ChannelId, guild?: Guild): GuildPlace {
  const here = guild?.channels.get(channelId);
  const parentId = here && THREADS.has(here.type) ? here.parentId : undefined;
  const id = parentId ?? channelId;
  const channel = guild?.channels.get(id);
  // anybody can name a thread, so without its parent a thread's name is as good as none
  const isUnknown = !channel || THREADS.has(channel.type);
  return {
    kind: "guild",
    guild: { id: guildId, name: guild?.name ?? guildId },
    channel: { id, name: channel?.name ?? id },
    ...(parentId && here && { thread: { id: here.id, name: here.name } }),
    ...(channel?.topic !== undefined && { topic: channel.topic }),
    ...(isUnknown && { isUnknown }),
  };
}

/** Which guilds somebody asks about. */
export interface PlacesQuery {
  readonly shardId: number;
  readonly shardCount: number;
  /** Guilds that are not asked about again. */
  readonly planned: ReadonlySet<GuildId>;
}

/** Lists the channels and threads of one shard's guilds. */
export function placesOf(
  index: GuildIndex,
  { shardId, shardCount, planned }: PlacesQuery,
): KnownPlaces {
  const guilds = Array.from(index.values())
    .filter(({ id }) => shardOf(id, shardCount) === shardId);
  return {
    channels: guilds
      .filter(({ id, isAwaited }) => !isAwaited && !planned.has(id))
      .flatMap(channelsOf),
    awaited: guilds.filter(({ isAwaited }) => isAwaited).map(({ id }) => id),
  };
}

function channelsOf(guild: Guild): readonly KnownChannel[] {
  return Array.from(guild.channels.values())
    .filter(({ type }) => !WITHOUT_MESSAGES.has(type))
    .map(({ id, lastMessageId }) => ({
      id,
      guildId: guild.id,
      place: describePlace(guild.id, id, guild),
      ...(lastMessageId && { lastMessageId }),
    }));
}

/** A guild, as far as entries of the config may mean something in it by name. */
export interface NamedGuild extends Named<GuildId> {
  /** Without threads, whose names anybody can take, and categories, in which nobody speaks. */
  readonly channels: readonly Named<ChannelId>[];
  readonly roles: readonly Named<RoleId>[];
}

/** Names what is known of a guild. */
export function namesIn({ id, name, channels, roles }: Guild): NamedGuild {
  return {
    id,
    name,
    channels: Array.from(channels.values())
      .filter(({ type }) => type !== ChannelTypes.GuildCategory && !THREADS.has(type))
      .map(({ id, name }) => ({ id, name })),
    roles: Array.from(roles, ([id, name]) => ({ id, name })),
  };
}
