/**
 * Decodes Discord's messages, their senders and their places.
 *
 * A message that names no guild is a direct message. Barnacle never looks that up, because a
 * look-up can fail (P2). Messages read over REST never name their guild, so {@link decodeHistory}
 * takes it as an argument.
 *
 * A role's name counts only if no other role of its guild has it (P14). Otherwise a rule for
 * "Moderators" would apply to anyone who creates a second role of that name.
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
  GuildNames,
  GuildPlace,
  InboundMessage,
  Mention,
  MessageEdited,
  Named,
  OwnMessage,
  Place,
  PostedMessage,
  Quoted,
  Role,
  Self,
  Sender,
} from "../../../core/inbound/inbound.ts";
import { hasContent } from "../../../core/inbound/inbox.ts";
import { MENTION, type MentionNames, toOverheard } from "../../../core/inbound/inbound.ts";
import { type FooterOf, withoutFooter, withoutPersonal } from "../../../core/outbound/outbound.ts";
import { isThread } from "../../../core/rights/rights.ts";
import type { RawMessage, ShownMessage, ShownPlace } from "../../../core/turn/discord_place.ts";
import { oncePer } from "../../../lib/cache.ts";
import { bounded, withoutSpoilers } from "../../../lib/text/quoted.ts";
import type { CommandPayload } from "./decode_interaction.ts";
import { allAttachmentsOf, describeExtras, fullText, MAX_TEXT, POLL_RESULT } from "./describe.ts";
import { doAllSee, type Guild, type GuildIndex } from "./guild_index.ts";
import {
  contentFields,
  type DecodeProblem,
  type MessagePayload,
  messagePayload,
  problemOf,
  type ReferencedPayload,
  type userPayload,
} from "./payloads.ts";

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

interface KnownPerson {
  readonly username: string;
  readonly discriminator?: User["discriminator"];
  /** The name that people see. */
  readonly shown: string;
  readonly roles: readonly RoleId[];
  /** The roles of the guild: another map after each change of them. It may be gone meanwhile. */
  readonly guildRoles: WeakRef<Guild["roles"]>;
  readonly sender: Sender;
}

const PEOPLE_MAX = 500;
/** Maximum number of a person's roles. So all people take 1 MB at most. */
const PERSON_ROLES_MAX = 16;

/** Creates an empty memory. Beyond {@link PEOPLE_MAX}, the person who came first is forgotten. */
export function createPeople() {
  const people = new Map<UserId, KnownPerson>();
  return {
    /**
     * Builds the sender of a person's message. In a guild, it is usually the same object as long as
     * nothing about the person changes.
     */
    personOf(
      user: User,
      roles: readonly RoleId[] = [],
      guild?: Guild,
      shown = user.username,
    ): Sender {
      const { id, username, discriminator } = user;
      const isShort = roles.length <= PERSON_ROLES_MAX && username.length <= MAX_NAME &&
        (discriminator?.length ?? 0) <= MAX_DISCRIMINATOR;
      if (!guild || !isShort) return senderOf(user, { roles }, guild);
      const known = people.get(id);
      const isSame = known && known.guildRoles.deref() === guild.roles &&
        known.username === username && known.discriminator === discriminator &&
        known.shown === shown &&
        known.roles.length === roles.length && known.roles.every((role, at) => role === roles[at]);
      if (isSame) return known.sender;
      const sender = senderOf(user, { roles }, guild);
      const [oldest] = people.keys();
      if (!known && people.size >= PEOPLE_MAX && oldest !== undefined) people.delete(oldest);
      const guildRoles = new WeakRef(guild.roles);
      people.set(id, { username, discriminator, shown, roles, guildRoles, sender });
      return sender;
    },
    /** Roles and name in a guild as of the person's last message; `undefined` if roles may have changed. */
    memberOf(id: UserId, guild: Guild): KnownPerson | undefined {
      const known = people.get(id);
      return known?.guildRoles.deref() === guild.roles ? known : undefined;
    },
  };
}

/** The senders of people who wrote, because most messages are from one of them. */
export type People = ReturnType<typeof createPeople>;

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
      place: describePlace(guild.id, id, guild),
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
