/**
 * Finds the channels that may have missed messages, and judges those messages.
 *
 * A gap begins at the newest message stored before it, and a little earlier: messages may be
 * dispatched out of order, and known ones are ignored by their id. Missed messages are judged as
 * any other, but Barnacle does not answer all of them. An answer that is hours late, or a hundred
 * answers at once, are worse than none.
 *
 * @module
 */

import {
  type ChannelId,
  createdAtMs,
  type GuildId,
  type MessageId,
} from "../../core/discord/ids.ts";
import type { GuildPlace, InboundMessage } from "../../core/inbound/inbound.ts";
import type { IgnoreReason, Verdict } from "../../core/inbound/verdict.ts";

/** A channel that may contain missed messages. */
export interface MissedChannel {
  /** Id of the channel, thread or direct message channel. */
  readonly id: ChannelId;
  /** Absent for a direct message channel. */
  readonly guildId?: GuildId;
  /** The channel with its names; absent for a direct message channel. */
  readonly place?: GuildPlace;
  /** Newest message, as far as Discord has reported; absent if unknown. */
  readonly lastMessageId?: MessageId | "none";
}

/** Milliseconds by which reading goes back before the gap. */
const MARGIN_MS = 10_000;

/** `channels.discord.gateway.catchUp`: which missed messages may get an answer. */
export interface CatchUpLimits {
  /** Maximum age of a message in milliseconds. */
  readonly maxAgeMs: number;
  /** Maximum number of messages per channel; if there are more, the newest ones. */
  readonly maxPerChannel: number;
}

/**
 * How far to read back.
 *
 * @param from Unix time in milliseconds of the newest message stored before the gap.
 * @returns Unix time in milliseconds.
 */
export function endOfReading(from: number): number {
  return from - MARGIN_MS;
}

/**
 * Whether a channel may have messages since then; true if unknown.
 *
 * @param since Unix time in milliseconds.
 */
export function mayHaveMissed({ lastMessageId }: MissedChannel, since: number): boolean {
  if (lastMessageId === "none") return false;
  return lastMessageId === undefined || createdAtMs(lastMessageId) > since;
}

/** A channel's name for the log. */
export function nameOf({ id, place }: MissedChannel): string {
  return place ? `#${(place.thread ?? place.channel).name}` : `the direct messages ${id}`;
}

const RULES = "channels.discord.gateway.catchUp";

/**
 * Changes the verdict on a missed message that must not be answered.
 *
 * It changes only verdicts that accept, or may accept later. A later turn may see an accepted
 * message all the same. An undecided one stays out of it.
 *
 * @param isAmongNewest Whether it is one of the newest `maxPerChannel` messages of its channel.
 * @param limits `now` is Unix time in milliseconds.
 */
export function judgeMissed(
  verdict: Verdict,
  { sentAt }: Pick<InboundMessage, "sentAt">,
  isAmongNewest: boolean,
  { now, maxAgeMs }: { readonly now: number; readonly maxAgeMs: number },
): Verdict {
  if (verdict.kind === "ignore") return verdict;
  const leave = (why: IgnoreReason, key: string): Verdict => ({
    kind: "ignore",
    why,
    rule: `${RULES}.${key}`,
    keepAsContext: verdict.kind === "accept",
  });
  if (now - sentAt > maxAgeMs) return leave("too-old", "maxAgeMin");
  return isAmongNewest ? verdict : leave("too-many", "maxPerChannel");
}
