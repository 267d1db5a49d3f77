/**
 * The world in Discord's JSON.
 *
 * It has every field that Discord's own document calls required, with the default value of a new
 * account. A test checks the answers against that document.
 *
 * @see {@link https://docs.discord.com/developers/reference}
 */

import { createdAtMs, type UserId } from "../../src/core/discord/ids.ts";
import { toSnowflake } from "../world/snowflake.ts";
import type {
  Attachment,
  Author,
  Channel,
  GuildChannel,
  Member,
  Message,
  Poll,
  Role,
  User,
  World,
} from "../world/world.ts";

/** A JSON object for a client. */
export type Payload = Readonly<Record<string, unknown>>;

/** Discord's numbers for the kinds of channels. */
const CHANNEL_TYPE = {
  text: 0,
  dm: 1,
  voice: 2,
  group_dm: 3,
  category: 4,
  thread: 11,
  stage: 13,
  forum: 15,
} as const;

const MESSAGE_TYPE_REPLY = 19;

const toTimestamp = (at: number): string => new Date(at).toISOString();

export function toUser({ id, username, discriminator, globalName, isBot }: User): Payload {
  return {
    id,
    username,
    global_name: globalName ?? null,
    discriminator: discriminator ?? (isBot ? "1234" : "0"),
    avatar: null,
    banner: null,
    accent_color: null,
    avatar_decoration_data: null,
    collectibles: null,
    primary_guild: null,
    public_flags: 0,
    flags: 0,
    ...(isBot && { bot: true }),
  };
}

/** The bot's own user. */
export function toOwnUser(user: User): Payload {
  return {
    ...toUser(user),
    mfa_enabled: false,
    locale: "en-US",
    premium_type: 0,
    email: null,
    verified: true,
  };
}

export function toRole({ id, name, permissions, isMentionable, botId }: Role, place = 1): Payload {
  return {
    id,
    name,
    permissions: String(permissions),
    position: place,
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    managed: botId !== undefined,
    mentionable: isMentionable,
    icon: null,
    unicode_emoji: null,
    flags: 0,
    ...(botId && { tags: { bot_id: botId } }),
  };
}

/** A member without the user, for events that name the user elsewhere. */
export function toPartialMember({ roles, nick, joinedAt, timedOutUntil }: Member): Payload {
  return {
    roles,
    nick: nick ?? null,
    avatar: null,
    banner: null,
    avatar_decoration_data: null,
    collectibles: null,
    communication_disabled_until: timedOutUntil === undefined ? null : toTimestamp(timedOutUntil),
    joined_at: toTimestamp(joinedAt),
    premium_since: null,
    pending: false,
    flags: 0,
    mute: false,
    deaf: false,
  };
}

export function toMember(world: World, member: Member): Payload {
  return { ...toPartialMember(member), user: userPayload(world, member.userId) };
}

/** A channel for one of its readers: a DM's recipients are the others. */
export function toChannel(world: World, channel: Channel, reader: UserId): Payload {
  const base = {
    id: channel.id,
    type: CHANNEL_TYPE[channel.kind],
    flags: 0,
    last_message_id: channel.lastMessageId ?? null,
  };
  switch (channel.kind) {
    case "dm":
    case "group_dm":
      return {
        ...base,
        recipients: channel.recipients.filter((id) => id !== reader)
          .map((id) => userPayload(world, id)),
        ...(channel.kind === "group_dm" && {
          name: channel.name ?? null,
          icon: null,
          owner_id: channel.recipients[0],
        }),
      };
    case "text":
    case "voice":
    case "stage":
    case "category":
    case "forum":
      return {
        ...base,
        ...guildChannelFields(channel),
        parent_id: channel.parentId ?? null,
        topic: channel.topic ?? null,
        position: channel.position ?? 0,
        nsfw: channel.isAgeRestricted ?? false,
        rate_limit_per_user: channel.slowmodeSec ?? 0,
        ...((channel.kind === "voice" || channel.kind === "stage") && {
          user_limit: channel.userLimit ?? 0,
          bitrate: 64_000,
          rtc_region: channel.region ?? null,
        }),
        ...(channel.kind === "forum" && {
          available_tags: (channel.tags ?? []).map((tag) => ({
            ...tag,
            emoji_id: null,
            emoji_name: null,
          })),
        }),
        permission_overwrites: channel.overwrites.map(({ id, kind, allow, deny }) => ({
          id,
          type: kind === "role" ? 0 : 1,
          allow: String(allow),
          deny: String(deny),
        })),
      };
    case "thread":
      return {
        ...base,
        ...guildChannelFields(channel),
        parent_id: channel.parentId,
        owner_id: channel.ownerId,
        thread_metadata: {
          archived: channel.isArchived,
          auto_archive_duration: channel.archiveAfterMin,
          archive_timestamp: toTimestamp(createdAtMs(channel.id)),
          locked: channel.isLocked,
          create_timestamp: toTimestamp(createdAtMs(channel.id)),
        },
        message_count: channel.messages.size,
        total_message_sent: channel.messages.size,
        member_count: channel.members.size,
        ...(channel.tagIds && { applied_tags: channel.tagIds }),
      };
  }
}

function guildChannelFields({ guildId, name }: GuildChannel): Payload {
  return { guild_id: guildId, name, rate_limit_per_user: 0, last_pin_timestamp: null };
}

