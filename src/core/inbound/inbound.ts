/**
 * Discord's events in Barnacle's own types: messages, changes, reactions, interactions, and guilds.
 * A batch holds them in the order in which Discord sent them.
 *
 * Only `discord/gateway/` makes them, from the socket and from the history that `discord/rest/`
 * reads. No later code needs to know Discord's payloads. All of them survive `JSON.stringify`,
 * because the inbox keeps them.
 *
 * A message that Discord does not have has an origin, which says where its turn comes from. Who
 * makes the message decides it, once. Whatever depends on it is a column of {@link TERMS}, or is in
 * the origin itself.
 */

import {
  type AccountId,
  type ApplicationId,
  type ChannelId,
  createdAtMs,
  type GuildId,
  type MessageId,
  type RoleId,
  snowflakeAt,
  type UserId,
} from "../discord/ids.ts";
import type { Hooked, ServerEvent } from "../hooks/hook.ts";
import type { ModelMessage } from "../model.ts";
import type { MayPing } from "../outbound/outbound.ts";
import type { Attachment } from "../turn/media.ts";

/** A gateway session has begun. The first event of its batch, and stored before the others (T0). */
export interface SessionStarted {
  readonly kind: "session_started";
  /** The state that RESUME needs, as READY gave it. */
  readonly session: GatewaySession;
  /** The bot's identity, from the same READY. */
  readonly self: Self;
}

export interface MessagesDeleted {
  readonly kind: "messages_deleted";
  readonly channelId: ChannelId;
  /** Discord's ids; one, or up to 100 after a bulk deletion. The store may know none of them. */
  readonly messageIds: readonly MessageId[];
}

/** A person has edited a message, or Discord has added a preview: then its revision stays (H6). */
export interface MessageEdited {
  readonly kind: "message_edited";
  /** The whole message as it is now. The store may not know it. */
  readonly message: InboundMessage;
}

/** The bot was added to a guild just now; READY does not bring this for guilds it was in (P6a). */
export interface GuildJoined {
  readonly kind: "guild_joined";
  readonly guild: Named<GuildId>;
}

/**
 * A role, an overwrite, a channel or our own member has changed. The bot may now be allowed to post
 * in more places (R11).
 */
export interface PermissionsChanged {
  readonly kind: "permissions_changed";
  readonly guildId: GuildId;
}

/** A channel or a thread was deleted, or the bot was removed from a guild (T10). */
export interface PlaceGone {
  readonly kind: "place_gone";
  readonly id: ChannelId | GuildId;
}

/** People have joined or left a thread (S7). */
export interface ThreadMembersChanged {
  readonly kind: "thread_members_changed";
  readonly threadId: ChannelId;
  readonly joined: readonly UserId[];
  readonly left: readonly UserId[];
}

export type InboundEvent =
  | SessionStarted
  | InboundMessage
  | OwnMessage
  | ComponentUse
  | SlashCommand
  | OptionTyping
  | UnreadInteraction
  | MessagesDeleted
  | MessageEdited
  | GuildJoined
  | PermissionsChanged
  | PlaceGone
  | ThreadMembersChanged
  | Reaction
  | ReactionsCleared
  | ServerEvent;

export type EventKind = InboundEvent["kind"];

export type EventHandlers = {
  readonly [Kind in EventKind]: (event: EventOf<Kind>) => void;
};

/** The event type of one kind; for a union of kinds, the union of their types. */
export type EventOf<Kind extends EventKind> = {
  [Key in EventKind]: Extract<InboundEvent, { readonly kind: Key }>;
}[Kind];

export function handleEvent<Kind extends EventKind>(
  event: EventOf<Kind>,
  handlers: EventHandlers,
): void {
  handlers[event.kind as Kind](event);
}

/** Events that arrived together and are to be stored together. */
export interface InboundBatch {
  readonly accountId: AccountId;
  /** Number of the batch in this process; `committed` takes it. */
  readonly ticket: number;
  /** Unix time in milliseconds at which the batch arrived; it may have waited since. */
  readonly arrivedAt: number;
  /** Set if events before these are lost: catch-up finds the messages among them (G5b). */
  readonly afterHole?: true;
  /** Set if Discord has replayed them after a RESUME: they happened while Barnacle was away. */
  readonly isReplayed?: true;
  /** Sequence number of the last dispatch received, used or not. */
  readonly seq: number;
  /** Length of the text that the batch was read from, in characters. */
  readonly bytes: number;
  /** In the order in which Discord sent them. */
  readonly events: readonly InboundEvent[];
  /** Guilds that the batch has changed, as they are after it. */
  readonly guilds: readonly GuildSnapshot[];
}

/**
 * The author of a message, for the policy. It has no display name and no nickname: people choose
 * these freely.
 */
export interface Sender {
  /** The author's account; for a proxied message, the account that PluralKit names. */
  readonly id: UserId;
  /** Unique among accounts: `"ada"`. For a proxied message `"pk:"` and the member's id. */
  readonly username: string;
  /** `"ada#1234"`; absent for accounts without a discriminator. */
  readonly tag?: string;
  /** Roles in the message's guild; empty in direct messages. */
  readonly roles: readonly Role[];
  /** Set if the author is no person. Ignored, or judged by separate rules (P11). */
  readonly automaton?: "bot" | "webhook";
  /** The application that made the webhook; absent if none did, and for other authors. */
  readonly applicationId?: ApplicationId;
  /** Set when PluralKit proxied the message for a member of a system. */
  readonly pluralkit?: PluralkitMember;
}

export interface Role {
  readonly id: RoleId;
  /** Absent if the guild has another role of that name (P14), or if the name is unknown. */
  readonly name?: string;
}

