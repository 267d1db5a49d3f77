/**
 * Reactions to messages: as the gateway brings them, as the store keeps them, and as a turn sees
 * them (H5).
 */

import type { ChannelId, MessageId, UserId } from "../discord/ids.ts";
import type { InboundMessage, Sender } from "./inbound.ts";

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
