/** Changes who is in which voice channel, by Discord's rules; each function returns the events. */

import { type ChannelId, parseSnowflake, type UserId } from "../../src/core/discord/ids.ts";
import { channelPermissions, PERMISSION } from "./permissions.ts";
import type { Guild, TextChannel, VoiceState, World, WorldEvent } from "./world.ts";

/** A wish to be in a voice channel, or in none. */
export interface VoiceWish {
  readonly guild_id: string;
  readonly channel_id: string | null;
  readonly self_mute: boolean;
  readonly self_deaf: boolean;
}

/** The voice or stage channel with this id. */
export function voiceChannel(world: World, id: string | null): TextChannel | undefined {
  const channelId = id === null ? undefined : parseSnowflake<"channel">(id);
  const channel = channelId && world.channels.get(channelId);
  return channel && (channel.kind === "voice" || channel.kind === "stage") ? channel : undefined;
}

/** Follows op 4. Discord answers a forbidden one with no event at all. */
export function follow(
  world: World,
  userId: UserId,
  sessionId: string,
  wish: VoiceWish,
): readonly WorldEvent[] {
  const guildId = parseSnowflake<"guild">(wish.guild_id);
  const guild = guildId && world.guilds.get(guildId);
  if (!guild?.members.has(userId)) return [];
  if (wish.channel_id === null) return leave(guild, userId);
  const channel = voiceChannel(world, wish.channel_id);
  if (channel?.guildId !== guild.id || !mayEnter(world, guild, channel, userId)) return [];
  const self = { selfMute: wish.self_mute, selfDeaf: wish.self_deaf };
  return enter(world, guild, channel, { userId, sessionId, ...self });
}

/** Puts a member into a channel. Moderators do so without the member's right to connect. */
export function enter(
  world: World,
  guild: Guild,
  channel: TextChannel,
  { userId, sessionId, selfMute, selfDeaf }: Pick<
    VoiceState,
    "userId" | "sessionId" | "selfMute" | "selfDeaf"
  >,
): readonly WorldEvent[] {
  const before = guild.things.voice.get(userId);
  const stays = before?.channelId === channel.id && before.sessionId === sessionId;
  const maySpeak = (channelPermissions(world, channel, userId) & PERMISSION.speak) !== 0n;
  return set(guild, {
    mute: before?.mute ?? false,
    deaf: before?.deaf ?? false,
    suppress: channel.kind === "stage" || !maySpeak,
    ...(stays && before),
    ...{ userId, sessionId, selfMute, selfDeaf },
    channelId: channel.id,
  });
}

export function leave(guild: Guild, userId: UserId): readonly WorldEvent[] {
  const state = guild.things.voice.get(userId);
  if (!state) return [];
  guild.things.voice.delete(userId);
  return [{ kind: "voice_changed", guildId: guild.id, state, isGone: true }];
}

/** Changes a state by a moderator or, on a stage, by its member. */
export function change(
  guild: Guild,
  userId: UserId,
  changed: Partial<
    Pick<VoiceState, "mute" | "deaf" | "suppress" | "requestedAt" | "selfMute" | "selfDeaf">
  >,
): readonly WorldEvent[] {
  const state = guild.things.voice.get(userId);
  return state ? set(guild, { ...state, ...changed }) : [];
}

/** The members that an event puts out of their voice channels. */
export function consequences(world: World, event: WorldEvent): readonly WorldEvent[] {
  if (event.kind === "guild_left") {
    const guild = world.guilds.get(event.guildId);
    return guild ? leave(guild, event.userId) : [];
  }
  if (event.kind !== "channel_deleted") return [];
  const guild = world.guilds.get(event.channel.guildId);
  if (!guild) return [];
  return [...guild.things.voice.values()]
    .filter(({ channelId }) => channelId === event.channel.id)
    .flatMap(({ userId }) => leave(guild, userId));
}

/** Whether the SFU forwards a member's sound. */
export function isAudible({ mute, selfMute, suppress }: VoiceState): boolean {
  return !mute && !selfMute && !suppress;
}

/** The members in a channel, in the order of their joins. */
function statesIn(guild: Guild, channelId: ChannelId): readonly VoiceState[] {
  return [...guild.things.voice.values()].filter((state) => state.channelId === channelId);
}

function set(guild: Guild, state: VoiceState): readonly WorldEvent[] {
  guild.things.voice.set(state.userId, state);
  return [{ kind: "voice_changed", guildId: guild.id, state, isGone: false }];
}

function mayEnter(world: World, guild: Guild, channel: TextChannel, userId: UserId): boolean {
  const bits = channelPermissions(world, channel, userId);
  if (!(bits & PERMISSION.connect)) return false;
  if (guild.things.voice.get(userId)?.channelId === channel.id) return true;
  const { userLimit = 0 } = channel;
  const isFull = userLimit > 0 && statesIn(guild, channel.id).length >= userLimit;
  return !isFull || (bits & PERMISSION.moveMembers) !== 0n;
}
