/**
 * Labels the stored history for `barnacle intent eval` and `calibrate` (I2).
 *
 * Labels follow from deeds, not from words: a message that addressed the bot is for it, and one that
 * another person answered is not. If the bot answered a message that did not address it, people's
 * outcomes tell. All other messages have no label: the filter's own decisions must not confirm it.
 * Nothing of the history leaves the machine, and no weight is trained on it.
 */

import type { AccountId, ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { Store } from "../../core/store/store.ts";
import type { TalkedMessage } from "../../core/store/received.ts";
import { createChannelRecord } from "../../flows/intent/channel_record.ts";
import { toIntentMessage } from "../../flows/intent/channel_state.ts";
import type { LabelledMessage } from "./replay.ts";

/** A person who addresses another one this soon answers that one's newest message. */
const ANSWERED_WITHIN_MS = 5 * 60_000;
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
 * @param talk Oldest first.
 * @param outcomes By the bot's message, whether people wanted it.
 */
export function labelHistory(
  talk: readonly TalkedMessage[],
  me: UserId,
  outcomes: ReadonlyMap<string, boolean>,
): readonly LabelledMessage[] {
  const labels = new Map<MessageId, boolean>();
  for (const one of talk) {
    const outcome = one.kind === "own" ? outcomes.get(one.id) : undefined;
    if (one.kind === "own" && one.answers && outcome !== undefined) {
      labels.set(one.answers, outcome);
    }
  }
  const authors = new Map<MessageId, UserId>();
  const people = new Map<ChannelId, Map<string, UserId>>();
  const newest = new Map<string, { readonly id: MessageId; readonly at: number }>();
  const messages = talk.map((one) => {
    const { id, channelId, text, sentAt: at } = one;
    const channel: string = channelId;
    if (one.kind === "own") {
      authors.set(id, me);
      const to = one.to ? [one.to] : [];
      return { id, author: me, text, at, to, beginsWithName: false, channel };
    }
    authors.set(id, one.sender.id);
    const known = people.get(channelId) ?? new Map<string, UserId>();
    people.set(channelId, known.set(one.sender.username.toLowerCase(), one.sender.id));
    const author = one.replyTo && authors.get(one.replyTo);
    const quoted = author && { author: { id: author } };
    const message = toIntentMessage({ ...one, quoted }, me, known);
    if (message.to.includes(me)) labels.set(id, true);
    for (const person of message.to.filter((to) => to !== me && to !== one.sender.id)) {
      const before = newest.get(`${channel} ${person}`);
      const isReply = one.replyTo !== undefined && author === person;
      const answered = isReply
        ? one.replyTo
        : before && at - before.at < ANSWERED_WITHIN_MS
        ? before.id
        : undefined;
      if (answered !== undefined && !labels.has(answered)) labels.set(answered, false);
    }
    newest.set(`${channel} ${one.sender.id}`, { id, at });
    return { ...message, id, channel };
  });
  return messages.map(({ id, ...message }) => ({ ...message, label: labels.get(id) }));
}
