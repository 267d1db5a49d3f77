/**
 * Makes the limits of waiting turns for the store, with the notice about a refused message (X4).
 *
 * @module
 */

import type { WaitingLimits, WaitingRules } from "../../core/inbound/waiting_turns.ts";
import { freeze } from "../../render/freeze.ts";
import { notice, type Texts } from "../../render/notices/notices.ts";
import { noticeBody } from "../../render/reply.ts";

/**
 * Makes the limits. The notice quotes the refused message, so that its sender knows which one, and
 * pings no one.
 */
export function waitingRulesOf(
  { perUser, perChannel }: WaitingLimits,
  texts: Texts,
): WaitingRules {
  return {
    perUser,
    perChannel,
    refusal: ({ accountId, channelId, guildId, id: cause, revision }) =>
      freeze({
        accountId,
        channelId,
        ...(guildId !== undefined && { guildId }),
        cause,
        revision,
        kind: "notice",
        quote: { messageId: cause, on: "first" },
        ...noticeBody(notice("queueFull", {}, texts)),
      }),
  };
}
