/**
 * Decodes Discord's messages.
 *
 * A message that names no guild is a direct message. Barnacle never looks that up, because a
 * look-up can fail (P2). Messages read over REST never name their guild, so {@link decodeHistory}
 * takes it as an argument.
 */

import { ChannelTypes, MessageTypes } from "@discordeno/types";
import { z } from "zod";
import {
  type AccountId,
  type ChannelId,
  createdAtMs,
  type GuildId,
  type MessageId,
  type RoleId,
  type UserId,
} from "../../../core/discord/ids.ts";
import { optional, snowflakeSchema, textOr } from "../../../core/discord/lenient.ts";
import type {
  InboundMessage,
  Mention,
  MessageEdited,
  OwnMessage,
  Place,
  PostedMessage,
  Quoted,
  Self,
  Sender,
} from "../../../core/inbound/inbound.ts";
import { MENTION, type MentionNames, toOverheard } from "../../../core/inbound/mentions.ts";
import { hasContent } from "../../../core/inbound/inbox.ts";
import { type FooterOf, withoutFooter, withoutPersonal } from "../../../core/outbound/outbound.ts";
import { isThread } from "../../../core/rights/permissions.ts";
import type { RawMessage, ShownMessage, ShownPlace } from "../../../core/turn/discord_place.ts";
import { bounded, withoutSpoilers } from "../../../lib/text/quoted.ts";
import type { CommandPayload } from "./decode_interaction.ts";
import { allAttachmentsOf, describeExtras, fullText, MAX_TEXT, POLL_RESULT } from "./describe.ts";
import type { Guild, GuildIndex } from "./guild_index.ts";
import { doAllSee } from "./guild_index.ts";
import {
  contentFields,
  type DecodeProblem,
  isPlainMessage,
  type MessagePayload,
  messagePayload,
  problemOf,
  type ReferencedPayload,
} from "./payloads.ts";
import { forwardRuleOf, placeIn } from "./places.ts";
import { displayNameOf, namedRoles, type People, senderOf, tagOf } from "./senders.ts";

type NameFacts = {
  readonly index: GuildIndex;
  readonly self?: Self | undefined;
  /** The people who wrote since the start. */
  readonly people?: People | undefined;
};

/** Returns the names of 40 ids at most, because each costs time; `undefined` if there are none. */
export function namesIn(
  texts: readonly string[],
  { mentions, mention_channels: told = [] }: Partial<MessagePayload>,
  place: Place,
  { self, index, people }: NameFacts,
): MentionNames | undefined {
  const here = place.kind === "guild" ? place : undefined;
  const guild = here && index.get(here.guild.id);

  function nameOf(sign: string, id: string): string | undefined {
    if (id === self?.userId || id === guild?.ownRole) return "";
    if (sign === "@&") return guild?.roles.get(id as RoleId);
    if (sign === "@") {
      const user = mentions?.find((one) => one.id === id);
      const known = guild && people?.memberOf(id as UserId, guild);
      return user?.username
        ? displayNameOf(user, user.member?.nick) ?? user.username
        : known?.shown;
    }
    const own = [here?.channel, here?.thread, ...told].find((one) => one?.id === id);
    const other = guild?.channels.get(id as ChannelId);
    if (own || !here || !other || isThread(other) || !guild?.kept || !self) return own?.name;
    const facts = { guildId: guild.id, ownerId: self.userId };
    return doAllSee(guild.kept, facts, here.channel.id, other.id) ? other.name : undefined;
  }

  const found = Array.from(
    [...new Set(texts.join("\n").match(MENTION))].slice(0, 40).join("").matchAll(MENTION),
    ([, sign = "", id = ""]) => [`${sign}${id}`, nameOf(sign, id)] as const,
  );
  const names = found.filter((one): one is readonly [string, string] => one[1] !== undefined);
  return names.length > 0 ? Object.fromEntries(names) : undefined;
}

/** The same for the options of a command, and for the message that it is about. */
export function namesInCommand(data: CommandPayload, place: Place, facts: NameFacts) {
  const { messages = {}, users = {} } = data.resolved ?? {};
  const targets = Object.values(messages).flatMap((one) => one.mentions);
  const mentions = [...Object.values(users), ...targets];
  return namesIn([JSON.stringify(data)], { mentions }, place, facts);
}