/** A member of a PluralKit system, for which a person speaks. */
export interface PluralkitMember {
  /** PluralKit's own id of the member: `"abcde"`. */
  readonly memberId: string;
  /** The member's name. Members choose it freely, so it is untrusted. */
  readonly name: string;
  /** The name that people see instead; absent if the member has none. Untrusted, too. */
  readonly displayName?: string;
  /** The system's name, shown as `Member (PK:System)`; absent if it has none. */
  readonly system?: string;
}

export interface Named<Id> {
  readonly id: Id;
  /** Current name, untrusted. The id as text if the name is unknown. */
  readonly name: string;
}

/** The place of a message. A message without a guild never belongs to one (P2). */
export type Place =
  | { readonly kind: "dm" }
  | { readonly kind: "group_dm"; readonly name?: string }
  | GuildPlace;

export interface GuildPlace {
  /** Tells this place from direct messages and groups. */
  readonly kind: "guild";
  readonly guild: Named<GuildId>;
  /** The channel; for a message in a thread, the thread's parent. */
  readonly channel: Named<ChannelId>;
  /** The thread; absent outside threads. */
  readonly thread?: Named<ChannelId>;
  /** The channel's topic; absent if it has none. Untrusted, as every name is (H4). */
  readonly topic?: string;
  /** Set if the channel is age-restricted: other places get nothing of it (H9). */
  readonly isAgeRestricted?: true;
  /**
   * Set if the gateway has not described the guild, the channel or its parent. Names are ids then, and
   * without `thread` the channel may be a thread. Only a rule by the place's own id applies for sure.
   */
  readonly isUnknown?: true;
  /** Set if another guild of the bot shares the guild's name; then the name opens neither (P12). */
  readonly hasNamesake?: true;
}

/** How a message addresses the bot, patterns apart (M2): by user, by role, or as a reply. */
export type Mention = "user" | "role" | "reply";

/** A part of a message beside its text, described in words for a model (H3). */
export interface MessageExtra {
  readonly kind: "attachment" | "sticker" | "poll" | "embed" | "components" | "forward";
  /** Untrusted text: `"cat.png (image/png, 12.3 kB)"`. */
  readonly text: string;
}

export interface Quoted {
  readonly id: MessageId;
  /** Author of the quoted message; absent if it is deleted or Discord did not load it. */
  readonly author?: { readonly id: UserId; readonly tag: string };
  /** Text of the quoted message; empty if Discord did not load it. Untrusted. */
  readonly text: string;
  /** Its files; absent without any. */
  readonly attachments?: readonly Attachment[];
  /** The message that it forwards; absent: none. */
  readonly forwards?: MessageId;
}

/** A message that another author than this bot wrote. */
export interface InboundMessage {
  readonly kind: "message";
  readonly accountId: AccountId;
  readonly id: MessageId;
  /**
   * 0 for the original text. Else the Unix time in milliseconds of its last edit, which Discord
   * tells; so a later text has a greater number.
   */
  readonly revision: number;
  /** Target of a reply (S3): the thread's id for a message in a thread. */
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** The channel with its names, for policy and prompt. */
  readonly place: Place;
  readonly sender: Sender;
  /**
   * The author's nickname or display name, for the model only. Untrusted: people choose it freely.
   * Absent if it is the username.
   */
  readonly displayName?: string;
  /** The text with Discord's markup, bounded. Untrusted; may be empty. */
  readonly text: string;
  /** Names of the ids in its texts that all readers of its place may know; absent: none. */
  readonly names?: MentionNames;
  /** Unix time in milliseconds, read from the message's id. */
  readonly sentAt: number;
  /** How it addresses the bot; absent if it does not, patterns apart. */
  readonly mention?: Mention;
  /** Whether it mentions a user or role other than the bot. */
  readonly mentionsOthers: boolean;
  /** The message that it replies to; absent if it is no reply. */
  readonly quoted?: Quoted;
  /** Attachments, embeds and other parts beside the text; may be empty. */
  readonly extras: readonly MessageExtra[];
  /** Its files, and those of a message that it forwards; absent without any. */
  readonly attachments?: readonly Attachment[];
  /** The message that it forwards, whose author Discord does not tell; absent: none. */
  readonly forwards?: MessageId;
  /** Where it comes from, if Discord lacks it; absent: Discord has it. */
  readonly origin?: Origin;
  /** Set if Discord wrote it, to announce the result of this person's poll: context only (H9). */
  readonly isAnnouncement?: true;
}

/** Whether a session is of turns with a person's own accounts: no list shows it. */
export const isOwnSession = (sessionKey: string): boolean =>
  /^agent:[^:]*:own:[^:]*:direct:/.test(sessionKey);

/** Fields of a message that Discord does not have: a person asked by a command, press or schedule. */
export const ASKED_OTHERWISE = {
  kind: "message",
  revision: 0,
  mention: "user",
  mentionsOthers: false,
  extras: [],
} as const satisfies Partial<InboundMessage>;

/**
 * A message of our own, as the gateway brings it back: Discord has it, which settles its outbox
 * row.
 */
export interface OwnMessage {
  readonly kind: "own_message";
  readonly accountId: AccountId;
  readonly id: MessageId;
  /** Channel, thread or direct message channel that it stands in. */
  readonly channelId: ChannelId;
  /** The channel of a known thread; absent outside threads. */
  readonly parentId?: ChannelId;
  /** Set if it answers an interaction: it has no nonce, and no row of the outbox. */
  readonly toInteraction?: true;
  /** The nonce of our request; absent if another program posted it with our account. */
  readonly nonce?: string;
}

