/**
 * What is known of guilds: the names that policy and rendering need, where
 * something was said last, and no more.
 *
 * It is folded from dispatches and kept in the store as one text per guild, for
 * after a restart with RESUME no GUILD_CREATE comes again. An outage of a guild
 * is not its end: only a GUILD_DELETE without `unavailable`, or a READY that
 * does not list it, means that the bot has left.
 *
 * A READY makes all that is known of its guilds old until their GUILD_CREATEs
 * come. That is kept in the store, too: a process that dies between the two
 * resumes, and must not take last week's last messages for today's.
 *
 * @module
 */

import { z } from "zod";
import {
  type ChannelId,
  type GuildId,
  type MessageId,
  parseSnowflake,
  type RoleId,
} from "../../../core/discord/ids.ts";
import type { GuildSnapshot } from "../../../core/inbound/inbound.ts";

export interface Channel {
  readonly id: ChannelId;
  readonly type: number;
  readonly name: string;
  /** Of a thread, its channel; of a channel, its category. */
  readonly parentId?: ChannelId;
  readonly topic?: string;
  /**
   * What was said last, as of the guild's GUILD_CREATE; it may be deleted since. Absent where that
   * is not known: a text of version 1 did not have it.
   */
  readonly lastMessageId?: MessageId | "none";
}

export interface Guild {
  readonly id: GuildId;
  readonly name: string;
  /** Channels and the threads that are not archived. */
  readonly channels: ReadonlyMap<ChannelId, Channel>;
  /** Names of roles. */
  readonly roles: ReadonlyMap<RoleId, string>;
  /** The role that Discord made for this bot: mentioning it mentions the bot. */
  readonly ownRole?: RoleId;
  /** Bytes that one file may weigh; absent where nobody has told its level of boosts yet. */
  readonly uploadLimitBytes?: number;
  /** A READY has listed it, or it has an outage, and its GUILD_CREATE is still to come. */
  readonly isAwaited?: true;
}

export type GuildIndex = ReadonlyMap<GuildId, Guild>;

const MIB = 1024 * 1024;

/** Bytes of one file, in direct messages and in guilds without boosts. */
export const DEFAULT_UPLOAD_LIMIT_BYTES = 10 * MIB;

/**
 * What one file may weigh, by a guild's level of boosts where it is told.
 *
 * @see {@link https://docs.discord.com/developers/reference#uploading-files}
 */
export function uploadLimitOfTier(premiumTier?: number): Pick<Guild, "uploadLimitBytes"> {
  if (premiumTier === undefined) return {};
  if (premiumTier >= 3) return { uploadLimitBytes: 100 * MIB };
  return { uploadLimitBytes: premiumTier === 2 ? 50 * MIB : DEFAULT_UPLOAD_LIMIT_BYTES };
}

/** Bytes that one file may weigh in a guild, or without one in direct messages (R12). */
export function uploadLimitOf(index: GuildIndex, guildId?: GuildId): number {
  const guild = guildId && index.get(guildId);
  return (guild && guild.uploadLimitBytes) ?? DEFAULT_UPLOAD_LIMIT_BYTES;
}

/**
 * Which shard hears of a guild.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#sharding}
 */
export function shardOf(guildId: GuildId, shardCount: number): number {
  return Number((BigInt(guildId) >> 22n) % BigInt(shardCount));
}

/** Bytes that an object with an id and an entry of a map take; measured under Bun. */
const ENTRY_BYTES = 200;

/**
 * Estimates the memory of the index. It has no bound of its own: Discord bounds channels and roles
 * of a guild, and guilds of a shard; names and topics are cut when they are read.
 */
export function bytesOfIndex(index: GuildIndex): number {
  let bytes = 0;
  for (const { name, roles, channels } of index.values()) {
    bytes += ENTRY_BYTES + name.length + roles.size * ENTRY_BYTES + channels.size * ENTRY_BYTES;
    for (const role of roles.values()) bytes += role.length;
    for (const { name, topic = "" } of channels.values()) bytes += name.length + topic.length;
  }
  return bytes;
}

/** Version of the text below. */
const VERSION = 2;

