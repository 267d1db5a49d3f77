/**
 * Changes of messages after their arrival: edits, deletions, and requests to stop (H6, S5).
 *
 * T1 stores them in the order in which Discord sent them. So a change is acknowledged only once it
 * cannot be lost.
 *
 * @module
 */

import type { AccountId, ChannelId, MessageId, UserId } from "../discord/ids.ts";
import type { InboundMessage } from "./inbound.ts";
import type { Verdict } from "./verdict.ts";

/** A change of messages in one channel. */
export type MessageChange =
  /** `verdict`: that of the policy about the message as it is now. */
  | { readonly kind: "edited"; readonly message: InboundMessage; readonly verdict: Verdict }
  | {
    readonly kind: "deleted";
    readonly channelId: ChannelId;
    readonly messageIds: readonly MessageId[];
  };

/** The turns that a person stops: those of a channel, all or only that person's own. */
export interface StopScope {
  /** The account that answers there. */
  readonly accountId: AccountId;
  /** Channel, thread or direct message channel of the turns; absent: all. */
  readonly channelId?: ChannelId;
  /** Only turns for messages of this user; absent: all. */
  readonly userId?: UserId;
  /** A message whose turn goes on: that of the command itself. */
  readonly except?: MessageId;
}

/** How a message lost its turn before an answer. */
export type CutEnd =
  /** The sender has deleted it, or has edited it into a message that gets no answer (H6). */
  | "cancelled"
  /** A person has stopped the turn (S5). */
  | "stopped";

/** The result of changes. */
export interface Changed {
  /**
   * Messages that wait or run, and whose text changed or whose turn ended. A running turn of such a
   * message must end without an answer; if the message has not lost it, the turn begins anew.
   */
  readonly touched: readonly MessageId[];
  /** Those of them that have lost their turn for good. */
  readonly cut: readonly MessageId[];
  /** Channels in which drafts are to be removed. */
  readonly channels: readonly ChannelId[];
}

/** The result of changes without effect on any turn. */
export const NOTHING_CHANGED: Changed = { touched: [], cut: [], channels: [] };
