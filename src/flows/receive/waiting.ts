/**
 * Makes the limits of waiting turns for the store, with the notice about a refused message (X4).
 *
 * @module
 */

import type { WaitingLimits, WaitingRules } from "../../core/inbound/waiting_turns.ts";
import { notice, type Texts } from "../../render/notices/notices.ts";
import { noticeReply } from "./notice_reply.ts";

/**
 * Makes the limits.
 */
export function waitingRulesOf(
  { perUser, perChannel }: WaitingLimits,
  texts: Texts,
): WaitingRules {
  return {
    perUser,
    perChannel,
    refusal: (message) => noticeReply(notice("queueFull", {}, texts), message),
  };
}
