/**
 * Finds the person and the place that a request for a message is counted for (L5).
 *
 * @module
 */

import type { InboundMessage } from "../inbound/inbound.ts";
import type { UsedBy } from "../spending/usage.ts";

/** The sender and the place of a message, and the agent. */
export function usedBy({ sender, channelId, guildId }: InboundMessage, agentId: string): UsedBy {
  return {
    userId: sender.id,
    roleIds: sender.roles.map(({ id }) => id),
    channelId,
    guildId,
    agentId,
  };
}
