/**
 * Selects the events of a connection, and turns them into dispatches.
 *
 * A connection gets an event if its intents include it and its bot may see
 * the channel. Without the message content intent, the content is removed. That excludes direct
 * messages, the bot's own messages and those that mention it.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway-events}
 */

import type { ChannelId, GuildId, UserId } from "../../src/core/discord/ids.ts";
import { may } from "../world/access.ts";
import {
  channelsOf,
  isSeen,
  toCreatedGuild,
  toEventChannel,
  toGuild,
  toVoiceState,
} from "../payloads/guild.ts";
import { INTENT } from "../world/intents.ts";
import { toInteraction } from "../payloads/interaction.ts";
import {
  channelTypeOf,
  guildIdOf,
  nonceFor,
  type Payload,
  toChannel,
  toEmoji,
  toMember,
  toMessage,
  toPartialMember,
  toRole,
} from "../payloads/payloads.ts";
import { isPrivate, type Message, type World, type WorldEvent } from "../world/world.ts";

export interface Viewer {
  readonly userId: UserId;
  readonly intents: number;
}

/** A dispatch (op 0) before it has a sequence number. */
export interface Dispatch {
  readonly t: string;
  readonly d: Payload;
}

/** The dispatch of `event` for `viewer`; `undefined` if it gets none. */
export function toDispatch(world: World, event: WorldEvent, viewer: Viewer): Dispatch | undefined {
  switch (event.kind) {
    case "message_created":
    case "message_updated":
      return messageDispatch(world, event.message, viewer, event.kind);
    case "message_deleted": {
      const { id, channelId } = event.message;
      if (!hearsChannel(world, channelId, viewer, "guildMessages", "directMessages")) return;
      return {
        t: "MESSAGE_DELETE",
        d: { id, channel_id: channelId, ...guildIdOf(world, channelId) },
      };
    }
    case "reaction_added":
    case "reaction_removed":
      return reactionDispatch(world, event, viewer);
    case "typing_started": {
      const { channelId, userId, at } = event;
      if (!hearsChannel(world, channelId, viewer, "guildMessageTyping", "directMessageTyping")) {
        return;
      }
      const place = placeOf(world, channelId, userId, "full");
      const timestamp = Math.floor(at / 1000);
      return {
        t: "TYPING_START",
        d: { channel_id: channelId, user_id: userId, timestamp, ...place },
      };
    }
    case "guild_joined":
    case "guild_left":
      return membershipDispatch(world, event, viewer);
    case "channel_created":
    case "channel_updated":
    case "channel_deleted": {
      const { channel } = event;
      if (!(viewer.intents & INTENT.guilds)) return;
      const isThread = channel.kind === "thread";
      if (isThread && !may(world, channel, viewer.userId, "view")) return;
      const verb = event.kind.slice("channel_".length, -1).toUpperCase();
      const d = toEventChannel(world, channel, viewer.userId);
      return { t: `${isThread ? "THREAD" : "CHANNEL"}_${verb}`, d };
    }
    case "thread_member_added":
    case "thread_member_removed":
      return threadMembersDispatch(world, event, viewer);
    case "member_updated": {
      const { guildId, member } = event;
      const isOwn = member.userId === viewer.userId; // about itself, so without the intent
      if (!isOwn && !(viewer.intents & INTENT.guildMembers)) return;
      if (!isMemberHere(world, guildId, viewer)) return;
      return { t: "GUILD_MEMBER_UPDATE", d: { guild_id: guildId, ...toMember(world, member) } };
    }
    case "guild_updated": {
      const guild = world.guilds.get(event.guildId);
      if (!guild || !(viewer.intents & INTENT.guilds)) return;
      if (!isMemberHere(world, event.guildId, viewer)) return;
      return { t: "GUILD_UPDATE", d: toGuild(guild) };
    }
    case "interaction_created": { // no intent includes it, and no one else gets it
      const { interaction } = event;
      const botId = world.applications.get(interaction.applicationId)?.userId;
      if (botId !== viewer.userId) return;
      return { t: "INTERACTION_CREATE", d: toInteraction(world, interaction, viewer.userId) };
    }
    case "voice_changed": {
      const { guildId, state, isGone } = event;
      if (!(viewer.intents & INTENT.guildVoiceStates)) return;
      if (!isMemberHere(world, guildId, viewer)) return;
      const member = world.guilds.get(guildId)?.members.get(state.userId);
      const d = toVoiceState(guildId, state, isGone);
      return {
        t: "VOICE_STATE_UPDATE",
        d: { ...d, ...(member && { member: toMember(world, member) }) },
      };
    }
    case "voice_server_changed": { // no intent includes it
      const { guildId, userId, token, endpoint } = event;
      if (userId !== viewer.userId) return;
      return { t: "VOICE_SERVER_UPDATE", d: { token, guild_id: guildId, endpoint } };
    }
    case "role_updated": {
      const { guildId, role } = event;
      if (!(viewer.intents & INTENT.guilds) || !isMemberHere(world, guildId, viewer)) return;
      return { t: "GUILD_ROLE_UPDATE", d: { guild_id: guildId, role: toRole(role) } };
    }
  }
}