/** A message as a channel shows it: all that a channel's history has. */
export type PostedMessage = InboundMessage | OwnMessage;

/** How a person has spoken a message in a voice channel (V5). */
export interface Spoken {
  /** Length of the sound. */
  readonly seconds: number;
}

/** A turn of a message's sender alone, with their own accounts (T13a). */
export interface OwnTurn {
  /** The server whose tools it has. */
  readonly server: string;
  /** The channel in which the person asked; absent: direct messages. */
  readonly from?: {
    readonly channelId: ChannelId;
    readonly guildId: GuildId;
    readonly place: Place;
  };
}

/** The schedule whose run a message is (T12). */
export interface Scheduled {
  /** The store's number of the schedule. */
  readonly scheduleId: number;
  readonly dueAt: number;
  /** The agent that set it, which answers; absent in old ones: N2 decides. */
  readonly agentId?: string;
  /** Set if it began later, because the bot did not run then. */
  readonly isLate?: true;
}

/** Discord lacks a message that has one. */
export type Origin =
  /** A question by a command (K6). */
  | { readonly kind: "command" }
  /** A question by a command, or a message handed over, for the person's own accounts. */
  | { readonly kind: "own" } & OwnTurn
  | { readonly kind: "schedule" } & Scheduled
  /** The run of a passive agent (N1). */
  | { readonly kind: "passive" } & Triggered
  /** Events of another program (W3), or of a server (W7). */
  | { readonly kind: "hook" | "event" } & Hooked
  | { readonly kind: "speech" } & Spoken;

/**
 * What follows from an origin. Each turn counts for the budgets of its sender (X4): a hook is a sender
 * of its own.
 */
export interface Terms {
  /**
   * Whose tools it has: those of its sender in its place; of their own accounts alone, whose results
   * only they see (T13a); or those that the config names for its event (W3).
   */
  readonly rights: "sender" | "own accounts" | "config";
  /** What people see while the turn runs; typing with both. Lines would lack the mark of T13a. */
  readonly shows: "drafts and lines" | "drafts" | "nothing";
  /** How it is answered: only messages that are answered alike share a turn; absent: alone (S5). */
  readonly answered?: "in text" | "by voice";
  /** How its author learns that it gets no answer; absent: not there. No mark can reach a command. */
  readonly refused?: "by a mark" | "in words";
  /** Who learns that it failed: people where it would be answered, or in direct messages alone. */
  readonly failed: "told" | "told in direct messages" | "told to owners" | "told to no one";
  /** The message that its answer may reply to; absent: none, or the one that triggered it. */
  readonly quotes?: "itself" | "what it quotes";
  /** Which part hears of its end. */
  readonly ends?: "hooks" | "schedules";
  /** Set if its words choose no agent and no account (N2). */
  readonly isRouted?: true;
  /** Set if no person causes it now: it takes no one's place in the limit, and no one wrote its text. */
  readonly isUnasked?: true;
  /** Set if it waits in one half of each list, because the other half is for questions (X4). */
  readonly isBehindQuestions?: true;
  /** Set if a person wrote its text at Discord, and no one else has read or copied it. */
  readonly isTyped?: true;
}

const TYPED: Terms = {
  rights: "sender",
  shows: "drafts and lines",
  answered: "in text",
  refused: "by a mark",
  failed: "told",
  quotes: "itself",
  isTyped: true,
};

const OF_PROGRAM = {
  rights: "config",
  shows: "nothing",
  ends: "hooks",
  isRouted: true,
  isUnasked: true,
} as const;

/** `discord`: a message without an origin. */
export const TERMS: Readonly<Record<Origin["kind"] | "discord", Terms>> = {
  discord: TYPED,
  command: { ...TYPED, refused: "in words", quotes: "what it quotes" },
  own: {
    rights: "own accounts",
    shows: "drafts",
    answered: "in text",
    refused: "in words",
    failed: "told",
    quotes: "what it quotes",
  },
  schedule: {
    rights: "sender",
    shows: "drafts and lines",
    failed: "told in direct messages", // elsewhere, the owners learn of it
    ends: "schedules",
    isUnasked: true,
  },
  passive: {
    rights: "sender",
    shows: "nothing",
    failed: "told to no one",
    isRouted: true,
    isBehindQuestions: true,
  },
  hook: { ...OF_PROGRAM, failed: "told" }, // an alert must not be lost with its model
  event: { ...OF_PROGRAM, failed: "told to owners" },
  speech: { rights: "sender", shows: "nothing", answered: "by voice", failed: "told" },
};

interface WithOrigin {
  readonly origin?: Origin;
}

export function termsOf({ origin }: WithOrigin): Terms {
  return TERMS[origin?.kind ?? "discord"];
}

/** Whether Discord has the message, so that it can be quoted, marked and edited. */
export function isAtDiscord({ origin }: WithOrigin): boolean {
  return origin === undefined;
}

/** The origin of a message, if it is of that kind. */
export function cameBy<Kind extends Origin["kind"]>(
  { origin }: WithOrigin,
  kind: Kind,
): Extract<Origin, { readonly kind: Kind }> | undefined {
  return origin?.kind === kind ? origin as Extract<Origin, { readonly kind: Kind }> : undefined;
}

/** The events that a message is; `undefined`: it is none. */
export function hookedOf({ origin }: WithOrigin): Hooked | undefined {
  return origin?.kind === "hook" || origin?.kind === "event" ? origin : undefined;
}

/** The events on which a passive agent acts. */
export type TriggerKind = "pattern" | "reaction" | "command";