const text = z.string();
const channelText = [text, z.number(), text, text.nullable(), text.nullable()] as const;
const guildText = {
  name: text,
  own: text.optional(),
  roles: z.array(z.tuple([text, text])),
};

/** What a guild is in the store: short keys, since there is a line for each channel. */
const snapshotText = z.object({
  v: z.literal(VERSION),
  ...guildText,
  awaited: z.literal(true).optional(),
  /** Bytes of an upload; a text from before it was kept has none. */
  upload: z.number().optional(),
  /** At the end, what was said last: `""` for nothing, `null` where that is not known. */
  channels: z.array(z.tuple([...channelText, text.nullable()])),
});

/** As the first release wrote it. */
const snapshotText1 = z.object({
  v: z.literal(1),
  ...guildText,
  channels: z.array(z.tuple(channelText)),
}).transform(({ channels, ...guild }): Omit<SnapshotText, "v"> => ({
  ...guild,
  channels: channels.map((channel) => [...channel, null]),
}));

type SnapshotText = z.infer<typeof snapshotText>;

const anySnapshot = z.union([snapshotText, snapshotText1]);

/** The guild as text for the store. */
export function snapshotOf(guild: Guild): GuildSnapshot {
  const text: SnapshotText = {
    v: VERSION,
    name: guild.name,
    ...(guild.ownRole !== undefined && { own: guild.ownRole }),
    ...(guild.isAwaited && { awaited: true }),
    ...(guild.uploadLimitBytes !== undefined && { upload: guild.uploadLimitBytes }),
    roles: Array.from(guild.roles),
    channels: Array.from(
      guild.channels.values(),
      ({ id, type, name, parentId, topic, ...rest }) => {
        const { lastMessageId: last } = rest;
        const lastMessage = last === "none" ? "" : last ?? null;
        return [id, type, name, parentId ?? null, topic ?? null, lastMessage];
      },
    ),
  };
  return { guildId: guild.id, text: JSON.stringify(text) };
}

export interface Restored {
  readonly index: GuildIndex;
  /** Guilds that the bot is in and whose text could not be read. */
  readonly dropped: readonly GuildId[];
}

/**
 * Reads what {@link snapshotOf} wrote, now or in the first release.
 *
 * A text of another version is dropped: the guild is then unknown, and its
 * names are ids, until its next GUILD_CREATE. Only a new session is sure to
 * bring one.
 */
export function restore(snapshots: readonly GuildSnapshot[]): Restored {
  const index = new Map<GuildId, Guild>();
  const dropped: GuildId[] = [];
  for (const { guildId, text } of snapshots) {
    if (text === undefined) continue;
    const guild = readSnapshot(guildId, text);
    if (guild) index.set(guildId, guild);
    else dropped.push(guildId);
  }
  return { index, dropped };
}

function readSnapshot(guildId: GuildId, text: string): Guild | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined; // as good as one of another version
  }
  const parsed = anySnapshot.safeParse(json);
  if (!parsed.success) return undefined;
  const { name, own, roles, channels } = parsed.data;
  const { awaited, upload }: Partial<SnapshotText> = parsed.data;
  const ownRole = own === undefined ? undefined : parseSnowflake<"role">(own);
  return {
    id: guildId,
    name,
    roles: new Map(roles.flatMap(([digits, roleName]): [RoleId, string][] => {
      const id = parseSnowflake<"role">(digits);
      return id ? [[id, roleName]] : [];
    })),
    channels: new Map(channels.flatMap((row) => {
      const channel = toChannel(row);
      return channel ? [[channel.id, channel] as const] : [];
    })),
    ...(ownRole && { ownRole }),
    ...(awaited && { isAwaited: awaited }),
    ...(upload !== undefined && { uploadLimitBytes: upload }),
  };
}

function toChannel(
  [digits, type, name, parent, topic, last]: SnapshotText["channels"][number],
): Channel | undefined {
  const id = parseSnowflake<"channel">(digits);
  const parentId = parseSnowflake<"channel">(parent ?? "");
  const lastMessageId = last === "" ? "none" : parseSnowflake<"message">(last ?? "");
  return id && {
    id,
    type,
    name,
    ...(parentId && { parentId }),
    ...(topic !== null && { topic }),
    ...(lastMessageId && { lastMessageId }),
  };
}
