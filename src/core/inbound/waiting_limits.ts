/**
 * The limits of waiting turns (X4): how many of a person and of a channel may wait, and what they are
 * for messages from an absence of the bot (G6).
 */

import type { InboundMessage } from "./inbound.ts";

/**
 * Why a message gets no answer that would have got one: X4, or the limits of catch-up (G6). `refused`:
 * its sender knows the reason from an earlier line, about a spent budget or a right that is missing.
 */
export type UnansweredReason = "queue-full" | "too-old" | "too-many" | "refused";

/** A list of open turns that can be full: those of one sender, or those of one channel. */
export type FullList = "user" | "channel";

/** Maximum numbers of waiting turns: `messages.queue`. */
export interface WaitingLimits {
  /** Waiting turns of one sender with one account, over all channels. */
  readonly perUser: number;
  /** Waiting turns of one channel with one account. */
  readonly perChannel: number;
  /** Open turns of each other person that count in a channel; default: {@link shareOf}. */
  readonly share?: number;
  /** Turns of one channel that run side by side. */
  readonly turnsPerChannel: number;
  /** Config path of `perChannel`, unless it is that of {@link LIMIT_RULES}. */
  readonly channelRule?: string;
}

/** Everything that the store needs to refuse a message. */
export interface WaitingRules extends WaitingLimits {
  /** Whether the sender is an owner: messages of others must not keep owners out of a channel. */
  readonly isOwner: (message: Pick<InboundMessage, "sender">) => boolean;
}

/**
 * Numbers of open turns: accepted, and neither answered nor given up. Messages that one turn
 * answers together count once.
 */
interface OpenTurns {
  /** Of the sender, with this account, in all channels. */
  readonly ofUser: number;
  /** Of the channel, with this account; of each other person, {@link shareOf} at most. */
  readonly inChannel: number;
}

/**
 * Decides whether one more turn may wait.
 *
 * Of the open turns of a person, the oldest one runs or is the next to run; of those of a channel, as
 * many as may run side by side. The others wait. So the result does not depend on when exactly a turn
 * begins.
 *
 * @returns The full list, that of the sender first; `undefined` if the turn may wait.
 */
export function fullList(open: OpenTurns, limits: WaitingLimits): FullList | undefined {
  if (open.ofUser - 1 >= limits.perUser) return "user";
  if (open.inChannel - limits.turnsPerChannel >= limits.perChannel) return "channel";
  return undefined;
}

/**
 * How many open turns of another person count in a channel: as many as a person may have, and one
 * fewer than the channel takes. So the turns that one person has from an absence keep no one out.
 */
export function shareOf({ share, perUser, perChannel, turnsPerChannel }: WaitingLimits): number {
  return share ?? Math.min(perUser + 1, perChannel + turnsPerChannel - 1);
}

/**
 * How messages arrive, for the limits of waiting turns: as they are written; after a RESUME, which
 * replays them; or from a channel's history.
 */
export type MessageOrigin = "live" | "replayed" | "history";

/** Config path of the limits of messages from an absence (G6). */
export const CATCH_UP_RULES = "channels.discord.gateway.catchUp";

/** Config path of the limit of a list. */
export const LIMIT_RULES: Readonly<Record<FullList, string>> = {
  user: "messages.queue.perUser",
  channel: "messages.queue.perChannel",
};