export interface Triggered {
  readonly agentId: string;
  readonly event: TriggerKind;
  /** Config path of the trigger: `"router.assignments.watcher.triggers[0]"`. */
  readonly rule: string;
  /** The message that matched, or that got the reaction. */
  readonly messageId: MessageId;
  /** Whether an active agent may answer that message: the run posts no text. */
  readonly isAnswered?: true;
}

const LOW_IDS = 2n ** 22n;

/** The id of the run of a message: a millisecond later than it. */
export function triggeredIdOf(messageId: MessageId, agentId: string): MessageId {
  const low = Number(BigInt(messageId) % LOW_IDS) + numberOf(agentId);
  return snowflakeAt<"message">(createdAtMs(messageId) + 1, low);
}

/** The id of the run of a reaction, which has no id of its own. */
export function reactionRunIdOf(
  reaction: readonly string[],
  agentId: string,
  now: number,
): MessageId {
  return snowflakeAt<"message">(now, numberOf([agentId, ...reaction].join(" ")));
}

/** A number of 32 bits that depends on each character (FNV-1a). */
function numberOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash;
}

/** Whether a person has added a reaction, or taken their own back. */
export type ReactionChange = "added" | "removed";

/** A change of one reaction. The bot's own reactions are none of these. */
export interface Reaction extends Pick<InboundMessage, "accountId" | "guildId" | "place"> {
  readonly kind: "reaction";
  readonly change: ReactionChange;
  /** Channel, thread or direct message channel of the message. */
  readonly channelId: ChannelId;
  readonly messageId: MessageId;
  /**
   * The person. Discord names a removed reaction's person, and one in a direct message, by id only;
   * the username is empty then.
   */
  readonly sender: Sender;
  /** `"👍"`, or `"<:name:id>"`. Untrusted. */
  readonly emoji: string;
  /** Who wrote the message; `unknown` if Discord does not tell. */
  readonly on: "own" | "other" | "unknown";
}

/** All reactions of a message, or those with one emoji, were removed by a moderator. */
export interface ReactionsCleared {
  readonly kind: "reactions_cleared";
  readonly messageId: MessageId;
  /** Absent: all of them. */
  readonly emoji?: string;
}

/** A reaction for the store, permitted as far as the policy alone can tell. */
export interface PermittedReaction {
  readonly change: ReactionChange;
  /** Channel, thread or direct message channel of the message. */
  readonly channelId: ChannelId;
  readonly messageId: MessageId;
  readonly userId: UserId;
  /** The person's name; empty if Discord did not tell. Untrusted. */
  readonly tag: string;
  readonly emoji: string;
  /** Facts of the store on which the permission depends; without them, nothing is kept. */
  readonly onlyIf: {
    /** The person is paired. */
    readonly isPaired?: true;
    /** The bot sent the message. */
    readonly isOwn?: true;
    /** The store keeps the added reaction. Its person could react at that time. */
    readonly isKnown?: true;
  };
}

/** Changes of reactions in one batch, in order. */
export type ReactionRecord = PermittedReaction | ReactionsCleared;

export interface ReactionNote
  extends Pick<PermittedReaction, "change" | "messageId" | "userId" | "tag" | "emoji"> {
  /** The message by the bot, or by another author, and its first words; absent if not stored. */
  readonly message?: {
    readonly by: "bot" | "other";
    readonly authorId?: string;
    readonly text: string;
  };
  readonly at: number;
}

/**
 * One character that is an emoji by itself, such as most. The set of all emoji takes 8 ms to build, and
 * a start must not pay for it.
 */
const SINGLE = /^(?!\p{Regional_Indicator})\p{Emoji_Presentation}$/u;
const WHOLE = /^\p{RGI_Emoji}$/v;
/** A Unicode emoji, with or without its variation selector, or a server's own as in a message. */
const WRITTEN = /^(?:\p{RGI_Emoji}|\p{Extended_Pictographic}\uFE0F?|<a?:\w{2,32}:\d{17,20}>)$/v;
const SELECTORS = /[\ufe0e\ufe0f]/g;
/** A character that is a picture only with the selector behind it. */
const PLAIN = /(?!\p{Emoji_Presentation})\p{Emoji}(?!\p{Emoji_Modifier})/gu;

/** Whether a text of the config is one emoji, or one of a server's own as `<:name:id>`. */
export function isWrittenEmoji(text: string): boolean {
  return SINGLE.test(text) || WRITTEN.test(text);
}

/**
 * An emoji with the variation selectors that Discord's own client writes: `"❤️"` and never `"❤"`,
 * `"👍"` and never `"👍️"`. Discord takes other spellings for another reaction, or refuses them.
 *
 * @param emoji Unicode, or `"<:name:id>"`, which stays.
 */
export function reactionEmoji(emoji: string): string {
  if (emoji.startsWith("<") || SINGLE.test(emoji) || WHOLE.test(emoji)) return emoji;
  const bare = emoji.replace(SELECTORS, "");
  const full = bare.replace(PLAIN, "$&\ufe0f");
  return [bare, full].find((one) => WHOLE.test(one)) ?? emoji;
}

/**
 * An emoji for the API's paths, not yet encoded: messages have `"<:name:id>"`, or `"<a:…>"` if
 * animated; the API takes `"name:id"`.
 */
export function emojiInPath(emoji: string): string {
  const [, custom] = /^<a?:(\w+:\d+)>$/.exec(emoji) ?? [];
  return custom ?? emoji;
}

/** The bot's own identity at Discord, from READY. */
export interface Self {
  readonly userId: UserId;
  readonly applicationId: ApplicationId;
  /** The bot's current user name. */
  readonly username: string;
}

