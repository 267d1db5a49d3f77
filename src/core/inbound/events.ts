/**
 * Events from the gateway, in one union: a batch holds them in the order in which Discord sent
 * them.
 *
 * A handler table has one entry for each kind, so a new kind does not compile until each table has
 * its handler.
 */

import type { AccountId, ChannelId, GuildId, MessageId, UserId } from "../discord/ids.ts";
import type {
  GatewaySession,
  GuildSnapshot,
  InboundMessage,
  Named,
  OwnMessage,
  Self,
} from "./inbound.ts";
import type { ComponentUse, OptionTyping, SlashCommand } from "./interactions.ts";
import type { ServerEvent } from "../hooks/server_event.ts";
import type { Reaction, ReactionsCleared } from "./reactions.ts";

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
