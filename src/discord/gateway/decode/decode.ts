/**
 * Decodes Discord's messages with their senders, places and other parts, reactions (H5), deletions,
 * changes of a thread's members, and events of a server that may start a turn (W7).
 *
 * A message needs an author, a place and a time. All its other fields may have any shape: Discord
 * invents new kinds faster than operators update bots (G16).
 *
 * A message that names no guild is a direct message. Barnacle never looks that up, because a
 * look-up can fail (P2). Messages read over REST never name their guild, so {@link decodeHistory}
 * takes it as an argument.
 *
 * A role's name counts only if no other role of its guild has it (P14). Otherwise a rule for
 * "Moderators" would apply to anyone who creates a second role of that name.
 *
 * Discord's REST answers have the same forms as events of a server, so events of a time away are
 * decoded here, too. The audit log alone tells which role is new: GUILD_MEMBER_UPDATE lacks the old
 * ones. Of the person who removed a reaction, Discord tells the id alone.
 *
 * @see {@link https://docs.discord.com/developers/resources/message#message-object}
 */

import { ChannelTypes, MessageComponentTypes, MessageTypes } from "@discordeno/types";
import { createHash } from "node:crypto";
import { z } from "zod";
import {
  type AccountId,
  type ChannelId,
  createdAtMs,
  type GuildId,
  type MessageId,
  parseSnowflake,
  readSnowflake,
  type RoleId,
  type UserId,
} from "../../../core/discord/ids.ts";
import {
  listOf,
  listOrEmpty,
  optional,
  snowflakeSchema as snowflake,
  textOr,
} from "../../../core/discord/lenient.ts";
import {
  holds,
  type HookCondition,
  memberOf,
  type ServerEvent,
  type ServerEventName,
} from "../../../core/hooks/hook.ts";
import {
  type GuildNames,
  type GuildPlace,
  type InboundMessage,
  MENTION,
  type Mention,
  type MentionNames,
  type MessageEdited,
  type MessageExtra,
  type MessagesDeleted,
  type Named,
  type OwnMessage,
  type Place,
  type PostedMessage,
  type Quoted,
  type Reaction,
  type ReactionsCleared,
  type Role,
  type Self,
  type Sender,
  type ThreadMembersChanged,
  toOverheard,
  withExtras,
} from "../../../core/inbound/inbound.ts";
import { hasContent } from "../../../core/inbound/inbox.ts";
import {
  type FooterOf,
  HIDDEN_WORDS,
  isPersonal,
  withoutFooter,
  withoutPersonal,
} from "../../../core/outbound/outbound.ts";
import { isForum, isThread } from "../../../core/rights/rights.ts";
import type { RawMessage, ShownMessage, ShownPlace } from "../../../core/turn/discord_place.ts";
import { type Attachment, MAX_ATTACHMENTS } from "../../../core/turn/media.ts";
import { oncePer } from "../../../lib/cache.ts";
import { bounded, HIDDEN, isRecord, withoutSpoilers } from "../../../lib/text/quoted.ts";
import { sizeOf } from "../../../lib/text/units.ts";
import type { CommandPayload } from "./decode_interaction.ts";
import {
  type DecodeProblem,
  type Dispatch,
  doAllSee,
  type Guild,
  type GuildIndex,
  problemOf,
  roleIds,
  userPayload,
} from "./guild_index.ts";

export interface DecodeFacts {
  readonly accountId: AccountId;
  /** The bot's own identity; `undefined` before the first READY. */
  readonly self: Self | undefined;
  readonly index: GuildIndex;
  /** The people who wrote; absent: none is remembered. */
  readonly people?: People;
}

export interface DecodeContext extends DecodeFacts {
  readonly self: Self;
}

