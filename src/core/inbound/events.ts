/**
 * Events from the gateway, in one union: a batch holds them in the order in which Discord sent
 * them. Reactions are also as the store keeps them, and as a turn sees them (H5).
 *
 * A handler table has one entry for each kind, so a new kind does not compile until each table has
 * its handler.
 */

import type { AccountId, ChannelId, GuildId, MessageId, UserId } from "../discord/ids.ts";
import type { ServerEvent } from "../hooks/hook.ts";
import type {
  GatewaySession,
  GuildSnapshot,
  InboundMessage,
  Named,
  OwnMessage,
  Self,
  Sender,
} from "./inbound.ts";
import type { ComponentUse, OptionTyping, SlashCommand } from "./interactions.ts";

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
  readonly shardId: number;
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