/** The changes of the channels that a viewer sees, or sees no longer, after a change of its roles. */
export function toSightChanges(
  world: World,
  event: WorldEvent,
  viewer: Viewer,
  hidden: ReadonlySet<unknown>,
): readonly Dispatch[] {
  const isOfRoles = event.kind === "role_updated" ||
    (event.kind === "member_updated" && event.member.userId === viewer.userId);
  const guild = isOfRoles ? world.guilds.get(event.guildId) : undefined;
  if (!guild || !isMemberHere(world, guild.id, viewer)) return [];
  return channelsOf(world, guild)
    .filter((one) =>
      one.kind !== "thread" && isSeen(world, one, viewer.userId) === hidden.has(one.id)
    )
    .flatMap((channel) => toDispatch(world, { kind: "channel_updated", channel }, viewer) ?? []);
}

/** The active threads of a channel, which Discord sends when a viewer gains access to it. */
export function toThreadListSync(
  world: World,
  channelId: unknown,
  viewer: Viewer,
): Dispatch | undefined {
  const channel = [...world.channels.values()].find(({ id }) => id === channelId);
  const guild = channel && !isPrivate(channel) && world.guilds.get(channel.guildId);
  if (!guild || !may(world, channel, viewer.userId, "view")) return undefined;
  const threads = channelsOf(world, guild)
    .filter((one) => one.kind === "thread" && one.parentId === channelId && !one.isArchived)
    .map((thread) => toChannel(world, thread, viewer.userId));
  const d = { guild_id: guild.id, channel_ids: [channelId], threads, members: [] };
  return { t: "THREAD_LIST_SYNC", d };
}

function messageDispatch(
  world: World,
  message: Message,
  viewer: Viewer,
  kind: "message_created" | "message_updated",
): Dispatch | undefined {
  const { channelId } = message;
  if (!hearsChannel(world, channelId, viewer, "guildMessages", "directMessages")) return;
  const channel = world.channels.get(channelId);
  if (!channel) return;
  const guild = isPrivate(channel) ? undefined : world.guilds.get(channel.guildId);
  const readsAll = (viewer.intents & INTENT.messageContent) !== 0 || guild === undefined;
  const payload = toMessage(world, message, viewer.userId);
  const quoted = payload["referenced_message"];
  return {
    t: kind === "message_created" ? "MESSAGE_CREATE" : "MESSAGE_UPDATE",
    d: {
      ...payload,
      ...(kind === "message_created" && nonceFor(message, viewer.userId)),
      ...(!readsAll && !concerns(message, viewer.userId) && WITHOUT_CONTENT),
      ...(!readsAll && isPayload(quoted) && {
        referenced_message: { ...quoted, ...(!isBy(quoted, viewer.userId) && WITHOUT_CONTENT) },
      }),
      ...(message.author.kind === "user" &&
        placeOf(world, channelId, message.author.userId, "partial")),
      ...guildIdOf(world, channelId),
      channel_type: channelTypeOf(channel),
      ...(guild && {
        mentions: message.pings.users.map((id) => withMember(world, guild.id, id, payload)),
      }),
    },
  };
}

const WITHOUT_CONTENT: Payload = { content: "", embeds: [], attachments: [], components: [] };

function concerns({ author, pings }: Message, userId: UserId): boolean {
  return (author.kind === "user" && author.userId === userId) || pings.users.includes(userId);
}

function isBy(message: Payload, userId: UserId): boolean {
  return isPayload(message["author"]) && message["author"]["id"] === userId;
}

