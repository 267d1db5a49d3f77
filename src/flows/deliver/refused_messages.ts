/**
 * Tells a message that Discord refuses for itself from a place that refuses every message, if the
 * bot lacks no permission there (D5).
 *
 * One refusal is not enough: an administrator may have changed a permission between the refusal and
 * the look at it. Two refused messages in a row are too many: then something in the place refuses
 * them that Barnacle does not know.
 *
 * @module
 */

import type { ChannelId } from "../../core/discord/ids.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";

/** What to do about a refused message: try it again, end it, or park its channel. */
export type Judgement = "again" | "end" | "park";

/** The refused messages of one account. */
export interface RefusedMessages {
  /** Judges a row that Discord has refused, although the bot has all permissions there. */
  judge(row: OutboxRow): Judgement;
  /** Tells that Discord accepted a message there. */
  delivered(channelId: ChannelId): void;
}

/** Creates an empty list. */
export function createRefusedMessages(): RefusedMessages {
  /** The last row that was refused so, by its channel. */
  const refused = new Map<ChannelId, { readonly row: number; readonly hasEnded: boolean }>();
  return {
    judge({ id, message: { channelId } }) {
      const before = refused.get(channelId);
      if (before?.hasEnded) return "park";
      const hasEnded = before?.row === id;
      refused.set(channelId, { row: id, hasEnded });
      return hasEnded ? "end" : "again";
    },
    delivered: (channelId) => void refused.delete(channelId),
  };
}
