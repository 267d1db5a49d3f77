/**
 * Freezes a notice that replies to a message: it quotes the message, so that its sender knows which
 * one is meant, and pings no one.
 *
 * @module
 */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import { freeze } from "../../render/freeze.ts";
import { noticeBody } from "../../render/reply.ts";

/** Makes the reply to store. */
export function noticeReply(
  text: string,
  { accountId, channelId, guildId, id: cause, revision }: Pick<
    InboundMessage,
    "accountId" | "channelId" | "guildId" | "id" | "revision"
  >,
): readonly Frozen[] {
  return freeze({
    accountId,
    channelId,
    guildId,
    cause,
    revision,
    kind: "notice",
    quote: { messageId: cause, on: "first" },
    ...noticeBody(text),
  });
}