function withMember(world: World, guildId: GuildId, id: UserId, message: Payload): Payload {
  const mentions = Array.isArray(message["mentions"]) ? message["mentions"].filter(isPayload) : [];
  const user = mentions.find((mention) => mention["id"] === id) ?? { id };
  const member = world.guilds.get(guildId)?.members.get(id);
  return { ...user, ...(member && { member: toPartialMember(member) }) };
}

function reactionDispatch(
  world: World,
  event: Extract<WorldEvent, { kind: "reaction_added" | "reaction_removed" }>,
  viewer: Viewer,
): Dispatch | undefined {
  const { message, userId, emoji } = event;
  const { channelId } = message;
  if (!hearsChannel(world, channelId, viewer, "guildMessageReactions", "directMessageReactions")) {
    return;
  }
  const isAdded = event.kind === "reaction_added";
  return {
    t: isAdded ? "MESSAGE_REACTION_ADD" : "MESSAGE_REACTION_REMOVE",
    d: {
      user_id: userId,
      channel_id: channelId,
      message_id: message.id,
      emoji: toEmoji(emoji),
      burst: false,
      type: 0,
      ...guildIdOf(world, channelId),
      ...(isAdded && placeOf(world, channelId, userId, "full")),
      ...(isAdded && message.author.kind === "user" && {
        message_author_id: message.author.userId,
      }),
    },
  };
}

function membershipDispatch(
  world: World,
  { kind, guildId, userId }: Extract<WorldEvent, { kind: "guild_joined" | "guild_left" }>,
  viewer: Viewer,
): Dispatch | undefined {
  const guild = world.guilds.get(guildId);
  const isOwn = userId === viewer.userId;
  const intent = isOwn ? INTENT.guilds : INTENT.guildMembers;
  if (!(viewer.intents & intent)) return;
  if (isOwn) {
    if (kind === "guild_left") return { t: "GUILD_DELETE", d: { id: guildId } };
    return guild && { t: "GUILD_CREATE", d: toCreatedGuild(world, guild, viewer) };
  }
  if (!guild?.members.has(viewer.userId)) return;
  const user = world.users.get(userId);
  const member = guild.members.get(userId);
  if (kind === "guild_left") {
    return {
      t: "GUILD_MEMBER_REMOVE",
      d: { guild_id: guildId, user: user ? { id: user.id } : {} },
    };
  }
  return member &&
    { t: "GUILD_MEMBER_ADD", d: { guild_id: guildId, ...toMember(world, member) } };
}

/** Without the intent for members, a bot learns only of itself. */
function threadMembersDispatch(
  world: World,
  { kind, thread, userId }: Extract<
    WorldEvent,
    { kind: "thread_member_added" | "thread_member_removed" }
  >,
  viewer: Viewer,
): Dispatch | undefined {
  const intent = userId === viewer.userId ? INTENT.guilds : INTENT.guildMembers;
  if (!(viewer.intents & intent)) return;
  if (!may(world, thread, viewer.userId, "view")) return;
  return {
    t: "THREAD_MEMBERS_UPDATE",
    d: {
      id: thread.id,
      guild_id: thread.guildId,
      member_count: thread.members.size,
      ...(kind === "thread_member_added"
        ? { added_members: [{ id: thread.id, user_id: userId, flags: 1 }] }
        : { removed_member_ids: [userId] }),
    },
  };
}

function isMemberHere(world: World, guildId: GuildId, viewer: Viewer): boolean {
  return (world.guilds.get(guildId)?.members.has(viewer.userId) ?? false);
}

function hearsChannel(
  world: World,
  channelId: ChannelId,
  viewer: Viewer,
  inGuilds: keyof typeof INTENT,
  inPrivate: keyof typeof INTENT,
): boolean {
  const channel = world.channels.get(channelId);
  if (!channel) return false;
  const intent = INTENT[isPrivate(channel) ? inPrivate : inGuilds];
  return (viewer.intents & intent) !== 0 && may(world, channel, viewer.userId, "view");
}

/** The member of `userId` in the channel's guild; none outside of guilds. */
function placeOf(
  world: World,
  channelId: ChannelId,
  userId: UserId,
  form: "full" | "partial",
): Payload {
  const channel = world.channels.get(channelId);
  const guild = channel && !isPrivate(channel) ? world.guilds.get(channel.guildId) : undefined;
  const member = guild?.members.get(userId);
  if (!guild || !member) return {};
  return {
    guild_id: guild.id,
    member: form === "full" ? toMember(world, member) : toPartialMember(member),
  };
}

function isPayload(value: unknown): value is Payload {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
