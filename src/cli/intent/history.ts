/**
 * Labels the stored history for `barnacle intent eval` and `calibrate` (I2).
 *
 * Labels follow from deeds, not from words: a message that addressed the bot is for it, and a message
 * that got no answer is not. If the bot answered a message that did not address it, only people's
 * outcomes tell. Nothing of the history leaves the machine, and no weight is trained on it.
 */

import type { AccountId, ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { Store } from "../../core/store/store.ts";
import type { TalkedMessage } from "../../core/store/received.ts";
import { createChannelRecord } from "../../flows/intent/channel_record.ts";
import { toIntentMessage } from "../../flows/intent/channel_state.ts";
import type { LabelledMessage } from "../../policy/intent/replay.ts";

/** Newest messages of each kind that are read. */
const MAX_MESSAGES = 20_000;

/** Reads the history of an account, and labels it. */
export async function readHistory(
  { received, settings }: Pick<Store, "received" | "settings">,
  accountId: AccountId,
  me: UserId,
  now: number,
): Promise<readonly LabelledMessage[]> {
  const talk = await received.recentTalk(accountId, 0, MAX_MESSAGES);
  const outcomes = new Map<string, boolean>();
  for (const channelId of new Set(talk.map((one) => one.channelId))) {
    const stored = settings.known(accountId, channelId, "intent");
    for (const [of, outcome] of createChannelRecord(stored).outcomesByAnswer(now)) {
      outcomes.set(of, outcome === "good");
    }
  }
  return labelHistory(talk, me, outcomes);
}

/**
 * Labels messages.
 *
 * @param outcomes By the bot's message, whether people wanted it.
 */
export function labelHistory(
  talk: readonly TalkedMessage[],
  me: UserId,
  outcomes: ReadonlyMap<string, boolean>,
): readonly LabelledMessage[] {
  const wanted = new Map<MessageId, boolean>();
  for (const one of talk) {
    const outcome = one.kind === "own" ? outcomes.get(one.id) : undefined;
    if (one.kind === "own" && one.answers && outcome !== undefined) {
      wanted.set(one.answers, outcome);
    }
  }
  const authors = new Map<MessageId, UserId>();
  const people = new Map<ChannelId, Map<string, UserId>>();
  return talk.map((one): LabelledMessage => {
    const { id, channelId: channel, text, sentAt: at } = one;
    if (one.kind === "own") {
      authors.set(id, me);
      const to = one.to ? [one.to] : [];
      return { author: me, text, at, to, beginsWithName: false, channel };
    }
    authors.set(id, one.sender.id);
    const known = people.get(channel) ?? new Map<string, UserId>();
    people.set(channel, known.set(one.sender.username.toLowerCase(), one.sender.id));
    const author = one.replyTo && authors.get(one.replyTo);
    const quoted = author && { author: { id: author } };
    const message = toIntentMessage({ ...one, quoted }, me, known);
    const isAddressed = one.mention !== undefined || message.to.includes(me);
    const label = isAddressed ? true : one.isAccepted ? wanted.get(id) : false;
    return { ...message, channel, label };
  });
}
