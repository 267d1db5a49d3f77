/** A guild in Discord's JSON, for REST and for GUILD_CREATE. */

import type { GuildId, UserId } from "../../src/core/discord/ids.ts";
import { may } from "../world/access.ts";
import { INTENT } from "../world/intents.ts";
import { PERMISSION } from "../world/permissions.ts";
import { type Payload, toChannel, toMember, toRole } from "./payloads.ts";
import type {
  Channel,
  Expression,
  Guild,
  GuildChannel,
  VoiceState,
  Webhook,
  World,
} from "../world/world.ts";

/** The answer to `GET /guilds/{id}`. */
export function toGuild(guild: Guild): Payload {
  return {
    id: guild.id,
    name: guild.name,
    owner_id: guild.ownerId,
    icon: null,
    description: null,
    home_header: null,
    splash: null,
    discovery_splash: null,
    features: [],
    banner: null,
    application_id: null,
    region: "deprecated",
    afk_channel_id: null,
    afk_timeout: 300,
    system_channel_id: null,
    system_channel_flags: 0,
    widget_enabled: false,
    widget_channel_id: null,
    verification_level: 0,
    roles: Array.from(guild.roles.values(), (role, place) => toRole(role, place)),
    default_message_notifications: 0,
    mfa_level: 0,
    explicit_content_filter: 0,
    max_presences: null,
    max_members: 500_000,
    max_stage_video_channel_users: 50,
    max_video_channel_users: 25,
    vanity_url_code: null,
    premium_tier: guild.premiumTier,
    premium_subscription_count: 0,
    preferred_locale: "en-US",
    rules_channel_id: null,
    safety_alerts_channel_id: null,
    public_updates_channel_id: null,
    premium_progress_bar_enabled: false,
    nsfw: false,
    nsfw_level: 0,
    emojis: [...guild.things.emojis.values()].map(toGuildEmoji),
    stickers: [...guild.things.stickers.values()].map((one) => toSticker(guild, one)),
    incidents_data: null,
  };
}

export function toGuildEmoji({ id, name }: Expression): Payload {
  return {
    id,
    name,
    roles: [],
    require_colons: true,
    managed: false,
    animated: false,
    available: true,
  };
}

export function toSticker(guild: Guild, { id, name }: Expression): Payload {
  return {
    id,
    name,
    tags: "wave",
    type: 2,
    format_type: 1,
    description: null,
    available: true,
    guild_id: guild.id,
  };
}

/** A webhook, without its token. */
export function toWebhook(world: World, { id, name, applicationId, channelId }: Webhook): Payload {
  const channel = channelId && world.channels.get(channelId);
  return {
    id,
    type: 1,
    name,
    avatar: null,
    channel_id: channelId ?? null,
    guild_id: isOfGuild(channel) ? channel.guildId : null,
    application_id: applicationId ?? null,
  };
}

/** Discord's flag of a channel that its reader may not view. */
const OBFUSCATED = 1 << 17;

/** Whether a reader sees a channel; a category also if it sees one of its channels. */
export function isSeen(world: World, channel: GuildChannel, reader: UserId): boolean {
  return may(world, channel, reader, "view") || (channel.kind === "category" &&
    [...world.channels.values()].some((one) =>
      "parentId" in one && one.parentId === channel.id && may(world, one, reader, "view")
    ));
}

/** A channel in the gateway's events. One that the reader may not view shows no name and no rights. */
export function toEventChannel(world: World, channel: GuildChannel, reader: UserId): Payload {
  if (isSeen(world, channel, reader)) return toChannel(world, channel, reader);
  const { id, type, guild_id, parent_id, position } = toChannel(world, channel, reader);
  return {
    ...{ id, type, guild_id, parent_id, position },
    name: "___hidden___",
    flags: OBFUSCATED,
    topic: null,
    nsfw: false,
    last_message_id: null,
    last_pin_timestamp: null,
    rate_limit_per_user: 0,
    permission_overwrites: [{
      id: channel.guildId,
      type: 0,
      allow: "0",
      deny: String(PERMISSION.viewChannel),
    }],
  };
}

/**
 * The guild in GUILD_CREATE: threads that the bot may not see are missing; it is the only member,
 * and voice states need their intent.
 */
export function toCreatedGuild(
  world: World,
  guild: Guild,
  { userId: reader, intents }: { readonly userId: UserId; readonly intents: number },
): Payload {
  const own = guild.members.get(reader);
  const channels = channelsOf(world, guild);
  return {
    ...toGuild(guild),
    joined_at: new Date(own?.joinedAt ?? 0).toISOString(),
    large: false,
    unavailable: false,
    member_count: guild.members.size,
    members: own ? [toMember(world, own)] : [],
    channels: channels.filter(({ kind }) => kind !== "thread")
      .map((channel) => toEventChannel(world, channel, reader)),
    threads: channels.filter((one) => one.kind === "thread" && !one.isArchived)
      .filter((thread) => may(world, thread, reader, "view"))
      .map((thread) => toChannel(world, thread, reader)),
    voice_states: intents & INTENT.guildVoiceStates
      ? [...guild.things.voice.values()].map((state) => toVoiceState(guild.id, state))
      : [],
    presences: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  };
}

/** @param isGone Whether the member has left. */
export function toVoiceState(guildId: GuildId, state: VoiceState, isGone = false): Payload {
  return {
    guild_id: guildId,
    channel_id: isGone ? null : state.channelId,
    user_id: state.userId,
    session_id: state.sessionId,
    deaf: state.deaf,
    mute: state.mute,
    self_deaf: state.selfDeaf,
    self_mute: state.selfMute,
    self_video: false,
    suppress: state.suppress,
    request_to_speak_timestamp: state.requestedAt === undefined
      ? null
      : new Date(state.requestedAt).toISOString(),
  };
}

/** The channels and threads of a guild, in order of creation. */
export function channelsOf(world: World, guild: Guild): readonly GuildChannel[] {
  return Array.from(guild.channelIds, (id) => world.channels.get(id)).filter(isOfGuild);
}

function isOfGuild(channel: Channel | undefined): channel is GuildChannel {
  return channel !== undefined && "guildId" in channel;
}