export interface DecodeFacts {
  readonly accountId: AccountId;
  /** The bot's own identity; `undefined` before the first READY. */
  readonly self: Self | undefined;
  readonly index: GuildIndex;
  /** The people who wrote; absent: each message has a sender of its own. */
  readonly people?: People;
}

export interface DecodeContext extends DecodeFacts {
  readonly self: Self;
}

const WRITTEN: readonly number[] = [MessageTypes.Default, MessageTypes.Reply];
const ANSWERS: readonly number[] = [MessageTypes.ChatInputCommand, MessageTypes.ContextMenuCommand];
/** Message types that people and bots write, and results of their polls; all others are Discord's own. */
const SHOWN: ReadonlySet<number> = new Set([...WRITTEN, ...ANSWERS, POLL_RESULT]);

/**
 * Decodes the message of a MESSAGE_CREATE.
 *
 * @returns `undefined` for Discord's own announcements, such as a new member or a pinned message.
 */
export function decodeMessage(
  d: unknown,
  context: DecodeContext,
): PostedMessage | DecodeProblem | undefined {
  return decode(d, context, undefined);
}

/**
 * Decodes a message of a channel's history.
 *
 * @param guildId The channel's guild; `undefined` for direct messages.
 * @param isGroup Whether the channel is a group, which a history does not tell.
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

/**
 * Decodes the edit or preview of a MESSAGE_UPDATE, or the late answer of another bot to a command.
 *
 * @returns `undefined` for other changes, such as a pin, and if the bot has edited its own message.
 */
export function decodeEdit(
  d: unknown,
  context: DecodeContext,
): MessageEdited | InboundMessage | DecodeProblem | undefined {
  if (typeof d !== "object" || d === null) {
    return { kind: "problem", why: "the message does not fit" };
  }
  // Servers other than Discord may send a part of a message only; a part has no author.
  if (!("author" in d)) return undefined;
  const event = decode(d, context, undefined);
  const isEdit = "edited_timestamp" in d && d.edited_timestamp !== null;
  if (event?.kind === "problem" && isEdit) return event;
  if (event?.kind !== "message") return undefined;
  if (!isEdit && "type" in d && ANSWERS.includes(Number(d.type))) return event;
  const isHidden = "flags" in d && (Number(d.flags) & 1 << 2) !== 0; // without previews now
  return event.revision > 0 || isHidden || event.extras.some(({ kind }) => kind === "embed")
    ? { kind: "message_edited", message: event }
    : undefined;
}

function decode(
  d: unknown,
  context: DecodeContext,
  knownGuildId: GuildId | undefined,
): PostedMessage | DecodeProblem | undefined {
  if (isPlainMessage(d)) return toEvent(d, context, knownGuildId);
  const parsed = messagePayload.safeParse(d);
  if (parsed.success) return toEvent(parsed.data, context, knownGuildId);
  return problemOf(parsed.error, "the message");
}

function toEvent(
  message: MessagePayload,
  context: DecodeContext,
  knownGuildId: GuildId | undefined,
): PostedMessage | undefined {
  if (!SHOWN.has(message.type)) return undefined;
  if (message.author.id === context.self.userId) {
    return WRITTEN.includes(message.type) ? toOwn(message, context, knownGuildId) : undefined;
  }
  const inbound = toInbound(message, message.guild_id ?? knownGuildId, context);
  return ANSWERS.includes(message.type) && !hasContent(inbound) ? undefined : inbound; // it thinks
}

/**
 * Whether the bot posted the message as an answer to an interaction. Such messages are posted with
 * the interaction's token and have no nonce. So a missing nonce does not show that another program
 * posted them (G11).
 */
function isAnswerToInteraction({ interaction_metadata, webhook_id }: MessagePayload): boolean {
  return (interaction_metadata !== null && interaction_metadata !== undefined) || !!webhook_id;
}

