/**
 * Limits and stops waiting turns: the limits by the config (X4), and requests to stop, with the notices
 * that T1 stores as replies to them (S5).
 */

import type { BotAccount } from "../../account/account.ts";
import { tellExtras } from "../../account/extra_parts.ts";
import { wakeChannels } from "../../account/wakes.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import { freeze } from "../../render/freeze.ts";
import { noticeBody } from "../../render/reply.ts";
import type { Judged, StopScope } from "../../core/inbound/inbox.ts";
import {
  CATCH_UP_RULES,
  type MessageOrigin,
  type WaitingLimits,
  type WaitingRules,
} from "../../core/inbound/inbox.ts";
import { isOwner } from "../owners/owner_ids.ts";
import { tellTouched } from "./stored.ts";
import { NOTHING_TO_STOP, STOPPED } from "../../render/sentences.ts";

function noticeReply(
  text: string,
  { accountId, channelId, guildId, id: cause, revision }: InboundMessage,
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

/**
 * The limits of waiting turns for messages of an origin. People must not lose a question to the bot's
 * absence: catch-up has chosen the messages of a history by its own limits (G6), and of replayed ones
 * as many may wait in a channel.
 */
export function limitsOf(
  origin: MessageOrigin,
  queue: WaitingLimits,
  catchUp: { readonly enabled: boolean; readonly maxPerChannel: number },
): WaitingLimits {
  if (origin === "live" || origin === "replayed" && !catchUp.enabled) return queue;
  const missed = { ...queue, perUser: Infinity, share: Infinity };
  if (origin === "history") return { ...missed, perChannel: Infinity };
  const { maxPerChannel } = catchUp;
  if (queue.perChannel >= maxPerChannel) return missed;
  return { ...missed, perChannel: maxPerChannel, channelRule: `${CATCH_UP_RULES}.maxPerChannel` };
}

/** The limits at this moment for messages of an origin. */
export function waitingRules(account: BotAccount, origin: MessageOrigin = "live"): WaitingRules {
  const { messages: { queue }, discord: { gateway } } = account.config();
  const limits = limitsOf(origin, queue, gateway.catchUp);
  return { ...limits, isOwner: (message) => isOwner(account, message) };
}

/** Stops turns; returns how many messages have lost theirs. */
export async function stopTurns(account: BotAccount, scope: StopScope): Promise<number> {
  const touched = await account.store.inbox.stopTurns(scope, account.now());
  const { channelId } = scope;
  if (touched.length > 0) {
    const channels = channelId === undefined ? [] : [channelId];
    tellTouched(account, { cut: touched, channels });
    if (channelId === undefined) wakeChannels(account); // drafts anywhere
    if (scope.isPause) tellExtras(account, "hookEnded"); // their events are posted
  }
  return touched.length;
}

/**
 * Reads a message as a request to stop. It counts only as a whole, apart from mentions: `/stop`, or
 * the word `stop` as a reply to the bot or in a direct message.
 *
 * @returns `word`: only if there is something to stop; otherwise it is a message like any other.
 */
function stopIn({ text, mention, place }: InboundMessage): "command" | "word" | undefined {
  if (!/stop/i.test(text)) return undefined; // most messages
  const words = text.replace(/<@!?\d+>|<@&\d+>/g, "").trim().toLowerCase();
  if (words === "/stop") return "command";
  const isToBot = mention === "reply" || place.kind === "dm";
  return isToBot && /^stop[.!]?$/.test(words) ? "word" : undefined;
}

/** Makes the request of an accepted message; `undefined` if it asks for no stop. */
export function stopRequestOf(account: BotAccount, message: InboundMessage): Judged["stop"] {
  const how = stopIn(message);
  if (!how) return undefined;
  const { accountId, channelId, sender } = message;
  const isAll = message.place.kind === "dm" || isOwner(account, message); // K3
  return {
    scope: { accountId, channelId, userId: !isAll ? sender.id : undefined },
    reply: noticeReply(STOPPED, message),
    nothing: how === "command" ? noticeReply(NOTHING_TO_STOP, message) : undefined,
  };
}
