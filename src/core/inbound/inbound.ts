/**
 * Discord's events in Barnacle's own types.
 *
 * Only `discord/gateway/` makes them, from the socket and from the history that `discord/rest/`
 * reads. No later code needs to know Discord's payloads. All of them survive `JSON.stringify`,
 * because the inbox keeps them.
 *
 * Its id follows from the message that a trigger matched, so a crash or a repeated event makes no
 * second run.
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
import type { Hooked } from "../hooks/hook.ts";
import type { Attachment } from "../turn/media.ts";
import type { MentionNames } from "./mentions.ts";

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
  readonly from?: Pick<InboundMessage, "channelId" | "place"> & { readonly guildId: GuildId };
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

/** What follows from an origin. */
export interface Terms {
  /** What people see while the turn runs; typing with both. Lines would lack the mark of T13a. */
  readonly shows: "drafts and lines" | "drafts" | "nothing";
  /** How it is answered: only messages that are answered alike share a turn; absent: alone (S5). */
  readonly answered?: "in text" | "by voice";
  /** How its author learns that it gets no answer; absent: not there. No mark can reach a command. */
  readonly refused?: "by a mark" | "in words";
  /** Whether people read that it failed, where it would be answered. */
  readonly failed: "told" | "told in direct messages" | "silent";
  /** Set if its words choose no agent and no account (N2). */
  readonly isRouted?: true;
  /** Set if no person causes it now: it takes no one's place in the limit, and no one wrote its text. */
  readonly isUnasked?: true;
}

const TYPED: Terms = {
  shows: "drafts and lines",
  answered: "in text",
  refused: "by a mark",
  failed: "told",
};

/** `discord`: a message without an origin. */
export const TERMS: Readonly<Record<Origin["kind"] | "discord", Terms>> = {
  discord: TYPED,
  command: { ...TYPED, refused: "in words" },
  own: { ...TYPED, refused: "in words", shows: "drafts" },
  // Elsewhere, the owners of the bot learn of a failure.
  schedule: { shows: "drafts and lines", failed: "told in direct messages", isUnasked: true },
  passive: { shows: "nothing", failed: "silent", isRouted: true },
  // With its own words: an alert must not be lost with its model.
  hook: { shows: "nothing", failed: "told", isRouted: true, isUnasked: true },
  event: { shows: "nothing", failed: "silent", isRouted: true, isUnasked: true },
  speech: { shows: "nothing", answered: "by voice", failed: "told" },
};

type WithOrigin = Pick<InboundMessage, "origin">;

export function termsOf({ origin }: WithOrigin): Terms {
  return TERMS[origin?.kind ?? "discord"];
}

/** Whether Discord has the message, so that it can be quoted, marked and edited. */
export function isAtDiscord({ origin }: WithOrigin): boolean {
  return origin === undefined;
}

/** Whether a person wrote its text at Discord, and no one else has read or copied it. */
export function isTyped({ origin }: WithOrigin): boolean {
  return origin === undefined || origin.kind === "command";
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