function toOwn(
  message: MessagePayload,
  { accountId, index }: DecodeContext,
  knownGuildId: GuildId | undefined,
): OwnMessage {
  const { id, channel_id, nonce, guild_id: guildId = knownGuildId } = message;
  const place = guildId && placeIn(guildId, channel_id, index.get(guildId));
  return {
    kind: "own_message",
    accountId,
    id,
    channelId: channel_id,
    parentId: place && place.thread ? place.channel.id : undefined,
    toInteraction: isAnswerToInteraction(message) || undefined,
    nonce: nonce !== null && nonce !== undefined ? String(nonce) : undefined,
  };
}

function toInbound(
  message: MessagePayload,
  guildId: GuildId | undefined,
  { accountId, self, index, people }: DecodeContext,
): InboundMessage {
  const guild = guildId && index.get(guildId);
  const mention = mentionOf(message, self, guild);
  const place = guildId ? placeIn(guildId, message.channel_id, guild) : directPlace(message);
  const forwards = forwardRuleOf(message, place, index);
  const quoted = quotedOf(message, place, index);
  const displayName = displayNameOf(message.author, message.member?.nick);
  const attachments = allAttachmentsOf(message, forwards);
  // Assigned, not spread: spreading costs more, and this runs for each message of a flood.
  const inbound: { -readonly [Name in keyof InboundMessage]: InboundMessage[Name] } = {
    kind: "message",
    accountId,
    id: message.id,
    revision: revisionOf(message),
    channelId: message.channel_id,
    place,
    sender: senderIn(message, guild, people, displayName),
    text: bounded(message.content, MAX_TEXT),
    sentAt: createdAtMs(message.id),
    mentionsOthers: message.mentions.some(({ id }) => id !== self.userId) ||
      message.mention_roles.some((id) => id !== guild?.ownRole),
    extras: describeExtras(message, forwards),
  };
  if (guildId) inbound.guildId = guildId;
  if (displayName !== undefined) inbound.displayName = displayName;
  if (mention) inbound.mention = mention;
  if (quoted) inbound.quoted = quoted;
  const forwarded = forwardedBy(message);
  if (forwarded) inbound.forwards = forwarded;
  if (message.type === POLL_RESULT) inbound.isAnnouncement = true;
  if (attachments.length > 0) inbound.attachments = attachments;
  if (quoted || inbound.extras.length > 0 || inbound.text.includes("<")) {
    const { referenced_message: original, message_snapshots = [] } = message;
    const all = [message, original, ...message_snapshots.map((one) => one.message)];
    const mentions = all.flatMap((one) => one?.mentions ?? []);
    const texts = [inbound, ...inbound.extras, ...quoted ? [quoted] : []].map(({ text }) => text);
    const names = namesIn(texts, { ...message, mentions }, place, { self, index, people });
    if (names) inbound.names = names;
  }
  return inbound;
}

/** When it was last edited; 1 if Discord's time of that cannot be read. */
function revisionOf({ edited_timestamp }: MessagePayload): number {
  return edited_timestamp ? Math.max(1, Date.parse(edited_timestamp) || 0) : 0;
}

/** Adds the sender's roles, which a channel's history does not contain. */
export function withRoles(
  message: InboundMessage,
  roles: readonly RoleId[],
  index: GuildIndex,
): InboundMessage {
  const guild = message.guildId && index.get(message.guildId);
  return { ...message, sender: { ...message.sender, roles: namedRoles(roles, guild) } };
}

