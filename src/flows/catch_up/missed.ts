/**
 * What may have been missed, and what becomes of it.
 *
 * A gap begins at the newest message that was stored before it, and a little
 * earlier: messages may be dispatched out of order, and what is known already
 * is ignored by its id. What people said is judged like anything else, but not
 * all of it is answered: an answer that comes hours late, or a hundred of them
 * at once, is worse than none.
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

/** A channel that may hold what was missed. */
export interface MissedChannel {
  readonly id: ChannelId;
  /** Absent of a direct one. */
  readonly guildId?: GuildId;
  readonly place?: GuildPlace;
  /** What was said last, as far as is known. */
  readonly lastMessageId?: MessageId | "none";
}

/** How far back the start of a gap is moved, in milliseconds. */
const MARGIN_MS = 10_000;

/** `channels.discord.gateway.catchUp`. */
export interface CatchUpLimits {
  /** Milliseconds. */
  readonly maxAgeMs: number;
  /** Messages of a channel. */
  readonly maxPerChannel: number;
}

/**
 * Where reading back ends: Unix time in milliseconds.
 *
 * @param from When the newest message was sent that was stored before the gap.
 */
export function endOfReading(from: number): number {
  return from - MARGIN_MS;
}

/** Whether something may have been said in a channel since; where that is not known, it may. */
export function isAhead({ lastMessageId }: MissedChannel, since: number): boolean {
  if (lastMessageId === "none") return false;
  return lastMessageId === undefined || createdAtMs(lastMessageId) > since;
}

/** What a channel is called in the log. */
export function nameOf({ id, place }: MissedChannel): string {
  return place ? `#${(place.thread ?? place.channel).name}` : `the direct messages ${id}`;
}

const RULES = "channels.discord.gateway.catchUp";

/**
 * What becomes of a verdict on something that was missed: only what would have been answered, or
 * might have been, is changed. A later turn may see what would have been, all the same; whoever is
 * not known to be let in stays out of it.
 *
 * @param isAmongNewest Whether it is one of the newest `maxPerChannel` of its channel.
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
