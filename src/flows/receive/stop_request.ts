/**
 * Recognises messages that ask the bot to stop (S5).
 *
 * Such a message passes the queue: the transaction that stores it stops the turns of its channel. So
 * after a crash, the stopped turns do not run again, and the message is answered once.
 *
 * @module
 */

import type { Judged } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { notice, type Texts } from "../../render/notices/notices.ts";
import { noticeReply } from "./notice_reply.ts";

/**
 * Reads a message as a request to stop. It counts only as a whole, apart from mentions: `/stop`, or
 * the word `stop` as a reply to the bot or in a direct message.
 *
 * @returns `word`: only if there is something to stop; otherwise it is a message like any other.
 */
function stopIn(
  { text, mention, place }: Pick<InboundMessage, "text" | "mention" | "place">,
): "command" | "word" | undefined {
  const words = text.replace(/<@!?\d+>|<@&\d+>/g, "").trim().toLowerCase();
  if (words === "/stop") return "command";
  const isToBot = mention === "reply" || place.kind === "dm";
  return isToBot && /^stop[.!]?$/.test(words) ? "word" : undefined;
}

/**
 * Makes the request of an accepted message; `undefined` if it asks for no stop.
 *
 * @param mayStopAll Whether the sender may stop the turns of other people there (K3).
 */
export function stopRequestOf(
  message: InboundMessage,
  mayStopAll: (message: InboundMessage) => boolean,
  texts: () => Texts,
): Judged["stop"] {
  const how = stopIn(message);
  if (!how) return undefined;
  const { accountId, channelId, sender } = message;
  const isAll = message.place.kind === "dm" || mayStopAll(message);
  return {
    scope: { accountId, channelId, userId: !isAll ? sender.id : undefined },
    reply: noticeReply(notice("stopped", {}, texts()), message),
    nothing: how === "command"
      ? noticeReply(notice("nothingToStop", {}, texts()), message)
      : undefined,
  };
}