function senderIn(
  message: MessagePayload,
  guild: Guild | undefined,
  people?: People,
  displayName?: string,
): Sender {
  const { author, member, webhook_id, application_id } = message;
  const automaton = automatonOf(message);
  const roles = member?.roles;
  if (!automaton && people) return people.personOf(author, roles, guild, displayName);
  const applicationId = webhook_id ? application_id : undefined;
  return senderOf(author, { roles, automaton, applicationId }, guild);
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
 * Discord lists the author of the replied-to message among the mentions. So the text decides
 * whether a mention was written or comes from a reply. A bot that only replies does not mention
 * this bot: otherwise two bots would answer each other forever.
 */
function mentionOf(message: MessagePayload, self: Self, guild?: Guild): Mention | undefined {
  const { content, mentions, mention_roles, author, webhook_id } = message;
  const isWritten = content.includes("<@") &&
    (content.includes(`<@${self.userId}>`) || content.includes(`<@!${self.userId}>`));
  const isListed = mentions.some(({ id }) => id === self.userId);
  if (isWritten && isListed) return "user";
  if (guild?.ownRole && mention_roles.includes(guild.ownRole)) return "role";

  const { type, referenced_message: original } = message;
  const isReply = type === MessageTypes.Reply &&
    (original ? original.author.id === self.userId : isListed); // the author of a lost original
  if (isReply) return author.bot || webhook_id ? undefined : "reply";
  return isListed ? "user" : undefined;
}

/** The quoted message of a reply. A forwarded message is an extra, not a quote. */
function quotedOf(
  message: MessagePayload,
  place: Place,
  index: DecodeContext["index"],
): Quoted | undefined {
  const { type, channel_id, message_reference, referenced_message } = message;
  const id = message_reference?.message_id;
  if (type !== MessageTypes.Reply || !id) return undefined;
  return referenced_message
    ? readQuoted(id, { ...referenced_message, channel_id }, place, index)
    : { id, text: "" };
}

/** Reads a message that another one, or a command, is about. */
export function readQuoted(
  id: MessageId,
  message: ReferencedPayload & { readonly channel_id: ChannelId },
  place: Place,
  index: GuildIndex,
): Quoted {
  const { author } = message;
  const forwards = forwardRuleOf(message, place, index);
  const attachments = allAttachmentsOf(message, forwards);
  return {
    id,
    author: { id: author.id, tag: tagOf(author) },
    text: fullText(message, forwards),
    attachments: attachments.length > 0 ? attachments : undefined,
    forwards: forwardedBy(message),
  };
}

/** The message that one forwards; `undefined` if it forwards none. */
function forwardedBy(
  { message_reference, message_snapshots = [] }: ReferencedPayload,
): MessageId | undefined {
  return message_snapshots.length > 0 ? message_reference?.message_id : undefined;
}

/** The fields of a message that need no decoding. */
const ownSchema = z.lazy(() =>
  z.object({
    ...contentFields(),
    id: snowflakeSchema<"message">(),
    type: z.number().nullish().transform((type) => type ?? 0),
    author: optional(z.object({ id: snowflakeSchema<"user">() })),
    timestamp: textOr(""),
    message_reference: optional(z.object({ message_id: optional(snowflakeSchema<"message">()) })),
  })
);

/** Shows a message to the model; `undefined` if it has no part that the model may see. */
export async function showMessage(
  raw: RawMessage,
  { guildId, isGroup, isElsewhere }: ShownPlace,
  { accountId, reader: { self, index }, maySee, footerOf }: {
    readonly accountId: AccountId;
    /** The account's own user and its guilds, as the gateway told them. */
    readonly reader: { readonly self?: Self | undefined; readonly index: GuildIndex };
    /** Whether the current policy lets the model see a message. */
    readonly maySee: (message: InboundMessage) => boolean;
    /** Finds the footer of a message of the bot, which the model never sees. */
    readonly footerOf: FooterOf;
  },
): Promise<ShownMessage | undefined> {
  const plain = ownSchema.safeParse(raw).data;
  if (!self || !plain) return undefined;
  const { id, type, author, timestamp, message_reference } = plain;
  const times = { id, timestamp, timestampMs: createdAtMs(id) };
  const shownText = (text: string) => isElsewhere ? withoutSpoilers(text) : text;
  const event = decodeHistory(raw, guildId, { accountId, self, index }, isGroup);
  const isOwnPollResult = type === POLL_RESULT && author?.id === self.userId;
  const isOwn = event?.kind === "own_message" && !event.toInteraction;
  if (isOwn || isOwnPollResult) {
    const replyTo = message_reference?.message_id;
    return {
      ...times,
      from: "you",
      fromId: self.userId,
      text: shownText(await withoutFooter(withoutPersonal(fullText(plain)), id, footerOf)),
      replyTo: replyTo || undefined,
    };
  }
  if (event?.kind !== "message" || !maySee(event)) return undefined;
  const { tag, authorId, text, replyTo, forwards } = toOverheard(event);
  return {
    ...times,
    from: tag,
    fromId: authorId,
    text: shownText(text),
    replyTo: replyTo || undefined,
    forwards,
  };
}
