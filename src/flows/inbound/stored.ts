/**
 * Tells what follows once messages are stored (T1), stopped, or decided late: turns begin or end, people
 * see signs, and owners are asked.
 */

import { isAtDiscord } from "../../core/inbound/origin.ts";
import type { BotAccount } from "../../account/account.ts";
import type { Accepted, Changed, Judged } from "../../core/inbound/inbox.ts";
import { queuesOf } from "../deliver/channel_queues.ts";
import { updateCards } from "../questions/cards.ts";
import { prefetch } from "../media/files.ts";
import { ackAccepted, ackAnswered } from "../turn/progress/progress.ts";
import { messagesAccepted, messagesTouched } from "../turn/turns.ts";
import { showUnanswered } from "../unanswered_reactions.ts";
import { challenged } from "./challenge.ts";

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
export function tellTouched(
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
    prefetch(account, message);
    if (verdict.kind === "accept" && isAtDiscord(message)) {
      ackAccepted(account, message, verdict.why);
    }
  }
  const channels = new Set(judged.map(({ message: { channelId } }) => channelId));
  for (const channelId of channels) queuesOf(account).heardFrom(channelId);
}