/** Discord's type of the message that announces the result of a poll. */
const POLL_RESULT = 46;

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
  const { author, member, webhook_id, application_id } = message;
  const automaton = automatonOf(message);
  const applicationId = webhook_id ? application_id : undefined;
  const sender = senderOf(author, { roles: member?.roles, automaton, applicationId }, guild);
  if (guild && people && !automaton) {
    remember(people, guild, sender.id, displayName ?? sender.username);
  }
  const inbound: { -readonly [Name in keyof InboundMessage]: InboundMessage[Name] } = {
    kind: "message",
    accountId,
    id: message.id,
    revision: revisionOf(message),
    channelId: message.channel_id,
    place,
    sender,
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

const ownSchema = z.lazy(() =>
  z.object({
    ...contentFields(),
    id: snowflake<"message">(),
    type: z.number().nullish().transform((type) => type ?? 0),
    author: optional(z.object({ id: snowflake<"user">() })),
    timestamp: textOr(""),
    message_reference: optional(z.object({ message_id: optional(snowflake<"message">()) })),
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

/** Paths of the messages and people whose words an event has. */
const SOURCES =
  "id message_id message_reference.message_id target_id user.id author.id owner_id user_id creator_id"
    .split(" ");

export type User = (typeof userPayload)["_output"];

const MAX_NAME = 100;
const MAX_DISCRIMINATOR = 4;

/** Builds the sender from a user; `guild` gives the names of the roles. */
export function senderOf(
  user: User,
  { roles = [], automaton, applicationId }: {
    /** Roles in the guild; absent if unknown, or outside guilds. */
    readonly roles?: readonly RoleId[];
    /** Set if the sender is no person. */
    readonly automaton?: Sender["automaton"];
    /** The application that made the webhook. */
    readonly applicationId?: Sender["applicationId"];
  },
  guild?: Guild,
): Sender {
  const username = bounded(user.username, MAX_NAME);
  const tag = tagOf(user);
  return {
    id: user.id,
    username,
    tag: tag !== username ? tag : undefined,
    roles: namedRoles(roles, guild),
    automaton,
    applicationId: applicationId || undefined,
  };
}

/** The names of people who wrote lately, by the ids of guild and person. */
export type People = Map<string, string>;

const PEOPLE_MAX = 500;

function remember(people: People, guild: Guild, id: UserId, shown: string): void {
  const key = `${guild.id} ${id}`;
  people.delete(key);
  people.set(key, shown);
  const [oldest] = people.keys();
  if (people.size > PEOPLE_MAX && oldest !== undefined) people.delete(oldest);
}

/** Returns `"ada#1234"` for accounts that still have a discriminator, else `"ada"`. */
function tagOf({ username, discriminator }: User): string {
  const name = bounded(username, MAX_NAME);
  return !discriminator || /^0*$/.test(discriminator)
    ? name
    : `${name}#${bounded(discriminator, MAX_DISCRIMINATOR)}`;
}

/**
 * The name that people see: the nickname in the guild, or the display name.
 *
 * @returns `undefined` if it is the username.
 */
export function displayNameOf(
  { username = "", global_name }: Partial<User>,
  nick?: string | null,
): string | undefined {
  const name = bounded(nick || global_name || username, MAX_NAME);
  return name === username ? undefined : name;
}

/** Adds names to roles; a name that two roles share is left out. */
export function namedRoles(ids: readonly RoleId[], guild?: Guild): readonly Role[] {
  const names = guild && uniqueNamesOf(guild.roles);
  return ids.map((id) => {
    const name = names?.get(id);
    return { id, name };
  });
}

/** Every change of a guild's roles makes a new map. */
const uniqueNamesOf = oncePer((roles: Guild["roles"]): Guild["roles"] => {
  const counts = new Map<string, number>();
  for (const name of roles.values()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Map([...roles].filter(([, name]) => counts.get(name) === 1));
});

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

/** Names a place of a guild. If the index does not have it, its name is its id. */
export function placeIn(guildId: GuildId, channelId: ChannelId, guild?: Guild): GuildPlace {
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

function isNameless({ id, name }: Named<string>): boolean {
  return name === id;
}

/**
 * `whole`: it is from the same channel. `without-spoilers`: it is from another one. `nothing`: that
 * one is age-restricted, and the message's place is not.
 */
type ForwardRule = "whole" | "without-spoilers" | "nothing";

/**
 * Decides how much of a forwarded message a model sees (H9). A forward brings the words of another
 * place. Discord shows it to all readers of the channel, and hides spoilers until a person clicks.
 *
 * Barnacle knows the age limits of its own guilds only, and no archived threads. So an unknown place
 * of a guild with age-restricted channels may be in one.
 */
function forwardRuleOf(
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

/** @param planned Guilds to leave out, because they were listed before. */
export function placesOf(index: GuildIndex, planned: ReadonlySet<GuildId>): {
  /** Channels of guilds whose GUILD_CREATE has arrived. */
  readonly channels: readonly KnownChannel[];
  /** Guilds whose GUILD_CREATE is due. */
  readonly awaited: readonly GuildId[];
} {
  const guilds = [...index.values()];
  return {
    channels: guilds.filter(({ id, isAwaited }) => !isAwaited && !planned.has(id))
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
      place: placeIn(guild.id, id, guild),
      lastMessageId: lastMessageId || undefined,
    }));
}

/** Returns the names that the config may use for a guild's channels and roles. */
export function namesOfGuild({ id, name, channels, roles }: Guild): GuildNames {
  return {
    id,
    name,
    channels: Array.from(channels.values())
      .filter(({ type }) => type !== ChannelTypes.GuildCategory && !isThread({ type }))
      .map(({ id, name }) => ({ id, name })),
    roles: Array.from(roles, ([id, name]) => ({ id, name })),
  };
}

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
      return user?.username
        ? displayNameOf(user, user.member?.nick) ?? user.username
        : guild && people?.get(`${guild.id} ${id}`);
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

/** Discord's component types, with those that discordeno does not name yet. */
const Type = {
  ...MessageComponentTypes,
  TextDisplay: 10,
  Thumbnail: 11,
  MediaGallery: 12,
  File: 13,
  Label: 18,
} as const;

/** Maximum nesting. Discord's deepest is a button in a row in a container. */
const MAX_DEPTH = 6;

const text = z.string().optional().catch(undefined);
const children = z.array(z.unknown()).optional().catch(undefined);

const component = () =>
  z.object({
    type: z.number(),
    content: text,
    /** Label of a button, or of a form field. */
    label: text,
    url: text,
    placeholder: text,
    options: z.array(z.object({ label: z.string() })).optional().catch(undefined),
    description: text,
    name: text,
    spoiler: z.boolean().optional().catch(undefined),
    media: z.unknown().optional(),
    file: z.unknown().optional(),
    items: children,
    components: children,
    accessory: z.unknown().optional(),
    component: z.unknown().optional(),
  });
const componentSchema = z.lazy(component);
type ComponentPayload = z.infer<typeof componentSchema>;

/** A gallery's picture has the fields of a component, but no type. */
const gallerySchema = z.lazy(() => component().omit({ type: true }));

/**
 * Describes each text, picture, file, button and menu in a line of its own, in order.
 *
 * @param hidesSpoilers Whether parts behind a spoiler are left out.
 */
export function describeComponents(components: readonly unknown[], hidesSpoilers = false): string {
  return components.flatMap((component) => linesOf(component, 0, hidesSpoilers)).join("\n");
}

function linesOf(value: unknown, depth: number, hidesSpoilers: boolean): readonly string[] {
  const component = componentAt(value, depth);
  if (!component) return [];
  if (hidesSpoilers && component.spoiler) return [HIDDEN];
  const within = childrenOf(component).flatMap((child) => linesOf(child, depth + 1, hidesSpoilers));
  return [...ownLines(component, hidesSpoilers), ...within];
}

function componentAt(value: unknown, depth: number): ComponentPayload | undefined {
  if (depth >= MAX_DEPTH || value === undefined) return undefined;
  return componentSchema.safeParse(value).data;
}

const childrenOf = ({ components = [], component, accessory }: ComponentPayload) => [
  ...components,
  component,
  accessory,
];

interface ComponentMedia {
  readonly media: unknown;
  /** Whether it, or a component around it, is behind a spoiler. */
  readonly isSpoiler: boolean;
}

function mediaIn(
  values: readonly unknown[],
  isSpoiler = false,
  depth = 0,
): readonly ComponentMedia[] {
  return values.flatMap((value) => {
    const component = componentAt(value, depth);
    if (!component) return [];
    const isHidden = isSpoiler || component.spoiler === true;
    const items = (component.items ?? []).flatMap((item) =>
      gallerySchema.safeParse(item).data ?? []
    );
    const own = [component, ...items].flatMap(({ media, file, spoiler }) =>
      [media, file].filter((one) => one !== undefined)
        .map((media) => ({ media, isSpoiler: isHidden || spoiler === true }))
    );
    return [...own, ...mediaIn(childrenOf(component), isHidden, depth + 1)];
  });
}

function ownLines(component: ComponentPayload, hidesSpoilers: boolean): readonly string[] {
  const { type, content, label, url, placeholder, options = [], items = [] } = component;
  switch (type) {
    case Type.TextDisplay:
      return content ? [content] : [];
    case Type.Button:
      return label ? [`[button: ${url ? `${label}, ${url}` : label}]`] : [];
    case Type.SelectMenu:
    case Type.SelectMenuUsers:
    case Type.SelectMenuRoles:
    case Type.SelectMenuUsersAndRoles:
    case Type.SelectMenuChannels: {
      const labels = options.map(({ label }) => label).join(" / ");
      const parts = [placeholder, labels && `(${labels})`].filter(Boolean).join(" ");
      return parts ? [`[menu: ${parts}]`] : [];
    }
    case Type.Thumbnail:
      return [mediaLine("picture", component)];
    case Type.MediaGallery:
      return items.flatMap((item) => {
        const { data } = gallerySchema.safeParse(item);
        if (!data) return [];
        return [hidesSpoilers && data.spoiler ? HIDDEN : mediaLine("picture", data)];
      });
    case Type.File:
      return [mediaLine("file", component)];
    case Type.Label:
      return label ? [label] : [];
    default:
      return [];
  }
}

function mediaLine(
  kind: string,
  { name, description, spoiler }: Partial<ComponentPayload>,
): string {
  const parts = [name, description, spoiler ? "behind a spoiler" : ""].filter(Boolean).join(", ");
  return parts ? `[${kind}: ${parts}]` : `[${kind}]`;
}

const NONE: readonly MessageExtra[] = [];
const MAX_EXTRAS = 25;
/** Discord allows a file 260 characters of name and 1,024 of alt text, and a poll about 1,500. */
const MAX_EXTRA_CHARS = 2_000;
/** Discord allows 6,000 characters in all embeds of a message. */
const MAX_EMBED_CHARS = 6_000;
const MAX_COMPONENTS_CHARS = 4_000;
/** Maximum characters of a message's text; Discord allows most accounts 2,000, and some 4,000. */
const MAX_TEXT = 4_000;
/** Maximum characters of a message with its other parts: a quoted or forwarded one. */
const MAX_WHOLE = MAX_TEXT + MAX_EMBED_CHARS;

type MessageParts = ContentPayload & {
  readonly message_snapshots?: MessagePayload["message_snapshots"];
};

/** The text of a forward from an age-restricted channel (H9). */
const RESTRICTED = "(not shown: it is from an age-restricted channel)";

/**
 * Describes attachments, stickers, the poll, embeds, components and forwards, in this order.
 *
 * @param forwards How much of a forwarded message to describe; by default, all.
 */
export function describeExtras(
  message: MessageParts,
  forwards: ForwardRule = "whole",
): readonly MessageExtra[] {
  const { attachments, sticker_items, poll, embeds, components, message_snapshots } = message;
  const isBare = !attachments?.length && !sticker_items?.length && !poll && !embeds?.length &&
    !components?.length && !message_snapshots?.length;
  if (isBare) return NONE;
  const forwarded = (message.message_snapshots ?? []).map((
    { message: snapshot },
  ): MessageExtra => ({
    kind: "forward",
    text: bounded(forwardText(snapshot, forwards), MAX_WHOLE),
  }));
  return [...ownExtras(message), ...forwarded].slice(0, MAX_EXTRAS);
}

/** Returns a message's text, followed by descriptions of its other parts. */
export function fullText(message: MessageParts, forwards?: ForwardRule): string {
  const extras = describeExtras(message, forwards);
  return bounded(withExtras({ text: bounded(message.content, MAX_TEXT), extras }), MAX_WHOLE);
}

function forwardText(snapshot: SnapshotPayload, rule: ForwardRule): string {
  const { content: text } = snapshot;
  switch (rule) {
    case "whole":
      return withExtras({ text, extras: ownExtras(snapshot) });
    case "without-spoilers":
      return withoutSpoilers(withExtras({ text, extras: ownExtras(snapshot, true) }));
    case "nothing":
      return RESTRICTED;
  }
}

function ownExtras(
  { attachments, sticker_items, poll, embeds, components }: ContentPayload,
  hidesSpoilers = false,
): MessageExtra[] {
  const extras: MessageExtra[] = [];
  const add = (kind: MessageExtra["kind"], text: string, maxChars = MAX_EXTRA_CHARS) => {
    if (text !== "") extras.push({ kind, text: bounded(text, maxChars) });
  };
  for (const attachment of attachments ?? []) {
    const { content_type, size, description } = attachment;
    if (hidesSpoilers && isSpoiler(attachment)) {
      add("attachment", "(spoiler)");
      continue;
    }
    const type = content_type ?? "unknown type";
    const alt = description ? `: ${description}` : "";
    add("attachment", `${nameOf(attachment)} (${type}, ${sizeOf(size)})${alt}`);
  }
  for (const { name } of sticker_items ?? []) add("sticker", name);
  if (poll) add("poll", describePoll(poll));
  for (const embed of embeds ?? []) {
    const result = describePollResult(embed);
    if (result !== undefined) {
      add("poll", result);
      continue;
    }
    add("embed", embedText(embed), MAX_EMBED_CHARS);
  }
  // A message with components may have no other text.
  if (components?.length) {
    add("components", describeComponents(components, hidesSpoilers), MAX_COMPONENTS_CHARS);
  }
  return extras;
}

/** All texts of an embed, in the order in which Discord shows them; its address is last. */
function embedText(embed: Embed): string {
  const { provider, author, title, description, fields = [], footer, url } = embed;
  const rows = fields.map(({ name, value }) => `${name}: ${value}`);
  const alts = (["image", "thumbnail", "video"] as const).map((kind) => {
    const alt = embed[kind]?.description;
    return alt && `${kind}: ${alt}`;
  });
  const parts = [provider?.name, author?.name, title, description, ...rows, ...alts, footer?.text];
  return [...parts, url].filter(Boolean).join("\n");
}

/** Maximum characters of a file's name; Discord allows 260. */
const MAX_FILE_NAME = 260;
/** Maximum characters of an address; Discord's have some 250. */
const MAX_URL = 2_000;

const IS_SPOILER = 1 << 3;

const NO_FILES: readonly Attachment[] = [];

type AttachmentPayload = NonNullable<ContentPayload["attachments"]>[number];

/**
 * The files of a message, and of the messages that it forwards as far as the rule lets a model see
 * them: attachments, and pictures of components, stickers and embeds.
 */
function allAttachmentsOf(
  message: MessageParts,
  forwards: ForwardRule,
): readonly Attachment[] {
  const { message_snapshots = [] } = message;
  const forwarded = forwards === "nothing" ? [] : message_snapshots
    .flatMap(({ message: snapshot }) => filesOf(snapshot, forwards !== "whole"));
  const all = [...filesOf(message), ...forwarded];
  if (all.length === 0) return NO_FILES; // most messages
  return [...new Map(all.map((file) => [file.id, file])).values()].slice(0, MAX_ATTACHMENTS);
}

function filesOf(
  { content, attachments = [], components = [], sticker_items = [], embeds = [] }: ContentPayload,
  hidesSpoilers = false,
): readonly Attachment[] {
  const media = mediaIn(components).flatMap(({ media, isSpoiler }) =>
    toPicture(mediaPayload.safeParse(media).data).map((file) => ({ file, isSpoiler }))
  );
  const hidden = hidesSpoilers
    ? [
      ...media.filter(({ isSpoiler }) => isSpoiler).map(({ file }) => file.id),
      ...attachments.filter(isSpoiler).map(({ id }) => id),
    ]
    : [];
  // Discord hides the preview of a link that is behind a spoiler.
  const shown = hidesSpoilers && content.includes("||") ? [] : embeds;
  return [
    ...attachments.flatMap((file) => toAttachment(file) ?? []),
    ...media.map(({ file }) => file),
    ...sticker_items.flatMap(toSticker),
    ...shown.flatMap(({ image, thumbnail }) => toPicture(image ?? thumbnail)),
  ].filter(({ id }) => !hidden.includes(id));
}

function isSpoiler({ filename, flags }: AttachmentPayload): boolean {
  return filename.startsWith("SPOILER_") || ((flags ?? 0) & IS_SPOILER) !== 0;
}

/** The name that people see. Discord tells the title without the ending of the file. */
function nameOf({ filename, title }: AttachmentPayload): string {
  const ending = /\.\w{1,10}$/.exec(filename)?.[0] ?? "";
  const hasEnding = title?.toLowerCase().endsWith(ending.toLowerCase());
  return bounded(title ? `${title}${hasEnding ? "" : ending}` : filename, MAX_FILE_NAME) || "file";
}

/**
 * Reads the facts of a file.
 *
 * @returns `undefined` for a file that cannot be read, because its id or address is missing.
 */
function toAttachment(payload: AttachmentPayload): Attachment | undefined {
  const { id, url, size, duration_secs, waveform } = payload;
  if (id === undefined || url === undefined || url.length > MAX_URL) return undefined;
  return {
    id,
    name: nameOf(payload),
    url,
    size,
    durationSec: typeof duration_secs === "number" && duration_secs > 0 ? duration_secs : undefined,
    isVoice: (typeof waveform === "string") || undefined,
  };
}

/** A picture of an embed or a component. Discord gives one of another host no id. */
function toPicture(media: z.infer<typeof mediaPayload> | undefined): readonly Attachment[] {
  const { url = "", proxy_url: address = url } = media ?? {};
  const { pathname = "" } = URL.parse(url) ?? {};
  if (pathname === "" || address.length > MAX_URL) return [];
  const [, own] = /^\/attachments\/\d+\/(\d+)\//.exec(pathname) ?? [];
  const id = parseSnowflake<"attachment">(own ?? idFor(url));
  const name = bounded(pathname.slice(pathname.lastIndexOf("/") + 1), MAX_FILE_NAME) || "picture";
  return id ? [{ id, name, url: address }] : [];
}

/** An id that is the same for the same text. */
function idFor(text: string): string {
  return `${createHash("sha256").update(text).digest().readBigUInt64BE() >> 2n}`;
}

/** Endings of stickers that are pictures, by Discord's number of the format. */
const STICKER_ENDINGS: Readonly<Record<number, string>> = { 1: "png", 2: "png", 4: "gif" };

function toSticker(
  { id, name, format_type = 0 }: NonNullable<ContentPayload["sticker_items"]>[number],
): readonly Attachment[] {
  const ending = STICKER_ENDINGS[format_type];
  if (!id || !ending) return [];
  const url = `https://media.discordapp.net/stickers/${id}.${ending}`;
  return [{ id, name: `${bounded(name, MAX_FILE_NAME)}.${ending}`, url }];
}

type Poll = NonNullable<ContentPayload["poll"]>;
type Embed = NonNullable<ContentPayload["embeds"]>[number];
/** `"Tea? (yes: 3 votes / no: 1 vote; ended)"`, or `"Tea? (yes / no)"` without known votes. */
function describePoll({ question, answers, allow_multiselect, results }: Poll): string {
  const counts = results?.answer_counts;
  const isEnded = results?.is_finalized === true;
  const isCounted = isEnded || counts?.some(({ count }) => count > 0);
  const shown = answers.flatMap(({ answer_id, poll_media }) => {
    const label = labelOf(poll_media);
    if (label === "") return [];
    const count = counts?.find(({ id }) => id === answer_id)?.count ?? 0;
    return [isCounted ? `${label}: ${votes(count)}` : label];
  });
  const facts = [
    shown.join(" / "),
    allow_multiselect ? "several answers allowed" : "",
    isEnded ? "ended" : "",
  ].filter(Boolean).join("; ");
  return [labelOf(question), facts && `(${facts})`].filter(Boolean).join(" ");
}

/**
 * The result in the embed of {@link POLL_RESULT}: `"ended: Tea? yes won with 3 of 4 votes"`.
 *
 * @returns `undefined` for any other embed.
 */
function describePollResult({ type, fields = [] }: Embed): string | undefined {
  if (type !== "poll_result") return undefined;
  const field = (name: string) => fields.find((one) => one.name === name)?.value ?? "";
  const winner = labelOf({
    text: field("victor_answer_text"),
    emoji: { name: field("victor_answer_emoji_name") },
  });
  const total = Number(field("total_votes"));
  const most = Number(field("victor_answer_votes"));
  const result = winner !== ""
    ? `${winner} won with ${most} of ${votes(total)}`
    : most > 0
    ? `no single answer won: several have ${votes(most)} each, of ${total}`
    : "no one voted";
  return ["ended:", field("poll_question_text"), result].filter(Boolean).join(" ");
}

function labelOf({ text, emoji }: Poll["question"]): string {
  return [emoji?.name, text].filter(Boolean).join(" ");
}

function votes(count: number): string {
  return count === 1 ? "1 vote" : `${count} votes`;
}

/** A person whom a message mentions, with the names that Discord tells. Some servers tell the id alone. */
export const mentionedPayload = z.lazy(() =>
  z.preprocess(
    (user) => typeof user === "object" ? user : { id: user },
    z.object({
      id: snowflake<"user">(),
      username: optional(z.string()),
      global_name: optional(z.string()),
      member: optional(z.object({ nick: optional(z.string()) })),
    }),
  )
);

const attachmentPayload = z.lazy(() =>
  z.object({
    filename: textOr("file"),
    /** The name that people see, without its ending; absent: `filename`. */
    title: optional(z.string()),
    content_type: optional(z.string()),
    size: z.number(),
    description: optional(z.string()),
    flags: optional(z.number()),
    /** Discord always sends both; a file without them can be described, but not read. */
    id: optional(snowflake<"attachment">()),
    url: optional(z.string()),
    width: optional(z.number()),
    height: optional(z.number()),
    duration_secs: optional(z.number()),
    waveform: optional(z.string()),
  })
);
const namedPayload = z.lazy(() => z.object({ name: z.string() }));
const stickerPayload = z.lazy(() =>
  z.object({
    name: z.string(),
    id: optional(snowflake<"attachment">()),
    format_type: optional(z.number()),
  })
);
/** A picture or video of an embed or of a component. Discord's proxy has the files of other hosts. */
const mediaPayload = z.lazy(() =>
  z.object({
    url: optional(z.string()),
    proxy_url: optional(z.string()),
    /** The alt text, which components have beside it. */
    description: optional(z.string()),
  })
);
const embedMedia = z.lazy(() => optional(mediaPayload));
const embedPayload = z.lazy(() =>
  z.object({
    type: optional(z.string()),
    title: optional(z.string()),
    description: optional(z.string()),
    url: optional(z.string()),
    author: optional(namedPayload),
    provider: optional(z.object({ name: optional(z.string()) })),
    fields: listOf(z.object({ name: textOr(""), value: textOr("") })),
    image: embedMedia,
    thumbnail: embedMedia,
    video: embedMedia,
    footer: optional(z.object({ text: z.string() })),
  })
);
const pollMedia = z.lazy(() =>
  z.object({
    text: optional(z.string()),
    emoji: optional(z.object({ name: optional(z.string()) })),
  })
);
const pollPayload = z.lazy(() =>
  z.object({
    question: pollMedia,
    answers: listOrEmpty(z.object({ answer_id: optional(z.number()), poll_media: pollMedia })),
    allow_multiselect: optional(z.boolean()),
    /** Absent if Discord does not tell the votes with this message. */
    results: optional(z.object({
      is_finalized: z.boolean(),
      /** Answers without votes may be absent. */
      answer_counts: z.array(z.object({ id: z.number(), count: z.number() })),
    })),
  })
);

/**
 * The content of a message, without author and place. A forwarded message has only these fields.
 */
const contentFields = () => ({
  content: textOr(""),
  mentions: listOrEmpty(mentionedPayload),
  attachments: listOf(attachmentPayload),
  embeds: listOf(embedPayload),
  sticker_items: listOf(stickerPayload),
  poll: optional(pollPayload),
  /** May be nested; `describeComponents` reads them. */
  components: listOf(z.unknown()),
});

export const contentPayload = z.lazy(() => z.object(contentFields()));
/** Takes the words of a person's own account out: they are for no other conversation (T13a). */
function readable<Content extends z.infer<typeof contentPayload>>(message: Content): Content {
  const { content, components } = message;
  const all = components?.length ? content + JSON.stringify(components) : content;
  return isPersonal(all)
    ? { ...message, content: HIDDEN_WORDS, attachments: [], embeds: [], components: [] }
    : message;
}

/** A forwarded message. Discord tells no author. */
const snapshotPayload = z.lazy(() => z.object(contentFields()).transform(readable));
type SnapshotPayload = z.infer<typeof snapshotPayload>;
type ContentPayload = z.infer<typeof contentPayload>;

/** The message that a reply quotes, or that a forward copies. */
const referenceFields = () => ({
  message_reference: optional(z.object({
    message_id: optional(snowflake<"message">()),
    channel_id: optional(snowflake<"channel">()),
    guild_id: optional(snowflake<"guild">()),
  })),
  message_snapshots: listOf(z.object({ message: snapshotPayload })),
});

/** A message that another one, or a command, is about. */
export const referencedPayload = z.lazy(() =>
  z.object({ ...contentFields(), ...referenceFields(), author: userPayload })
    .transform((message) => message.author.bot ? readable(message) : message)
);
type ReferencedPayload = z.infer<typeof referencedPayload>;

/** Whether a webhook posted the message: anything but nothing. */
const webhookId = z.transform((id) =>
  id === undefined || id === null || id === "" ? undefined : readSnowflake(id) ?? "unreadable"
).optional();

export const messagePayload = z.lazy(() =>
  z.object({
    ...contentFields(),
    id: snowflake<"message">(),
    type: z.number(),
    channel_id: snowflake<"channel">(),
    channel_type: optional(z.number()),
    guild_id: snowflake<"guild">().nullish(),
    author: userPayload,
    member: z.object({ roles: roleIds, nick: optional(z.string()) }).nullish(),
    webhook_id: webhookId,
    /** Set if an application made the webhook. A malformed id counts as absent. */
    application_id: optional(snowflake<"application">()),
    /** Set on answers to slash commands and buttons; its content is not used. */
    interaction_metadata: z.unknown().optional(),
    nonce: optional(z.union([z.string(), z.number()])),
    edited_timestamp: z.string().nullish(),
    mention_channels: listOf(z.object({ id: snowflake<"channel">(), name: z.string() })),
    mention_roles: listOrEmpty(snowflake<"role">()),
    ...referenceFields(),
    referenced_message: optional(referencedPayload),
  })
);
type MessagePayload = z.infer<typeof messagePayload>;

type EventReading = readonly [
  event: ServerEventName,
  template: string,
  only: HookCondition,
  /** Path of its time, which tells repeated events apart; absent: that of the id. */
  at?: string,
];

const MEMBER = "member: {{ user.username }}\nid: <@{{ user.id }}>";
const GIVEN = "member: <@{{ target_id }}>\nroles: {{ roles[*].name }}\nby: <@{{ user_id }}>";
const THREAD = "title: {{ name }}\nauthor: <@{{ owner_id }}>";
const PLANNED = "name: {{ name }}\n{{ description }}";
const REACTION =
  "emoji: {{ emoji.name }}\nby: {{ member.user.username || user_id }}\nmessage: {{ message_id }} in <#{{ channel_id }}>";
const ADDED = { action_type: ["25"], "changes[*].key": ["$add"] };
const ACTIVE = { status: ["2"] };
const CLOSED = { "thread_metadata.archived": ["true"] };

const READINGS: { readonly [type: string]: EventReading } = {
  GUILD_MEMBER_ADD: ["member_join", MEMBER, {}, "joined_at"],
  GUILD_MEMBER_UPDATE: ["boost", MEMBER, {}, "premium_since"],
  GUILD_AUDIT_LOG_ENTRY_CREATE: ["role_given", GIVEN, ADDED],
  GUILD_SCHEDULED_EVENT_UPDATE: ["event_started", PLANNED, ACTIVE, "scheduled_start_time"],
  THREAD_CREATE: ["forum_post", THREAD, { newly_created: ["true"] }],
  THREAD_UPDATE: ["thread_closed", THREAD, CLOSED, "thread_metadata.archive_timestamp"],
  MESSAGE_CREATE: ["pin", "pinned by: {{ author.username }}", { type: ["6"] }],
  MESSAGE_REACTION_ADD: ["reaction", REACTION, {}],
};

/** @returns `undefined` for other dispatches, for those that do not fit, and for events of bots. */
export function decodeServerEvent(
  { t, d }: Dispatch,
  { self, index }: DecodeFacts,
): ServerEvent | undefined {
  const reading = READINGS[t];
  if (!reading || !isRecord(d) || t === "MESSAGE_CREATE" && d["type"] !== 6) return undefined;
  const given = t === "GUILD_AUDIT_LOG_ENTRY_CREATE" && Array.isArray(d["changes"])
    ? d["changes"].flatMap((one) => isRecord(one) && one["key"] === "$add" ? one["new_value"] : [])
    : undefined;
  const body = given ? { ...d, roles: given } : d;
  const read = (...paths: readonly string[]) =>
    paths.map((path) => path.split(".").reduce<unknown>(memberOf, body)).find(Boolean);
  const idAt = <Kind extends string>(...paths: readonly string[]) =>
    readSnowflake<Kind>(read(...paths));
  const [event, template, only, at = ""] = reading;
  const id = idAt("id");
  const time = at ? Date.parse(String(read(at))) : id ? createdAtMs(id) : 0;
  const guildId = idAt<"guild">("guild_id");
  const isOfBot = read("user.bot", "author.bot", "member.user.bot") ||
    idAt("user_id", "owner_id", "author.id") === self?.userId;
  if (
    !guildId || isOfBot || Number.isNaN(time) ||
    !holds(only, { body })
  ) return undefined;

  const channels = index.get(guildId)?.channels;
  const thread = idAt<"channel">("parent_id");
  const parent = thread && channels?.get(thread);
  if (event === "forum_post" && !(parent && isForum(parent))) return undefined;
  const channelId = idAt<"channel">(thread ? "id" : "channel_id");
  const here = channelId && channels?.get(channelId);
  const messageId = idAt<"message">("message_id", "message_reference.message_id");
  if (messageId && !here) return undefined;
  const userId = idAt<"user">("target_id", "user.id", "author.id", "owner_id", "user_id");
  const emoji = String(read("emoji.name") ?? "");
  const roles = read("roles", "member.roles");
  const sources = SOURCES.flatMap((path) => idAt(path) ?? []);
  return {
    kind: "server_event",
    event,
    guildId,
    channelId,
    userId,
    at: time,
    body,
    template,
    sources,
    isPrivateThread: [d["type"], here?.type].includes(ChannelTypes.PrivateThread),
    parentId: thread ?? (channelId && placeIn(guildId, channelId, index.get(guildId)).channel.id),
    messageId,
    roles: (Array.isArray(roles) ? roles : [])
      .flatMap((role) => readSnowflake<"role">(isRecord(role) ? role["id"] : role) ?? []),
    emoji: idAt("emoji.id") ? `<:${emoji}:${idAt("emoji.id")}>` : emoji,
    key: [id ?? userId, at && time, idAt("emoji.id") ?? emoji].join(":"),
  };
}

const emojiPayload = z.lazy(() =>
  z.object({
    id: optional(z.union([z.string(), z.number().transform(String)])),
    name: optional(z.string()),
  })
);

const reactionPayload = z.lazy(() =>
  z.object({
    user_id: snowflake<"user">(),
    channel_id: snowflake<"channel">(),
    message_id: snowflake<"message">(),
    guild_id: snowflake<"guild">().nullish(),
    member: z.object({ user: optional(userPayload), roles: roleIds }).nullish(),
    emoji: emojiPayload,
    message_author_id: optional(snowflake<"user">()),
  })
);

const clearedPayload = z.lazy(() =>
  z.object({ message_id: snowflake<"message">(), emoji: optional(emojiPayload) })
);

/** Maximum characters of an emoji's name; Discord allows 32. */
const MAX_EMOJI = 64;

/**
 * Decodes a reaction.
 *
 * @returns `undefined` for the bot's own reactions, and for dispatches of other types.
 */
function decodeReaction(
  { t, d }: Dispatch,
  { accountId, self, index }: DecodeFacts,
): Reaction | ReactionsCleared | DecodeProblem | undefined {
  if (t === "MESSAGE_REACTION_REMOVE_ALL" || t === "MESSAGE_REACTION_REMOVE_EMOJI") {
    return decodeCleared(d);
  }
  const parsed = reactionPayload.safeParse(d);
  if (!parsed.success) return problemOf(parsed.error, "the reaction");
  const { user_id: userId, guild_id: guildId, member, emoji, ...ids } = parsed.data;
  if (userId === self?.userId) return undefined;
  const user = member?.user?.id === userId ? member.user : { id: userId, username: "" };
  const guild = guildId ? index.get(guildId) : undefined;
  const author = ids.message_author_id;
  return {
    kind: "reaction",
    accountId,
    change: t === "MESSAGE_REACTION_ADD" ? "added" : "removed",
    channelId: ids.channel_id,
    guildId: guildId || undefined,
    place: guildId ? placeIn(guildId, ids.channel_id, guild) : { kind: "dm" },
    messageId: ids.message_id,
    sender: senderOf(user, {
      roles: member?.roles,
      automaton: user.bot || user.system ? "bot" : undefined,
    }, guild),
    emoji: emojiText(emoji),
    on: !author || !self ? "unknown" : author === self.userId ? "own" : "other",
  };
}

function decodeCleared(d: unknown): ReactionsCleared | DecodeProblem {
  const parsed = clearedPayload.safeParse(d);
  if (!parsed.success) return problemOf(parsed.error, "the reaction");
  const { message_id: messageId, emoji } = parsed.data;
  return { kind: "reactions_cleared", messageId, emoji: emoji ? emojiText(emoji) : undefined };
}

/** `"👍"` or `"<:name:id>"`. A deleted emoji of a guild has an id and no name. */
function emojiText({ id, name }: z.infer<typeof emojiPayload>): string {
  const shown = bounded(name ?? "deleted", MAX_EMOJI);
  return id ? `<:${shown}:${bounded(id, MAX_EMOJI)}>` : shown;
}

const deletedPayload = z.object({ id: snowflake<"message">(), channel_id: snowflake<"channel">() });
const bulkDeletedPayload = z.lazy(() =>
  z.object({ ids: listOrEmpty(snowflake<"message">()), channel_id: snowflake<"channel">() })
);

function decodeDeletion({ t, d }: Dispatch): MessagesDeleted | DecodeProblem {
  if (t === "MESSAGE_DELETE") {
    const { data } = deletedPayload.safeParse(d);
    if (!data) return { kind: "problem", why: "id does not fit" };
    return { kind: "messages_deleted", channelId: data.channel_id, messageIds: [data.id] };
  }
  const { data } = bulkDeletedPayload.safeParse(d);
  if (!data) return { kind: "problem", why: "ids do not fit" };
  return { kind: "messages_deleted", channelId: data.channel_id, messageIds: data.ids };
}

const threadMembersPayload = z.lazy(() =>
  z.object({
    id: snowflake<"channel">(),
    added_members: listOrEmpty(z.object({ user_id: snowflake<"user">() })),
    removed_member_ids: listOrEmpty(snowflake<"user">()),
  })
);

function decodeThreadMembers({ d }: Dispatch): ThreadMembersChanged | DecodeProblem {
  const parsed = threadMembersPayload.safeParse(d);
  if (!parsed.success) return { kind: "problem", why: "members of a thread do not fit" };
  const { id: threadId, added_members, removed_member_ids: left } = parsed.data;
  const joined = added_members.map(({ user_id }) => user_id);
  return { kind: "thread_members_changed", threadId, joined, left };
}

/** The decoders of this file by Discord's type. */
export const OTHER_EVENTS = {
  MESSAGE_DELETE: decodeDeletion,
  MESSAGE_DELETE_BULK: decodeDeletion,
  THREAD_MEMBERS_UPDATE: decodeThreadMembers,
  MESSAGE_REACTION_ADD: decodeReaction,
  MESSAGE_REACTION_REMOVE: decodeReaction,
  MESSAGE_REACTION_REMOVE_ALL: decodeReaction,
  MESSAGE_REACTION_REMOVE_EMOJI: decodeReaction,
};
