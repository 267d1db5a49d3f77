/**
 * What is known of guilds: the names that policy and rendering need, and no more.
 *
 * It is folded from dispatches and kept in the store as one text per guild, for
 * after a restart with RESUME no GUILD_CREATE comes again. An outage of a guild
 * is not its end: only a GUILD_DELETE without `unavailable`, or a READY that
 * does not list it, means that the bot has left.
 *
 * @module
 */

import { z } from "zod";
import { type ChannelId, type GuildId, parseSnowflake, type RoleId } from "../../core/ids.ts";
import type { GuildSnapshot } from "../../core/inbound.ts";

export interface Channel {
  readonly id: ChannelId;
  readonly type: number;
  readonly name: string;
  /** Of a thread, its channel; of a channel, its category. */
  readonly parentId?: ChannelId;
  readonly topic?: string;
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
}

export type GuildIndex = ReadonlyMap<GuildId, Guild>;

/** Version of the text below; another one is read as nothing. */
const VERSION = 1;

/** What a guild is in the store: short keys, since there is a line for each channel. */
const snapshotText = z.object({
  v: z.literal(VERSION),
  name: z.string(),
  own: z.string().optional(),
  roles: z.array(z.tuple([z.string(), z.string()])),
  channels: z.array(
    z.tuple([z.string(), z.number(), z.string(), z.string().nullable(), z.string().nullable()]),
  ),
});

/** The guild as text for the store. */
export function snapshotOf(guild: Guild): GuildSnapshot {
  const text: z.input<typeof snapshotText> = {
    v: VERSION,
    name: guild.name,
    ...(guild.ownRole !== undefined && { own: guild.ownRole }),
    roles: Array.from(guild.roles),
    channels: Array.from(
      guild.channels.values(),
      ({ id, type, name, parentId, topic }) => [id, type, name, parentId ?? null, topic ?? null],
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
 * Reads what {@link snapshotOf} wrote.
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
  const parsed = snapshotText.safeParse(json);
  if (!parsed.success) return undefined;
  const { name, own, roles, channels } = parsed.data;
  const ownRole = own === undefined ? undefined : parseSnowflake<"role">(own);
  return {
    id: guildId,
    name,
    roles: new Map(roles.flatMap(([digits, roleName]): [RoleId, string][] => {
      const id = parseSnowflake<"role">(digits);
      return id ? [[id, roleName]] : [];
    })),
    channels: new Map(channels.flatMap(([digits, type, channelName, parent, topic]) => {
      const id = parseSnowflake<"channel">(digits);
      const parentId = parent === null ? undefined : parseSnowflake<"channel">(parent);
      const channel = id && {
        id,
        type,
        name: channelName,
        ...(parentId && { parentId }),
        ...(topic !== null && { topic }),
      };
      return channel ? [[channel.id, channel] as const] : [];
    })),
    ...(ownRole && { ownRole }),
  };
}