export interface GatewaySession {
  /** Discord's id of the session, from READY. */
  readonly sessionId: string;
  /** WebSocket URL at which Discord resumes the session. */
  readonly resumeUrl: string;
  /** The durable sequence number: all events up to it are stored. */
  readonly seq: number;
  /**
   * Set if the store lost events that Discord has forgotten: the next connection opens a new
   * session (G5b).
   */
  readonly hasHole?: true;
}

export interface GuildSnapshot {
  readonly guildId: GuildId;
  /** A text that only `discord/gateway/` reads; `undefined` once the bot has left the guild. */
  readonly text: string | undefined;
}

/** A guild's names, for entries of the config that name its channels or roles. */
export interface GuildNames extends Named<GuildId> {
  /** Without threads, which anyone can name, and without categories, which have no messages. */
  readonly channels: readonly Named<ChannelId>[];
  readonly roles: readonly Named<RoleId>[];
}

/** A member that Discord returned for a search; it searches nicknames, too. */
export interface FoundMember {
  readonly userId: UserId;
  /** The member's user name, not the nickname. */
  readonly username: string;
  /** `"ada#1234"`; absent for accounts without a discriminator. */
  readonly tag?: string;
  /** Set for a bot, whose user name other bots may share. */
  readonly isBot?: true;
}

/**
 * Who may give a command. `everyone`: each person who may talk to the bot there. `session`: in a
 * guild, a person who may manage messages, or an owner; elsewhere, as `everyone`. `owner`: an
 * owner of the bot. `approver`: an approver.
 */
export type CommandNeeds = "everyone" | "session" | "owner" | "approver";

/** How a command is given (M4, K1). */
export interface CommandKind {
  readonly needs: CommandNeeds;
  /** Whether words may follow its name. */
  readonly takesWords: boolean;
}

export interface TextCommand {
  /** Lower case, without `/`. */
  readonly name: string;
  /** Its rights and whether it takes words. */
  readonly kind: CommandKind;
  /** The text after the name; empty if there is none. */
  readonly words: string;
}

/**
 * Reads a message as a command (K1). A text is one only as a whole: a sentence that mentions `/status`
 * gives none. The mention of the bot may precede it, unless the message
 * mentions others, too.
 */
export function commandIn(
  { text, mention, mentionsOthers }: {
    readonly text: string;
    readonly mention?: string;
    readonly mentionsOthers: boolean;
  },
  commands: ReadonlyMap<string, CommandKind>,
): TextCommand | undefined {
  if (commands.size === 0 || !text.includes("/")) return undefined; // most texts
  const isMentioned = mention !== undefined && !mentionsOthers;
  return commandOf(isMentioned ? text.replace(/^\s*<@[!&]?\d{1,20}>/, "") : text, commands);
}

/**
 * Reads a message as a command that Barnacle runs. Only people give commands: bots do not, and a
 * run of a schedule and a question by a command have texts of their own.
 */
export function textCommandIn(
  message: InboundMessage,
  commands: ReadonlyMap<string, CommandKind>,
): TextCommand | undefined {
  return !isAtDiscord(message) || message.sender.automaton
    ? undefined
    : commandIn(message, commands);
}

/**
 * Reads a text as a command: `"/forget me"`, `"/Forget: me"`, `"/status"`. Not `"/status now"`, since
 * `status` takes no words. Not `"/configure"`, since a command must match as a whole word.
 *
 * @returns `undefined` if the text is no command.
 */
