/**
 * Shows by a reaction that a message gets no answer (X4): once a minute for a person in a place, so
 * that a flood costs no more. The requests go behind those of answers, few at a time, and nothing
 * waits for them.
 *
 * Sends texts of the bot's own to a channel or a person, by the outbox.
 */

import type { BotAccount } from "../account/account.ts";
import { cleanSecrets, perAccount, textRulesOf, wakeChannels } from "../account/per_account.ts";
import type { ChannelId, UserId } from "../core/discord/ids.ts";
import type { UnansweredMessage, UnansweredReason } from "../core/inbound/inbox.ts";
import type { Button, Frozen } from "../core/outbound/outbound.ts";
import { DEFAULT_UPLOAD_LIMIT_BYTES } from "../discord/gateway/decode/guild_index.ts";
import { openDirect } from "../discord/rest/requests/guild_reads.ts";
import { putReaction } from "../discord/rest/requests/messages.ts";
import { keepNewest } from "../lib/cache.ts";
import { composeOnce, composeSend, type TextRules } from "../render/reply.ts";

/**
 * Sends a text to a channel.
 *
 * @param buttons Stand below its last message.
 * @throws {StoreError} If the store fails.
 */
export function tellChannel(
  account: BotAccount,
  channelId: ChannelId,
  text: string,
  buttons: readonly Button[] = [],
): Promise<void> {
  const { accountId } = account;
  const composed = composeSend({ accountId, channelId, text }, rulesOf(account));
  return send(account, channelId, withButtons(composed, buttons));
}

/**
 * Sends a text to a channel, once for each key.
 *
 * @throws {StoreError} If the store fails.
 */
export function tellOnce(
  account: BotAccount,
  channelId: ChannelId,
  text: string,
  key: string,
): Promise<void> {
  return send(account, channelId, composedOnce(account, channelId, text, key));
}

/** The messages of such a text. */
export function composedOnce(
  account: BotAccount,
  channelId: ChannelId,
  text: string,
  key: string,
): readonly Frozen[] {
  const { accountId } = account;
  return composeOnce({ accountId, channelId, text }, `${accountId}:${key}`, rulesOf(account));
}

/**
 * Sends a text to a person, by direct message.
 *
 * @throws {RestError} If Discord opens no direct channel.
 */
export async function tellPerson(account: BotAccount, userId: UserId, text: string): Promise<void> {
  await tellChannel(account, await openDirect(account.rest, userId), text);
}

async function send(
  account: BotAccount,
  channelId: ChannelId,
  composed: readonly Frozen[],
): Promise<void> {
  await account.store.outbox.addAll(composed, account.now());
  wakeChannels(account, [channelId]);
}

function rulesOf(account: BotAccount): TextRules {
  return textRulesOf(account.config(), {
    cleanSecrets: (text) => cleanSecrets(account, text),
    uploadLimit: DEFAULT_UPLOAD_LIMIT_BYTES,
  });
}

function withButtons(composed: readonly Frozen[], buttons: readonly Button[]): readonly Frozen[] {
  if (buttons.length === 0) return composed;
  const last = composed.length - 1;
  return composed.map((frozen, index) =>
    index === last ? { ...frozen, message: { ...frozen.message, buttons } } : frozen
  );
}

const AGAIN_MS = 60_000;
/** Maximum number of requests that wait; further messages get no reaction. */
const WAITING_MAX = 20;
/** Maximum number of people to remember; the oldest is forgotten first. */
const MAX = 4_096;

const EMOJI: Readonly<Record<UnansweredReason, string>> = {
  "queue-full": "⏳",
  "too-old": "💤",
  "too-many": "💤",
  refused: "🚫",
};

const shown = perAccount("turns", () => ({ told: new Map<string, number>(), waiting: 0 }));

/** These messages get no answer. Never fails. */
export function showUnanswered(account: BotAccount, messages: readonly UnansweredMessage[]): void {
  const { rest, now, log } = account;
  const state = shown(account);
  const { told } = state;
  const at = now();
  for (const { id: messageId, channelId, senderId, why } of messages) {
    const person = `${channelId} ${senderId}`;
    if (at - (told.get(person) ?? -Infinity) < AGAIN_MS || state.waiting >= WAITING_MAX) continue;
    keepNewest(told, person, at, MAX);
    state.waiting++;
    const sent = putReaction(rest, channelId, messageId, EMOJI[why], { priority: "background" });
    sent.catch((error: unknown) =>
      log.debug("A message without an answer gets no reaction", { channelId, messageId, error })
    ).finally(() => void state.waiting--);
  }
}
