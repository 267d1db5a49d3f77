/**
 * Discord's message into ours.
 *
 * A message without a guild is a direct one, by what it says itself; that is
 * never looked up, for a look-up can fail (P2). Messages read over REST name no
 * guild even where they have one: {@link decodeHistory} must be told.
 *
 * @module
 */

import { ChannelTypes, MessageTypes } from "@discordeno/types";
import {
  type AccountId,
  createdAtMs,
  type GuildId,
  type RoleId,
} from "../../../core/discord/ids.ts";
import type {
  InboundMessage,
  Mention,
  OwnMessage,
  Place,
  PostedMessage,
  Quoted,
  Self,
} from "../../../core/inbound/inbound.ts";
import { bounded } from "../../../lib/bounded.ts";
import { describeExtras, fullText } from "./describe.ts";
import type { Guild, GuildIndex } from "./guild_index.ts";
import { type MessagePayload, messagePayload } from "./payloads.ts";
import { placeIn } from "./places.ts";
import { isPlainMessage } from "./plain_message.ts";
import { namedRoles, senderOf, tagOf } from "./senders.ts";

/** What a message is read with. */
export interface DecodeContext {
  readonly accountId: AccountId;
  readonly self: Self;
  readonly index: GuildIndex;
}

/** A payload that does not fit; the reason names fields, never their contents. */
export interface DecodeProblem {
  readonly kind: "problem";
  readonly why: string;
}

/** Characters; Discord lets some accounts write 4000. */
const MAX_TEXT = 4_000;
const MAX_QUOTE = 2_000;

/** What people write; all other types are Discord's own announcements. */
const WRITTEN: ReadonlySet<number> = new Set([MessageTypes.Default, MessageTypes.Reply]);

/**
 * Reads the message of a MESSAGE_CREATE.
 *
 * @returns `undefined` for what nobody wrote: somebody joined, something was pinned.
 */
export function decodeMessage(
  d: unknown,
  context: DecodeContext,
): PostedMessage | DecodeProblem | undefined {
  return decode(d, context, undefined);
}

/**
 * Reads a message from a channel's history.
 *
 * @param guildId Of the channel; `undefined` of a direct one.
 * @param isGroup Whether that is a group's, which a history does not tell.
 */
export function decodeHistory(
  d: unknown,
  guildId: GuildId | undefined,
  context: DecodeContext,
  isGroup = false,
): PostedMessage | DecodeProblem | undefined {
  const event = decode(d, context, guildId);
  const isDirect = event?.kind === "message" && event.place.kind === "dm";
  return isDirect && isGroup ? { ...event, place: { kind: "group_dm" } } : event;
}

function decode(
  d: unknown,
  context: DecodeContext,
  knownGuildId: GuildId | undefined,
): PostedMessage | DecodeProblem | undefined {
  if (isPlainMessage(d)) return toEvent(d, context, knownGuildId);
  const parsed = messagePayload.safeParse(d);
  if (parsed.success) return toEvent(parsed.data, context, knownGuildId);
  const where = parsed.error.issues[0]?.path.join(".") ?? "";
  return { kind: "problem", why: `${where || "the message"} does not fit` };
}

function toEvent(
  message: MessagePayload,
  context: DecodeContext,
  knownGuildId: GuildId | undefined,
): PostedMessage | undefined {
  if (!WRITTEN.has(message.type)) return undefined;
  if (message.author.id === context.self.userId) {
    return isAnswerToInteraction(message) ? undefined : toOwn(message, context.accountId);
  }
  return toInbound(message, message.guild_id ?? knownGuildId, context);
}

/**
 * What the bot said on a slash command or a button was posted by that interaction's token, without
 * a nonce, so its lack of one says nothing of who posted it (G11).
 */
function isAnswerToInteraction({ interaction_metadata, webhook_id }: MessagePayload): boolean {
  return (interaction_metadata !== null && interaction_metadata !== undefined) || !!webhook_id;
}

function toOwn({ id, channel_id, nonce }: MessagePayload, accountId: AccountId): OwnMessage {
  return {
    kind: "own_message",
    accountId,
    id,
    channelId: channel_id,
    ...(nonce !== null && nonce !== undefined && { nonce: String(nonce) }),
  };
}

function toInbound(
  message: MessagePayload,
  guildId: GuildId | undefined,
  { accountId, self, index }: DecodeContext,
): InboundMessage {
  const guild = guildId && index.get(guildId);
  const mention = mentionOf(message, self, guild);
  const quoted = quotedOf(message);
  return {
    kind: "message",
    accountId,
    id: message.id,
    revision: message.edited_timestamp ? 1 : 0,
    channelId: message.channel_id,
    ...(guildId && { guildId }),
    place: guildId ? placeIn(guildId, message.channel_id, guild) : directPlace(message),
    sender: senderOf(message.author, {
      roles: message.member?.roles,
      automaton: automatonOf(message),
      applicationId: message.webhook_id ? message.application_id : undefined,
    }, guild),
    text: bounded(message.content, MAX_TEXT),
    sentAt: createdAtMs(message.id),
    ...(mention && { mention }),
    mentionsOthers: message.mentions.some(({ id }) => id !== self.userId) ||
      message.mention_roles.some((id) => id !== guild?.ownRole),
    ...(quoted && { quoted }),
    extras: describeExtras(message),
  };
}

/** The same message with its sender's roles, which Discord leaves out of a channel's history. */
export function withRoles(
  message: InboundMessage,
  roles: readonly RoleId[],
  index: GuildIndex,
): InboundMessage {
  const guild = message.guildId && index.get(message.guildId);
  return { ...message, sender: { ...message.sender, roles: namedRoles(roles, guild) } };
}

function directPlace({ channel_type }: MessagePayload): Place {
  return channel_type === ChannelTypes.GroupDm ? { kind: "group_dm" } : { kind: "dm" };
}

function automatonOf({ author, webhook_id }: MessagePayload): "bot" | "webhook" | undefined {
  if (webhook_id) return "webhook";
  return author.bot || author.system ? "bot" : undefined;
}

/**
 * How the message addresses the bot (M2).
 *
 * Discord lists the author of the message replied to among those mentioned. So
 * a mention by a reply is told from a written one by the text, and a bot that
 * only replies has mentioned nobody: two bots would answer each other for ever.
 */
function mentionOf(message: MessagePayload, self: Self, guild?: Guild): Mention | undefined {
  const { content, mentions, mention_roles, author, webhook_id } = message;
  const isWritten = content.includes("<@") &&
    (content.includes(`<@${self.userId}>`) || content.includes(`<@!${self.userId}>`));
  const isListed = mentions.some(({ id }) => id === self.userId);
  if (isWritten && isListed) return "user";
  if (guild?.ownRole && mention_roles.includes(guild.ownRole)) return "role";

  const isReply = message.type === MessageTypes.Reply &&
    message.referenced_message?.author.id === self.userId;
  if (isReply) return author.bot || webhook_id ? undefined : "reply";
  return isListed ? "user" : undefined;
}

/** Of a reply; what is forwarded is an extra, not a quote. */
function quotedOf(message: MessagePayload): Quoted | undefined {
  const { type, message_reference, referenced_message } = message;
  const id = message_reference?.message_id;
  if (type !== MessageTypes.Reply || !id) return undefined;
  if (!referenced_message) return { id, text: "" };
  const { author } = referenced_message;
  return {
    id,
    author: { id: author.id, tag: tagOf(author) },
    text: bounded(fullText(referenced_message), MAX_QUOTE),
  };
}
