/**
 * Lists and names the channels and threads of guilds, and decides what one place may show of another.
 */

import { isThread } from "../../../core/rights/permissions.ts";
import { ChannelTypes } from "@discordeno/types";
import type { GuildNames, GuildPlace, Named, Place } from "../../../core/inbound/inbound.ts";
import {
  type ChannelId,
  type GuildId,
  type MessageId,
  shardOf,
} from "../../../core/discord/ids.ts";
import { type Guild, type GuildIndex } from "./guild_index.ts";
import type { ReferencedPayload } from "./payloads.ts";

/** A channel or thread that can contain messages. */
interface KnownChannel {
  readonly id: ChannelId;
  readonly guildId: GuildId;
  readonly place: GuildPlace;
  /** The last message as of the guild's GUILD_CREATE, or `"none"`; absent if unknown. */
  readonly lastMessageId?: MessageId | "none";
}

/** Channel types without messages of their own: a forum's messages are in its threads. */
const WITHOUT_MESSAGES: ReadonlySet<number> = new Set([
  ChannelTypes.GuildCategory,
  ChannelTypes.GuildForum,
  ChannelTypes.GuildMedia,
  ChannelTypes.GuildDirectory,
]);

/** Names the place of a channel or thread. The index has no archived thread, so `parentId` names its channel. */
export function placeOfTarget(
  guildId: GuildId,
  { channelId, parentId }: { readonly channelId: ChannelId; readonly parentId?: ChannelId },
  guild?: Guild,
): GuildPlace {
  const place = placeIn(guildId, channelId, guild);
  if (parentId === undefined || place.thread) return place;
  return { ...placeIn(guildId, parentId, guild), thread: { id: channelId, name: channelId } };
}

/** Caches places by guild. Every change makes a new guild object. */
const places = new WeakMap<Guild, Map<ChannelId, GuildPlace>>();

/** Names a place of a guild. If the index does not have it, its name is its id. */
export function placeIn(guildId: GuildId, channelId: ChannelId, guild?: Guild): GuildPlace {
  if (!guild?.channels.has(channelId)) return describePlace(guildId, channelId, guild);
  let cached = places.get(guild);
  if (!cached) places.set(guild, cached = new Map());
  let place = cached.get(channelId);
  if (!place) cached.set(channelId, place = describePlace(guildId, channelId, guild));
  return place;
}

function describePlace(guildId: GuildId, channelId: ChannelId, guild?: Guild): GuildPlace {
  const here = guild?.channels.get(channelId);
  const parentId = here && isThread(here) ? here.parentId : undefined;
  const id = parentId ?? channelId;
  const channel = guild?.channels.get(id);
  // Anyone can name a thread, so without its parent a thread's name counts as unknown.
  const isUnknown = !channel || isThread(channel) || isNameless(channel);
  return {
    kind: "guild",
    guild: { id: guildId, name: guild?.name ?? guildId },
    channel: { id, name: channel?.name ?? id },
    thread: parentId && here ? { id: here.id, name: here.name } : undefined,
    topic: channel?.topic,
    isAgeRestricted: channel?.isAgeRestricted ? true : undefined,
    isUnknown: isUnknown || undefined,
    hasNamesake: guild?.hasNamesake ? guild.hasNamesake : undefined,
  };
}

/** Whether Discord does not tell a channel's name. */
export function isNameless({ id, name }: Named<string>): boolean {
  return name === id;
}

/**
 * `whole`: it is from the same channel. `without-spoilers`: it is from another one. `nothing`: that
 * one is age-restricted, and the message's place is not.
 */
export type ForwardRule = "whole" | "without-spoilers" | "nothing";

/**
 * Decides how much of a forwarded message a model sees (H9). A forward brings the words of another
 * place. Discord shows it to all readers of the channel, and hides spoilers until a person clicks.
 *
 * Barnacle knows the age limits of its own guilds only, and no archived threads. So an unknown place
 * of a guild with age-restricted channels may be in one.
 */
export function forwardRuleOf(
  { channel_id, message_reference }: ReferencedPayload & { readonly channel_id: ChannelId },
  place: Place,
  index: GuildIndex,
): ForwardRule {
  const { channel_id: from, guild_id: guildId } = message_reference ?? {};
  if (from === channel_id) return "whole";
  const isRestrictedHere = place.kind === "guild" && place.isAgeRestricted;
  const guild = guildId && index.get(guildId);
  if (isRestrictedHere || !from || !guild) return "without-spoilers";
  const { isAgeRestricted, isUnknown } = placeIn(guild.id, from, guild);
  return isAgeRestricted || (isUnknown && hasAgeLimits(guild)) ? "nothing" : "without-spoilers";
}

function hasAgeLimits({ channels }: Guild): boolean {
  for (const { isAgeRestricted } of channels.values()) if (isAgeRestricted) return true;
  return false;
}

/** Lists the channels and threads of one shard's guilds. */
export function placesOf(
  index: GuildIndex,
  { shardId, shardCount, planned }: {
    /** The shard whose guilds are listed. */
    readonly shardId: number;
    readonly shardCount: number;
    /** Guilds to leave out, because they were listed before. */
    readonly planned: ReadonlySet<GuildId>;
  },
): {
  /** Channels of guilds whose GUILD_CREATE has arrived. */
  readonly channels: readonly KnownChannel[];
  /** Guilds whose GUILD_CREATE is due. */
  readonly awaited: readonly GuildId[];
} {
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
      lastMessageId: lastMessageId || undefined,
    }));
}

/** Returns the names that the config may use for a guild's channels and roles. */
export function namesIn({ id, name, channels, roles }: Guild): GuildNames {
  return {
    id,
    name,
    channels: Array.from(channels.values())
      .filter(({ type }) => type !== ChannelTypes.GuildCategory && !isThread({ type }))
      .map(({ id, name }) => ({ id, name })),
    roles: Array.from(roles, ([id, name]) => ({ id, name })),
  };
}
