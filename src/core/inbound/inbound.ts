/**
 * What reaches Barnacle, in Barnacle's own words.
 *
 * `discord/gateway/` alone makes these, from the socket and from the history
 * that `discord/rest/` reads; everything after it is spared Discord's payloads.
 * All of it survives `JSON.stringify`, for the inbox keeps it.
 *
 * @module
 */

import type {
  AccountId,
  ApplicationId,
  ChannelId,
  GuildId,
  MessageId,
  RoleId,
  UserId,
} from "../discord/ids.ts";

/**
 * Who wrote a message, as far as policy may care. Display names and nicknames
 * are left out: anybody can take one.
 */
export interface Sender {
  /** The account; of a proxied message, the one that PluralKit names. */
  readonly id: UserId;
  /** Unique among accounts: `"ada"`. */
  readonly username: string;
  /** `"ada#1234"`; only accounts that still have a discriminator have one. */
  readonly tag?: string;
  /** Held in the guild of the message; empty in direct messages. */
  readonly roles: readonly Role[];
  /** What speaks here, where it is no person: ignored, or judged by rules of its own (P11). */
  readonly automaton?: "bot" | "webhook";
  /** Of a webhook, the application that made it, where one did. */
  readonly applicationId?: ApplicationId;
  /** Set when PluralKit proxied the message for a member of a system. */
  readonly pluralkit?: PluralkitMember;
}

export interface Role {
  readonly id: RoleId;
  /** Absent where the guild has another role of that name (P14), or does not tell. */
  readonly name?: string;
}

export interface PluralkitMember {
  /** PluralKit's own id, such as `"abcde"`. */
  readonly memberId: string;
  readonly name: string;
  /** The system's name, where it has one: people read `Member (PK:System)`. */
  readonly system?: string;
}

/** Something with an id and a name that people may use for it. */
export interface Named<Id> {
  readonly id: Id;
  readonly name: string;
}

/** Where a message was written. A message without a guild is never a guild's (P2). */
export type Place =
  | { readonly kind: "dm" }
  | { readonly kind: "group_dm"; readonly name?: string }
  | GuildPlace;

export interface GuildPlace {
  readonly kind: "guild";
  readonly guild: Named<GuildId>;
  /** Of a message in a thread, the thread's parent. */
  readonly channel: Named<ChannelId>;
  readonly thread?: Named<ChannelId>;
  /** The channel's topic: untrusted, as every name is (H4). */
  readonly topic?: string;
  /**
   * Set where the guild, the channel or its parent is not known: names are ids then, and without
   * `thread` the channel may be a thread. Only a rule by the place's own id speaks of it for sure.
   */
  readonly isUnknown?: true;
}

/** How a message addresses the bot, patterns apart (M2). */
export type Mention = "user" | "role" | "reply";

/** Something that a message carries beside its text, described in words for a model (H3). */
export interface Extra {
  readonly kind: "attachment" | "sticker" | "poll" | "embed" | "components" | "forward";
  /** Untrusted text: `"cat.png (image/png, 12 kB)"`. */
  readonly text: string;
}

/** The message that another one replies to. */
export interface Quoted {
  readonly id: MessageId;
  /** Absent where Discord does not show it: deleted, or not loaded. */
  readonly author?: { readonly id: UserId; readonly tag: string };
  readonly text: string;
}

/** A message that someone other than this bot wrote. */
export interface InboundMessage {
  readonly kind: "message";
  /** Which of our accounts saw it. */
  readonly accountId: AccountId;
  readonly id: MessageId;
  /** 0 as first sent, 1 if it was edited before it was read: Discord does not tell how often. */
  readonly revision: number;
  /** Where a reply goes (S3): a thread's id, where it was written in a thread. */
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  readonly place: Place;
  readonly sender: Sender;
  readonly text: string;
  /** Unix time in milliseconds, from the message's id. */
  readonly sentAt: number;
  readonly mention?: Mention;
  /** Whether it mentions somebody who is not the bot. */
  readonly mentionsOthers: boolean;
  readonly quoted?: Quoted;
  readonly extras: readonly Extra[];
}

/** Our own message, seen on the gateway: Discord has it, which settles its outbox row. */
export interface OwnMessage {
  readonly kind: "own_message";
  readonly accountId: AccountId;
  readonly id: MessageId;
  readonly channelId: ChannelId;
  /** What we sent it with; absent on what a person made the bot post in another way. */
  readonly nonce?: string;
}

/** A message as a channel shows it: all that a channel's history has. */
export type PostedMessage = InboundMessage | OwnMessage;

/** Who we are at Discord. */
export interface Self {
  readonly userId: UserId;
  readonly applicationId: ApplicationId;
  readonly username: string;
}

/** What RESUME needs. */
export interface GatewaySession {
  readonly sessionId: string;
  readonly resumeUrl: string;
  /** The last sequence number whose events are stored. */
  readonly seq: number;
  /** Set where Discord has forgotten events that the store has lost: a new session is due (G5b). */
  readonly hasHole?: true;
}

/** What is kept of a guild, as text that only `discord/gateway/` reads; `undefined` once it is left. */
export interface GuildSnapshot {
  readonly guildId: GuildId;
  readonly text: string | undefined;
}