export function commandOf(
  text: string,
  commands: ReadonlyMap<string, CommandKind>,
): TextCommand | undefined {
  if (commands.size === 0 || !/^\s*\//.test(text)) return undefined;
  const [, name = "", words = ""] = /^\/([\w-]+)(?:\s*:)?(?:\s+(.*))?$/s.exec(text.trim()) ?? [];
  const kind = commands.get(name.toLowerCase());
  if (!kind || (words !== "" && !kind.takesWords)) return undefined;
  return { name: name.toLowerCase(), kind, words };
}

export interface Interaction extends Pick<InboundMessage, "accountId" | "guildId" | "place"> {
  /** Id of the interaction, not of a message. */
  readonly id: string;
  /** Answers the interaction, for 15 minutes: a secret, which no log may have. */
  readonly token: string;
  /** The application that Discord sent it to; its webhook takes the answer. */
  readonly applicationId: ApplicationId;
  /** Channel, thread or direct message channel in which the person acted. */
  readonly channelId: ChannelId;
  /** The person who acted, as Discord names them; a client cannot forge this. */
  readonly sender: Sender;
  /**
   * Set if the bot is no member of the place: the person has installed the bot for themselves (K6).
   * The place is then a direct one, whatever it is at Discord.
   */
  readonly isElsewhere?: true;
  /** Set if the sender may manage messages in this channel; Discord tells it in guilds. */
  readonly managesMessages?: true;
  /** Set if the bot may not post in this channel: no answer of a turn can come. */
  readonly cannotAnswer?: true;
}

/** The part that all uses of components have in common. */
export interface OnComponent extends Interaction {
  /** Name of the component, without state. Untrusted: a client can send any text. */
  readonly customId: string;
  /** Set if the component's message is a card in Discord's second layout. */
  readonly isOnCard?: true;
}

export interface ButtonPress extends OnComponent {
  /** Tells this use from the others of {@link ComponentUse}. */
  readonly kind: "button";
  readonly messageId: MessageId;
}

/** A person chose options of a select menu. */
export interface Selection extends OnComponent {
  /** Tells this use from the others of {@link ComponentUse}. */
  readonly kind: "select";
  readonly messageId: MessageId;
  /** Values of the chosen options, or ids of chosen users, roles and channels. */
  readonly values: readonly string[];
}

export interface ModalSubmission extends OnComponent {
  /** Tells this use from the others of {@link ComponentUse}. */
  readonly kind: "modal";
  /** The message whose component has opened the modal; absent if a command has. */
  readonly messageId?: MessageId;
  /** The text of its field. Untrusted. */
  readonly text: string;
}

export type ComponentUse = ButtonPress | Selection | ModalSubmission;

export type OptionValue = string | number | boolean;

/** A command as a person gave it: from Discord's menu, or as a text message (K1). */
export interface CommandCall extends Omit<Interaction, "token" | "applicationId"> {
  /** Names of ids in its options and its message; absent: none. */
  readonly names?: InboundMessage["names"];
  /** Set if the person wrote it as a message, so that its id is that of the message. */
  readonly isText?: true;
  /** Name of the command as registered, without `/`: `"status"`. */
  readonly name: string;
  /** Name of its subcommand; absent if the command has none. */
  readonly subcommand?: string;
  /** Values by the option's name; options that the person left out are absent. */
  readonly options: Readonly<Record<string, OptionValue>>;
  /** The message on which a person gave a message command, or to which a text command replies. */
  readonly target?: CommandTarget;
}

/** A message that a command is about. Its text is untrusted. */
export interface CommandTarget extends Quoted {
  readonly channelId: ChannelId;
}

/** A slash command. The gateway's thread has deferred its answer, which only the asker sees. */
export interface SlashCommand extends Interaction, CommandCall {
  readonly kind: "slash";
}

/** A person types the value of an option, and Discord asks for suggestions (K2). */
export interface OptionTyping extends Interaction, CommandCall {
  /** Tells it from commands, which change something. */
  readonly kind: "typing";
  readonly typed: {
    readonly option: string;
    /** The text so far; may be empty. Untrusted. */
    readonly text: string;
  };
}

/** An interaction that does not fit: the gateway's thread has acknowledged it, so it gets an answer (K5). */
export interface UnreadInteraction {
  readonly kind: "unread";
  readonly id: string;
  /** As of an {@link Interaction}: a secret. */
  readonly token: string;
  readonly applicationId: ApplicationId;
  /** Names the field, and never its content. */
  readonly why: string;
  /** Whether Discord shows that an answer will follow: after a command or a form. */
  readonly isThinking: boolean;
}

/** Kind of content in a fence. The model should act only on a `message`, and read an `event`. */
export type FenceName =
  | "context"
  | "quoted"
  | "extras"
  | "message"
  | "event"
  | "file"
  | "result"
  | "summary"
  | "transcript";

export interface Part {
  /** As the model reads it, escaped for its fence. */
  readonly text: string;
  /** Neighbours of one fence stand in it together; absent: a line of Barnacle's own. */
  readonly fence?: FenceName;
  /** Who wrote a `message`, as its line says. */
  readonly from?: string;
  /** Whether it says that the turn shows an image; absent: no. */
  readonly isImage?: boolean;
  /**
   * Ids of the messages, people and events that its words are from; none if they are Barnacle's own.
   * Absent: unknown, so that its whole turn goes with any person.
   */
  readonly of?: readonly string[];
}

/** A text with its parts. */
export interface PartedText {
  readonly text: string;
  readonly parts: readonly Part[];
  /** Boundary of its fences. */
  readonly boundary: string;
}

/** The text of parts, as the model reads it. */
export function partedText(parts: readonly Part[], boundary: string): PartedText {
  const lines: string[] = [];
  let open: FenceName | undefined;
  for (const { fence, text } of [...parts, { fence: undefined, text: "" }]) {
    if (fence !== open) {
      if (open) lines.push(`</${open}>`);
      if (fence) lines.push(`<${fence} boundary="${boundary}">`);
      open = fence;
    }
    lines.push(text);
  }
  lines.pop(); // of the end that closes the last fence
  return { text: lines.join("\n"), parts, boundary };
}

/** Why a session began anew: once a day, after an idle time, or by a command (S4a). */
export type ResetCause = "daily" | "idle" | "command";

/**
 * Why entries were folded: the window was full, the model's server refused the request, or a person
 * asked for it.
 */
export type FoldCause = "full" | "refused" | "command";

/** A summary of all entries since the last reset, up to a checkpoint. */
export interface Summary {
  /** Boundary of the fence around the text: always the same one, so that providers can cache it. */
  readonly boundary: string;
  /** Text by the model about words of people. Untrusted. */
  readonly text: string;
  /** Whether no model wrote it: then it has the first words of each message; absent: one did. */
  readonly isPlain?: boolean;
}

/** The newest checkpoint of a session. */
export interface Checkpoint {
  /** Absent after a reset: then the model knows nothing of earlier entries. */
  readonly summary?: Summary;
  readonly at: number;
}

/** Entries of a session since its newest checkpoint. */
export interface OpenEntries {
  /** Number of entries that are older than these, but newer than the checkpoint. */
  readonly older: number;
  /** The newest ones, oldest first. */
  readonly entries: readonly Entry[];
  /** How often people have changed words in entries of the session, in this process; absent: never. */
  readonly changes?: number;
}

/**
 * The oldest entries of a session since its newest checkpoint, up to the end of a turn. The range
 * has no numbers of the store: the newest entries may be stored without one.
 */
export interface FoldRange {
  /** Number of entries, from the first one after the checkpoint. */
  readonly count: number;
  /**
   * The last of them. If a checkpoint was added or entries were removed, another entry is at this
   * position.
   */
  readonly last: { readonly messageId: MessageId; readonly role: Entry["role"] };
}

export interface Fold extends FoldRange, Pick<OpenEntries, "changes"> {
  readonly agentId: string;
  readonly sessionKey: string;
  readonly cause: FoldCause;
  /** The summary of all entries since the last reset. */
  readonly summary: Summary;
  /** Id of the model that wrote it; absent if none did. */
  readonly modelId?: string;
}

export interface Folded {
  /** Number of folded entries since the last reset; 0 if there are none. */
  readonly entries: number;
  /** Number of messages to which these entries belong. */
  readonly messages: number;
  /** UTF-16 units of the summary. */
  readonly summaryChars: number;
  /** When the newest of them were folded, as Unix time in milliseconds; absent if there are none. */
  readonly at?: number;
  /** Whether no model wrote the summary; absent: one did. */
  readonly isPlain?: boolean;
}

/**
 * One entry of a session's history: a message as the model read or wrote it. The text of a `user`
 * entry is that of its parts (H3), that of a `tool` entry the result, shortened for later turns.
 */
export type Entry = ModelMessage & Partial<PartedText> & {
  /** The message to the bot, or the message that the turn of this entry answers. */
  readonly messageId: MessageId;
  readonly at: number;
  /** Whether its turn showed images, of an entry without its parts; absent: no. */
  readonly showsImages?: boolean;
};

/** A message in a channel that was not addressed to the bot (H1). */
export interface Overheard {
  readonly messageId: MessageId;
  /** The author as {@link labelOf} writes it. Untrusted. */
  readonly tag: string;
  readonly authorId: UserId;
  /** The text, with a line for each extra. Untrusted. */
  readonly text: string;
  /** The message that it replies to; absent if it is no reply. */
  readonly replyTo?: MessageId;
  /** The message that it forwards; absent: none. */
  readonly forwards?: MessageId;
  /** Unix time in milliseconds, from the message's id. */
  readonly sentAt: number;
}

/**
 * The name by which a model knows a sender: `"ada"`, `"ada#1234"`, or `"Aria (PK:The Crew)"` for a
 * PluralKit member (P13). Members choose their names, so only we may write parentheses.
 */
export function labelOf({ username, tag, pluralkit }: Sender): string {
  if (!pluralkit) return tag ?? username;
  const { name, displayName = name, system } = pluralkit;
  return `${plainName(displayName)} (${system === undefined ? "PK" : `PK:${plainName(system)}`})`;
}

/** Whether a message, or the one that it replies to, has files. */
export function hasFiles({ attachments, quoted }: InboundMessage): boolean {
  return (attachments?.length ?? 0) > 0 || (quoted?.attachments?.length ?? 0) > 0;
}

/** A message's text, with a line for each other part. */
export function withExtras({ text, extras }: Pick<InboundMessage, "text" | "extras">): string {
  return [text, ...extras.map((extra) => `[${extra.kind}: ${extra.text}]`)]
    .filter((part) => part !== "")
    .join("\n");
}

/** Keeps of a message its text, and a line for each extra. */
export function toOverheard(
  { id, sender, text, extras, quoted, forwards, sentAt, names }: InboundMessage,
): Overheard {
  return {
    messageId: id,
    tag: labelOf(sender),
    authorId: sender.id,
    text: withNames(withExtras({ text, extras }), names),
    replyTo: quoted?.id,
    sentAt,
    ...(forwards && { forwards }),
  };
}

/** Whether each word of a text stands in some others. */
export function hasOnlyWordsOf(text: string, texts: readonly string[]): boolean {
  const wordsOf = (one: string) => one.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return new Set(wordsOf(text)).isSubsetOf(new Set(texts.flatMap(wordsOf)));
}

/** Names by id: `"@5"` is a person, `"@&5"` a role, `"#5"` a channel. Untrusted. Empty: the bot. */
export type MentionNames = Readonly<Record<string, string>>;

/** A name with an id that a person has typed: a model must not take it for ours. */
const TYPED_NAME =
  /((?:[@#]|\[(?:from|in reply to): )[^\n@#()<>[\]"\\]{1,100}) \((?=(?:role )?\d{17,20}\))/g;

/** Discord's markup for people, roles and channels. */
export const MENTION = /<(@&|@|#)!?(\d{1,20})>/g;
const OTHER =
  /<a?(:\w{1,32}:)\d{1,20}>|<(\/[^<>:\n]{1,100}):\d{1,20}>|<t:(-?\d{1,12})(?::[A-Za-z])?>/g;

/**
 * A text as people see it: `@ada (5)`, `@Moderators (role 5)`, `#plans (5)`, `:krill:`, `/help`,
 * and `@you` for the bot. Markup stays where the name is unknown, and times without `timeOf`.
 */
export function readable(
  text: string,
  names: MentionNames = {},
  timeOf?: (at: number) => string,
): string {
  return withPlainMarkup(withNames(text, names), timeOf);
}

/** As {@link readable}, with the markup of emojis, commands and times. */
function withNames(text: string, names: MentionNames = {}): string {
  const typed = text.includes("(") ? text.replace(TYPED_NAME, "$1\u00a0(") : text;
  if (!typed.includes("<")) return typed; // most texts
  return typed.replace(MENTION, (markup, sign: string, id: string) => {
    const name = names[`${sign}${id}`];
    if (name === undefined) return markup;
    return name === "" ? "@you" : `${sign[0]}${plainName(name)} (${sign[1] ? "role " : ""}${id})`;
  });
}

/** Shows emojis and commands, and times with `timeOf`, as people see them. */
export function withPlainMarkup(text: string, timeOf?: (at: number) => string): string {
  if (!text.includes("<")) return text; // most texts
  return text.replace(
    OTHER,
    (markup, emoji?: string, command?: string, seconds?: string) =>
      emoji ?? command ?? timeOf?.(Number(seconds) * 1_000) ?? markup,
  );
}

const EMOJI = /<a?:(\w{2,32}):\d{1,20}>/g;
/** Maximum number of emojis that the model reads with their ids in one place. */
const MAX_EMOJIS = 20;

/** The servers' own emojis in texts, as a model reads them beside `:krill:`: `"<:krill:12>"`. */
export function emojisIn(texts: readonly string[]): string | undefined {
  const found = texts.flatMap((text) => text.match(EMOJI) ?? []); // most texts have none
  return found.length === 0 ? undefined : [...new Set(found)].slice(0, MAX_EMOJIS).join(" ");
}

/** Makes emojis of the names of emojis that the model has read with their ids (R4). */
export function withEmojis(
  text: string,
  isCode: (at: number) => boolean,
  texts: () => readonly string[],
): string {
  if (!/:\w{2,32}:/.test(text)) return text; // most answers
  const all = texts().flatMap((one) => [...one.matchAll(EMOJI)]);
  const known = new Map(all.map(([markup, name]) => [name, markup]));
  return known.size === 0 ? text : text.replace(
    new RegExp(`${LINK}|<[^<>\\s]{1,100}>|(?<!\\w):(?<emoji>\\w{2,32}):(?!\\w)`, "g"),
    (found, _link, emoji: string | undefined, at: number) =>
      emoji === undefined || isCode(at) ? found : known.get(emoji) ?? found,
  );
}

/** People choose their names, so only we may write brackets, signs, quotes and line breaks. */
export function plainName(name: string): string {
  return name.replace(/[([<]/g, "‹").replace(/[)\]>]/g, "›").replace(/["\\]/g, "'")
    .replace(/@/g, "").replace(/#/g, "＃").replace(/\s/g, " ") || "?";
}

/** A name with its id as a model reads it: in a text, in a line about an author, in the context. */
const READ =
  /(?:([@#])|\[(?:from|in reply to): |"from":")([^\n@#()<>[\]"\\]{1,100})(?: \(|","from_id":")(role )?(\d{17,20})[)"]/g;
const LINK = String.raw`(?<link>https?:\/\/[^\s<>]+|\[[^[\]\n]*\]\([^()\n]*\))`;
const BEGIN = String.raw`(?<![\p{L}\p{N}_<@#/.-])`; // not within a word or an address
const NAMES = new RegExp(`${BEGIN}[@#]?(?=[^\\s@#])`, "gu");

/**
 * Makes mentions of names with ids that the model has read, and of bare names in `named`: of a
 * person or role only if the answer may ping it (R4). `isCode`: whether a position shows no mention.
 */
export function clickable(
  text: string,
  isCode: (at: number) => boolean,
  texts: () => readonly string[] = () => [],
  named: readonly (readonly [key: string, name: string])[] = [],
  { users, roles }: MayPing = { users: [], roles: [] },
): string {
  if (!/[@#][\p{L}\p{N}]|\(\d{17}/u.test(text)) return text; // most answers
  const known = new Map<string, string>(); // mentions by id, and by name and id
  const labels = new Map<string, string>(); // mentions by bare name
  const learn = (key: string, id: string, name: string) =>
    known.set(id, `<${key}>`).set(`${name} ${id}`, `<${key}>`);
  const ids = new Set(text.match(/\d{17,20}/g)); // only these can be repeated
  const read = ids.size === 0
    ? []
    : texts().filter((one) => [...ids].some((id) => one.includes(id)));
  for (const [, sign = "@", name = "", role, id = ""] of read.join("\n").matchAll(READ)) {
    learn(`${sign}${role ? "&" : ""}${id}`, id, name);
  }
  for (const [key, name] of named) {
    learn(key, key.replace(/^\D+/, ""), name);
    const [label, to] = [`${key[0]}${name}`, `<${key}>`];
    labels.set(label, (labels.get(label) ?? to) === to ? to : label); // two may have one name
  }
  const open = [...users.map((id) => `<@${id}>`), ...roles.map((id) => `<@&${id}>`)];
  const bare = [...labels].filter(([, to]) => to.startsWith("<#") || open.includes(to))
    .sort(([one], [other]) => other.length - one.length)
    .map(([label]) => `|${RegExp.escape(label)}`).join("");
  const whole = String.raw`(?:[@#]\d{17,20}${bare})(?![.・-]?[\p{L}\p{M}\p{N}_])`;
  const name = String.raw`${BEGIN}(?=(?<bare>${whole}))\k<bare>`;
  const id = String.raw` \((?:role )?(?<id>\d{17,20})\)`;
  const pattern = String.raw`${LINK}|${id}|${name}(?![*~"',]* \((?:role )?\d{17})`;
  let [sent, last] = ["", 0];
  for (const { 0: { length }, index, groups = {} } of text.matchAll(new RegExp(pattern, "gu"))) {
    const { link, id, bare = "" } = groups;
    let [from, to] = [index, link ?? labels.get(bare) ?? known.get(bare.slice(1))];
    const before = id ? text.slice(Math.max(last, index - 110), index) : "";
    const [marks = ""] = /[*~"',]*$/.exec(before) ?? [];
    for (const { 0: sign, index: at } of before.matchAll(NAMES)) {
      const name = before.slice(at + sign.length, before.length - marks.length);
      to = known.get(`${name} ${id}`) ?? (sign && !/\s/.test(name) ? known.get(`${id}`) : to);
      from = index - before.length + at;
      if (to) break;
    }
    if (!to || isCode(from)) continue;
    sent += `${text.slice(last, from)}${to}${marks}`;
    last = index + length;
  }
  return sent + text.slice(last);
}
