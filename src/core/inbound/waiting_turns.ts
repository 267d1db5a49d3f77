/**
 * Limits how many turns of one person, and of one channel, may wait (X4).
 *
 * These are the rules, over plain facts. The store applies them within the transaction that records
 * a message, because only the store knows all open turns.
 *
 * @module
 */

import type { Frozen } from "../outbound/outbound.ts";
import type { InboundMessage } from "./inbound.ts";

/** A list of open turns that can be full: those of one sender, or those of one channel. */
export type FullList = "user" | "channel";

/** Maximum numbers of waiting turns: `messages.queue`. */
export interface WaitingLimits {
  /** Waiting turns of one sender with one account, over all channels. */
  readonly perUser: number;
  /** Waiting turns of one channel with one account. */
  readonly perChannel: number;
}

/** Everything that the store needs to refuse a message. */
export interface WaitingRules extends WaitingLimits {
  /** Composes the messages that tell a sender of a refusal. */
  readonly refusal: (message: InboundMessage) => readonly Frozen[];
}

/**
 * Numbers of open turns: accepted, and neither answered nor given up. Messages that one turn
 * answers together count once.
 */
export interface OpenTurns {
  /** Of the sender, with this account, in all channels. */
  readonly ofUser: number;
  /** Of the channel, with this account. */
  readonly inChannel: number;
}

/**
 * Decides whether one more turn may wait.
 *
 * Of the open turns of a person or a channel, the oldest one runs or is the next to run. The others
 * wait. So the result does not depend on when exactly a turn begins.
 *
 * @returns The full list, that of the sender first; `undefined` if the turn may wait.
 */
export function fullList(open: OpenTurns, limits: WaitingLimits): FullList | undefined {
  if (open.ofUser - 1 >= limits.perUser) return "user";
  if (open.inChannel - 1 >= limits.perChannel) return "channel";
  return undefined;
}

/** Config path of the limit of a list. */
export const LIMIT_RULES: Readonly<Record<FullList, string>> = {
  user: "messages.queue.perUser",
  channel: "messages.queue.perChannel",
};
