/**
 * Keeps texts of age-restricted channels in them: a turn elsewhere reads none of them (H9).
 *
 * @module
 */

import type { ChannelId } from "../../../core/discord/ids.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import type { SingleReads } from "../../../discord/rest/calls/single_message.ts";
import { RefusedCall } from "../../../core/refused_call.ts";

/**
 * Checks that a turn may quote a channel. A turn in an age-restricted channel may quote all others.
 *
 * @throws {Error} If the channel is age-restricted, and the place of the turn is not.
 */
export type AssertMayQuote = (asker: InboundMessage, channelId: ChannelId) => Promise<void>;

/** Creates the check. A thread has the age limit of its channel. */
export function createAssertMayQuote(reads: Pick<SingleReads, "channel">): AssertMayQuote {
  async function isRestricted(channelId: ChannelId): Promise<boolean> {
    const { isAgeRestricted, parentId } = await reads.channel(channelId);
    if (isAgeRestricted) return true;
    return parentId !== undefined && await isRestricted(parentId);
  }

  return async ({ place, channelId: here }, channelId) => {
    if (channelId === here || (place.kind === "guild" && place.isAgeRestricted)) return;
    if (await isRestricted(channelId)) {
      throw new RefusedCall(
        "policy",
        "that channel is age-restricted, and this one is not: nothing of it may be shown here",
      );
    }
  };
}
