/**
 * Shows by a reaction that a message gets no answer (X4): once a minute for a person in a place, so that
 * a flood costs no more. The requests go behind those of answers, few at a time, and nothing waits for them.
 */

import type { Account } from "../../core/account/account.ts";
import type { UnansweredMessage } from "../../core/inbound/inbox.ts";
import type { UnansweredReason } from "../../core/inbound/waiting_limits.ts";
import type { Reactions } from "../../core/outbound/requests.ts";

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

/** Creates the function that takes messages without an answer; it never fails. */
export function createUnansweredReactions(
  { reactions, now, log }: Pick<Account, "log" | "now"> & {
    readonly reactions: Pick<Reactions, "add">;
  },
): (messages: readonly UnansweredMessage[]) => void {
  const told = new Map<string, number>();
  let waiting = 0;
  return (messages) => {
    const at = now();
    for (const { id: messageId, channelId, senderId, why } of messages) {
      const person = `${channelId} ${senderId}`;
      if (at - (told.get(person) ?? -Infinity) < AGAIN_MS || waiting >= WAITING_MAX) continue;
      told.delete(person);
      told.set(person, at);
      const [oldest] = told.keys();
      if (told.size > MAX && oldest !== undefined) told.delete(oldest);
      waiting++;
      reactions.add(channelId, messageId, EMOJI[why]).catch((error: unknown) =>
        log.debug("A message without an answer gets no reaction", { channelId, messageId, error })
      ).finally(() => void waiting--);
    }
  };
}
