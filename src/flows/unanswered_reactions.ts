/**
 * Shows by a reaction that a message gets no answer (X4): once a minute for a person in a place, so
 * that a flood costs no more. The requests go behind those of answers, few at a time, and nothing
 * waits for them.
 */

import type { BotAccount } from "../account/account.ts";
import { perAccount } from "../account/per_account.ts";
import type { UnansweredMessage, UnansweredReason } from "../core/inbound/inbox.ts";
import { putReaction } from "../discord/rest/requests/messages.ts";
import { keepNewest } from "../lib/cache.ts";

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
