/**
 * Does what follows once messages are stored (T1), stopped, or decided late: turns begin or end,
 * people see signs, and owners are asked. Gives T1 the rules, notices and offers that it stores with
 * them (P3, S5, X4).
 *
 * Unpaired senders get a pairing code, made within the transaction that stores the message, and owners
 * get to know of it afterwards. Until then, the stored request says so, and a process that starts
 * after a crash tells them. So does a reload, whose config may name owners who can be told.
 */

import type { BotAccount } from "../../account/account.ts";
import { type Loop, loop, perAccount, wakeChannels, wakes } from "../../account/per_account.ts";
import { hasFiles, type InboundMessage, isAtDiscord } from "../../core/inbound/inbound.ts";
import {
  type Accepted,
  CATCH_UP_RULES,
  type Changed,
  type Judged,
  type MessageOrigin,
  type StopScope,
  type WaitingLimits,
  type WaitingRules,
} from "../../core/inbound/inbox.ts";
import { codeFrom, type PairingOffer, type PairingRequest } from "../../core/inbound/pairing.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import { isFinalRefusal } from "../../discord/rest/exchange/exchange.ts";
import { pairingButton } from "../../interactions/components.ts";
import { composeApprovalRequest, composeChallenge } from "../../render/pairing.ts";
import { answering, freeze, noticeBody } from "../../render/reply.ts";
import { NOTHING_TO_STOP, STOPPED } from "../../render/sentences.ts";
import { queuesOf } from "../deliver/deliver.ts";
import { ackAccepted, ackAnswered } from "../deliver/progress.ts";
import { prefetch } from "../media/files.ts";
import { reachOwners } from "../owners/tell_owners.ts";
import { updateCards } from "../questions/cards.ts";
import { createRetryQueue } from "../retry_queue.ts";
import { messagesAccepted, messagesTouched } from "../turn/turns.ts";
import { showUnanswered } from "../unanswered_reactions.ts";
import { isOwner } from "../owners/owner_ids.ts";

/** Routes presses to the pairing button. The rest of an id is random and means nothing. */
const BUTTON_PREFIX = `${pairingButton.name}:`;
const CODE_BYTES = 8;
/** 128 bits. */
const BUTTON_BYTES = 16;

/** The code that an unpaired sender may get by a message. */
export function pairingOffer(
  { draw }: { readonly draw: BotAccount["draw"] },
  message: InboundMessage,
): PairingOffer {
  const code = codeFrom(draw(CODE_BYTES));
  const newButton = () => BUTTON_PREFIX + draw(BUTTON_BYTES).toHex();
  const buttons = { approve: newButton(), deny: newButton() };
  return { code, buttons, messages: composeChallenge(message, code) };
}

/** Requests that owners know, while only the store does not: they get no second message. */
const told = perAccount("pairing", () => new Set<number>());

/** Tells owners of requests, those of the last process first. */
export const approvals: Loop<{ add(request: PairingRequest): void }> = loop(
  "pairing",
  (account) => {
    const { accountId, store, now } = account;
    const retries = createRetryQueue(
      "Cannot tell the bot's owner about a pairing request",
      account,
    );
    const add = (request: PairingRequest) => retries.add(() => tellOwners(account, request));
    retries.add(async () => (await store.pairing.unreported(accountId, now())).forEach(add));
    return { add, stop: retries.stop };
  },
);

async function tellOwners(account: BotAccount, request: PairingRequest): Promise<void> {
  const { store, now, log } = account;
  const { id, userId, expiresAt } = request;
  if (now() >= expiresAt) return;
  const { text, buttons } = composeApprovalRequest(request);
  try {
    if (!told(account).has(id)) await reachOwners(account, text, { buttons });
  } catch (error) {
    if (!isFinalRefusal(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    log.error("No owner can be told about a pairing request: see `barnacle pairing list`", {
      userId,
      reason,
    });
    return;
  }
  told(account).add(id);
  await store.pairing.markReported(id);
  told(account).delete(id);
}

/** Unpaired senders got a code just now: it is on its way, and owners get to know of it. */
export function challenged(account: BotAccount, requests: readonly PairingRequest[]): void {
  const { log } = account.forPart("pairing");
  wakeChannels(account, requests.map(({ channelId }) => channelId));
  for (const request of requests) {
    const { userId, username, messageId, expiresAt } = request;
    log.info("An unpaired sender got a pairing code: see `barnacle pairing list`", {
      userId,
      username,
      messageId,
      expiresAt: new Date(expiresAt).toISOString(),
    });
    approvals.of(account)?.add(request);
  }
}

/** The store has accepted messages, or settled others. */
export function tellStored(account: BotAccount, done: Accepted): void {
  const { accepted, challenged: asking, unanswered, settled, settledIn, touched, channels } = done;
  if (touched.length + channels.length > 0) tellTouched(account, done);
  if (accepted.length > 0) tellAccepted(account, accepted);
  if (asking.length > 0) challenged(account, asking);
  if (unanswered.length > 0) showUnanswered(account, unanswered);
  if (settled > 0) {
    account.bot.meter.settled(settled);
    queuesOf(account).settled(settledIn);
  }
}

/** Waiting and running messages have changed or lost their turn (H6, S5). */
function tellTouched(
  account: BotAccount,
  { cut, channels }: Omit<Changed, "touched">,
): void {
  messagesTouched(account);
  updateCards(account); // those of messages without a turn now
  for (const messageId of cut) ackAnswered(account, messageId, "notice");
  queuesOf(account).wake(channels); // drafts that go, and answers to `stop`
}

/** Messages wait for an answer: they may get a sign that the bot has read them. */
function tellAccepted(account: BotAccount, judged: readonly Judged[]): void {
  messagesAccepted(account, judged);
  for (const { message, verdict } of judged) {
    if (hasFiles(message)) prefetch(account, message);
    if (verdict.kind === "accept" && isAtDiscord(message)) {
      ackAccepted(account, message, verdict.why);
    }
  }
  const channels = new Set(judged.map(({ message: { channelId } }) => channelId));
  for (const channelId of channels) queuesOf(account).heardFrom(channelId);
}

function noticeReply(text: string, message: InboundMessage): readonly Frozen[] {
  return freeze({
    ...answering(message),
    kind: "notice",
    quote: { messageId: message.id, on: "first" },
    ...noticeBody(text),
  });
}

/**
 * The limits of waiting turns for messages of an origin. People must not lose a question to the bot's
 * absence: catch-up has chosen the messages of a history by its own limits (G6), and of replayed ones
 * as many may wait in a channel.
 */
export function waitingLimitsOf(
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
  const limits = waitingLimitsOf(origin, queue, gateway.catchUp);
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
    if (scope.isPause) wakes(account).hooks(); // their events are posted
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
