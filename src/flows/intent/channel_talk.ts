/**
 * Remembers the conversation of one channel for the intent filter (I1): who spoke when, the names of
 * its people, and the scores of its newest messages. It keeps no text.
 */

import type { MessageId, UserId } from "../../core/discord/ids.ts";
import type { IntentFacts } from "../../core/inbound/intent.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { keepNewest } from "../../lib/cache.ts";
import { addresseesIn } from "../../policy/intent/addressees.ts";
import { createIntentTracker, type IntentMessage } from "../../policy/intent/tracker.ts";

/** Newest messages whose scores are kept, for their edits and for late decisions. */
const MAX_SCORED = 32;
/** People whose names are known, for texts such as "Anna: …". */
const MAX_NAMES = 100;
/** Accepted messages that are known until their answers. */
const MAX_ASKED = 64;

const FIRST_NAME = /[\p{L}\p{N}]{2,}/u;
const MENTION = /<@!?(\d{1,20})>/g;

/** @param me The bot. */
export function createChannelTalk(
  { userId: me, username }: { readonly userId: UserId; readonly username: string },
) {
  const tracker = createIntentTracker({ me });
  const scored = new Map<MessageId, IntentFacts>();
  const people = new Map([[username.toLowerCase(), me]]);
  const asked = new Map<MessageId, UserId>();
  let newestAt = 0;

  function push({ sender, sentAt, displayName = sender.username }: InboundMessage) {
    newestAt = Math.max(newestAt, sentAt);
    const [firstName] = FIRST_NAME.exec(displayName) ?? []; // "Leo 🎸 (he/him)" is called "leo"
    for (const name of [sender.username, displayName, firstName]) {
      if (name !== undefined) keepNewest(people, name.toLowerCase(), sender.id, MAX_NAMES);
    }
  }

  return {
    /** The features of a message, which becomes part of the conversation. */
    add(message: InboundMessage) {
      const one = intentMessage(message, me, people);
      const features = tracker.features(one);
      tracker.push(one);
      push(message);
      return features;
    },
    /** Adds a message of the past; one that is older than the newest is left out. */
    addPast(message: InboundMessage): void {
      if (message.sentAt <= newestAt) return;
      tracker.push(intentMessage(message, me, people));
      push(message);
    },
    /** Adds a message of the bot. @param cause The message that it answers; absent: none. */
    addOwn(text: string, at: number, cause: MessageId | undefined): void {
      const asker = cause && asked.get(cause);
      const to = asker ? [asker] : [];
      tracker.push({ author: me, text, at, to, beginsWithName: false });
    },
    scoresOf: (id: MessageId): IntentFacts | undefined => scored.get(id),
    keepScores: (id: MessageId, facts: IntentFacts): void =>
      keepNewest(scored, id, facts, MAX_SCORED),
    /** Notes that a message gets an answer. */
    accepted: ({ id, sender }: InboundMessage): void => keepNewest(asked, id, sender.id, MAX_ASKED),
  };
}

export type ChannelTalk = ReturnType<typeof createChannelTalk>;

/**
 * Reads a message as the tracker needs it: mentions, the author of a quoted message, and names in its
 * text are addressees.
 *
 * @param people Ids by name in lower case.
 */
function intentMessage(
  { sender, text, quoted, mention, sentAt }: InboundMessage,
  me: UserId,
  people: ReadonlyMap<string, UserId>,
): IntentMessage {
  const named = addresseesIn(text, people, sender.id);
  const to = [
    ...Array.from(text.matchAll(MENTION), ([, id]) => id as UserId),
    ...(mention ? [me] : []),
    ...(quoted?.author ? [quoted.author.id] : []),
    ...named.to,
  ];
  return {
    author: sender.id,
    text: text.replace(MENTION, " "),
    at: sentAt,
    to: [...new Set(to)],
    beginsWithName: named.beginsWithName || /^\s*<@!?\d/.test(text),
  };
}