/** The number that Discord has for this channel's kind. */
export function channelTypeOf(channel: Channel): number {
  return CHANNEL_TYPE[channel.kind];
}

/** The nonce of a message: only its author gets it, and only on creation. */
export function nonceFor({ nonce, author }: Message, reader: UserId): Payload {
  const isOwn = author.kind === "user" && author.userId === reader;
  return nonce !== undefined && isOwn ? { nonce } : {};
}

/**
 * A message as a client reads it later, without its nonce.
 *
 * @param reader Account whose reactions are marked `me`.
 */
export function toMessage(world: World, message: Message, reader: UserId): Payload {
  const { reference } = message;
  return {
    ...messageFields(world, message),
    ...(message.reactions.size > 0 && { reactions: toReactions(message, reader) }),
    ...(reference && {
      message_reference: {
        type: reference.kind === "reply" ? 0 : 1,
        channel_id: reference.channelId,
        message_id: reference.messageId,
        ...guildIdOf(world, reference.channelId),
      },
    }),
    ...(reference?.kind === "reply" && { referenced_message: referencedMessage(world, message) }),
  };
}

function messageFields(world: World, message: Message): Payload {
  const isReply = message.reference?.kind === "reply";
  return {
    id: message.id,
    channel_id: message.channelId,
    type: isReply ? MESSAGE_TYPE_REPLY : 0,
    author: toAuthor(world, message.author),
    content: message.content,
    timestamp: toTimestamp(createdAtMs(message.id)),
    edited_timestamp: message.editedAt === undefined ? null : toTimestamp(message.editedAt),
    tts: message.isTts,
    mention_everyone: message.pings.everyone,
    mentions: message.pings.users.map((id) => userPayload(world, id)),
    mention_roles: message.pings.roles,
    attachments: message.attachments.map((file) => toAttachment(world, message, file)),
    embeds: message.embeds,
    components: message.components,
    pinned: message.pinnedAt !== undefined,
    flags: message.flags,
    ...(message.poll && { poll: toPoll(message, message.poll) }),
    ...(message.stickerIds && {
      sticker_items: message.stickerIds.map((id) => ({ id, name: "sticker", format_type: 1 })),
    }),
    ...message.more,
    ...(message.author.kind === "webhook" && {
      webhook_id: message.author.webhook.id,
      ...(message.author.webhook.applicationId && {
        application_id: message.author.webhook.applicationId,
      }),
    }),
  };
}

function toPoll({ id }: Message, poll: Poll): Payload {
  return {
    question: { text: poll.question },
    answers: poll.answers.map((text, index) => ({ answer_id: index + 1, poll_media: { text } })),
    expiry: toTimestamp(createdAtMs(id) + poll.hours * 3_600_000),
    allow_multiselect: poll.allowsSeveral,
    layout_type: 1,
    results: {
      is_finalized: poll.isOver,
      answer_counts: Array.from(poll.votes, ([id, count]) => ({ id, count, me_voted: false })),
    },
  };
}

/** The quoted message, one level deep; `null` if it was deleted. */
function referencedMessage(world: World, { reference }: Message): Payload | null {
  const quoted = reference &&
    world.channels.get(reference.channelId)?.messages.get(reference.messageId);
  return quoted ? messageFields(world, quoted) : null;
}

function toReactions(message: Message, reader: UserId): readonly Payload[] {
  return Array.from(message.reactions, ([emoji, users]) => ({
    emoji: toEmoji(emoji),
    count: users.size,
    count_details: { burst: 0, normal: users.size },
    burst_colors: [],
    me_burst: false,
    me: users.has(reader),
  }));
}

/** `"name:id"` is a custom emoji, anything else one of Unicode. */
export function toEmoji(emoji: string): Payload {
  const [name, id] = emoji.split(":");
  return { id: id ?? null, name };
}

/** @param message The message of the file, or what stands for it. */
function toAttachment(
  world: World,
  message: { readonly channelId: string },
  file: Attachment,
): Payload {
  const name = encodeURIComponent(file.filename);
  const url = `${world.mediaUrl}/attachments/${message.channelId}/${file.id}/${name}`;
  return {
    id: file.id,
    filename: file.filename,
    ...(file.title && { title: file.title }),
    size: file.sizeBytes,
    url,
    proxy_url: url,
    ...(file.contentType && { content_type: file.contentType }),
    ...(file.description && { description: file.description }),
    ...(file.isSpoiler && { flags: 1 << 3 }),
    ...(file.width && file.height && { width: file.width, height: file.height }),
    ...(file.voice && { duration_secs: file.voice.durationSecs, waveform: file.voice.waveform }),
  };
}

function toAuthor(world: World, author: Author): Payload {
  if (author.kind === "user") return userPayload(world, author.userId);
  const { webhook, name = webhook.name, avatar = null } = author;
  const id = toSnowflake<"user">(webhook.id);
  return {
    ...toUser({ id, username: name, discriminator: "0000", isBot: true, acceptsDms: false }),
    avatar,
  };
}

export function userPayload(world: World, id: UserId): Payload {
  const user = world.users.get(id);
  return toUser(user ?? { id, username: "deleted_user", isBot: false, acceptsDms: false });
}

/** `guild_id`, if the channel has one. */
export function guildIdOf(world: World, channelId: Message["channelId"]): Payload {
  const channel = world.channels.get(channelId);
  return channel && "guildId" in channel ? { guild_id: channel.guildId } : {};
}
