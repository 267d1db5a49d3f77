/**
 * Checks the Discord permissions of those who ask, before a tool runs for them (T4).
 *
 * The bot may do more than the asker. Only an owner of the bot may use all of it.
 */

import type { UserId } from "../../../core/discord/ids.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";

/**
 * Creates the search for the first permission that one of the senders lacks in the place of their
 * message; in direct messages, which have no permissions, none. It rejects with a `RestError`.
 */
export function createMissingRight(
  { missingPermission, isOwner }: {
    /** The first permission that a user lacks in a place; rejects without an answer of Discord. */
    readonly missingPermission: (
      place: Pick<InboundMessage, "channelId" | "guildId"> & { readonly userId: UserId },
      needed: readonly string[],
    ) => Promise<string | undefined>;
    readonly isOwner: (message: InboundMessage) => boolean;
  },
) {
  return async (messages: readonly InboundMessage[], needed: readonly string[]) => {
    const others = messages.filter((message) => !isOwner(message));
    const askers = new Map(others.map((message) => [message.sender.id, message]));
    for (const { channelId, guildId, sender } of askers.values()) {
      if (guildId === undefined) continue;
      const missing = await missingPermission({ channelId, guildId, userId: sender.id }, needed);
      if (missing !== undefined) return missing;
    }
    return undefined;
  };
}
