/**
 * Remembers one channel for the intent filter (I1): the state of its conversation, the scores of its
 * newest messages, and when the bot answered without a mention. Everything has a bound.
 */

import type { MessageId, UserId } from "../../core/discord/ids.ts";
import type { IntentFacts } from "../../core/inbound/intent.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { addresseesIn } from "../../policy/intent/addressees.ts";
import { wordsOf } from "../../lib/text/search_words.ts";
import { likeness } from "../../policy/intent/people.ts";
import { createIntentTracker, type IntentMessage } from "../../policy/intent/tracker.ts";
import { readIntentWords } from "../../policy/intent/words.ts";
import { createChannelRecord } from "./channel_record.ts";

/** Newest messages whose scores are kept, for their edits and for late decisions. */
const MAX_SCORED = 32;
/** People whose names are known, for texts such as "Anna: …". */
const MAX_NAMES = 100;
/** Accepted messages that are known until their answers. */
const MAX_ASKED = 64;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Messages of a minute whose scores are kept with their reasons; more are a crowd. */
const EXPLAINED_PER_MINUTE = 60;
/** A request for quiet without a mention counts for this long after the bot has spoken. */
const QUIET_WITHIN_MS = 10 * MINUTE_MS;
/** Approximate bytes of memory for a channel, apart from the people in it. */
const CHANNEL_BYTES = 20_000;

/** Messages without an answer that a person may repeat with a mention. */
const MAX_UNANSWERED = 16;
const REPEATED_WITHIN_MS = 2 * MINUTE_MS;
/** How alike two messages with one question are, from 0 to 1. */
const SAME_QUESTION = 0.7;

const MENTION = /<@!?(\d{1,20})>/g;

/**
 * Creates the state of a channel in which no one has written yet. The function is longer than most,
 * because its inner functions share that state.
 *
 * @param stored The record of an earlier run.
 */
export function createChannelState(
  { userId: me, username }: { readonly userId: UserId; readonly username: string },
  stored: string | undefined,
) {
  const record = createChannelRecord(stored);
  const tracker = createIntentTracker({ me });
  const scored = new Map<MessageId, {
    readonly facts: IntentFacts;
    /** Whether its answer counts for the limits already. */
    isCounted: boolean;
  }>();
  const people = new Map([[username.toLowerCase(), me]]);
  const asked = new Map<MessageId, UserId>();
  const unprompted = new Map<MessageId, UserId>();
  let unanswered: readonly {
    readonly author: UserId;
    readonly at: number;
    readonly content: ReadonlySet<number>;
  }[] = [];
  let lastPerson: UserId | undefined;
  let ownAt = -Infinity;
  let newestAt = 0;
  let minute = 0;
  let inMinute = 0;
  let askedFrom = -Infinity;
  let askedModel = 0;

  function push(message: TrackedMessage, read: IntentMessage): void {
    tracker.push(read);
    const { sender, sentAt } = message;
    newestAt = Math.max(newestAt, sentAt);
    const { displayName = sender.username } = message;
    const [firstName] = wordsOf(displayName); // "Leo 🎸 (he/him)" is called "leo"
    for (const name of [sender.username, displayName, firstName]) {
      if (name !== undefined) keep(people, name.toLowerCase(), sender.id, MAX_NAMES);
    }
  }

  return {
    /** The features of a message, which becomes part of the conversation. */
    add(message: TrackedMessage) {
      const one = toIntentMessage(message, me, people);
      const features = tracker.features(one);
      push(message, one);
      return features;
    },
    /** Adds a message of the past; one that is older than the newest is left out. */
    addPast(message: TrackedMessage): void {
      if (message.sentAt > newestAt) push(message, toIntentMessage(message, me, people));
    },
    addOwn({ text, at, to }: {
      readonly text: string;
      readonly at: number;
      /** The people whom it answers. */
      readonly to: readonly UserId[];
    }): void {
      keep(people, username.toLowerCase(), me, MAX_NAMES);
      tracker.push({ author: me, text, at, to, beginsWithName: false });
      ownAt = Math.max(ownAt, at);
      lastPerson = to[0] ?? lastPerson;
    },
    scoresOf: (id: MessageId): IntentFacts | undefined => scored.get(id)?.facts,
    keepScores: (id: MessageId, facts: IntentFacts): void =>
      keep(scored, id, { facts, isCounted: false }, MAX_SCORED),
    /** Whether the reasons of one more score are kept. */
    mayExplain(now: number): boolean {
      const current = Math.floor(now / MINUTE_MS);
      inMinute = current === minute ? inMinute + 1 : 1;
      minute = current;
      return inMinute <= EXPLAINED_PER_MINUTE;
    },
    /** Whether one more message may be a question to a model; counts it then. */
    mayAskModel(maxPerHour: number, now: number): boolean {
      if (now - askedFrom >= HOUR_MS) {
        askedFrom = now;
        askedModel = 0;
      }
      return askedModel < maxPerHour && ++askedModel > 0;
    },
    /** Which limit one more answer without a mention would pass. */
    limitFor(
      person: UserId,
      { cooldownMs, maxPerHour }: { readonly cooldownMs: number; readonly maxPerHour: number },
      now: number,
    ): IntentFacts["limit"] {
      const last = record.lastAnswerAt();
      if (last !== undefined && now - last < cooldownMs && person !== lastPerson) return "cooldown";
      return record.answersInHour(now) >= maxPerHour ? "hour" : undefined;
    },
    /**
     * Notes that a message gets an answer.
     *
     * @param isUnprompted Whether it counts for the limits.
     * @returns Whether it does so now.
     */
    accepted(
      { id, sender }: Pick<InboundMessage, "id" | "sender">,
      isUnprompted: boolean,
      at: number,
    ) {
      keep(asked, id, sender.id, MAX_ASKED);
      lastPerson = sender.id;
      const known = scored.get(id);
      if (!isUnprompted || known?.isCounted) return false;
      if (known) known.isCounted = true;
      keep(unprompted, id, sender.id, MAX_ASKED);
      record.answered(at);
      return true;
    },
    /** Whether the bot answers a message that mentioned no one. */
    isUnprompted: (id: MessageId): boolean => unprompted.has(id),
    /** Notes a message that the filter left without an answer. */
    leave({ sender, text, sentAt }: InboundMessage): void {
      const { content } = readIntentWords(text);
      unanswered = [...unanswered, { author: sender.id, at: sentAt, content }]
        .slice(-MAX_UNANSWERED);
    },
    /** Whether a person repeats, with a mention, a message that got no answer. */
    repeats({ sender, text, sentAt }: InboundMessage): boolean {
      const { content } = readIntentWords(text.replace(MENTION, " "));
      return unanswered.some((one) =>
        one.author === sender.id && sentAt - one.at < REPEATED_WITHIN_MS &&
        likeness(one.content, content) >= SAME_QUESTION
      );
    },
    record,
    asked: (id: MessageId, author: UserId): void => keep(asked, id, author, MAX_ASKED),
    authorOf: (id: MessageId): UserId | undefined => asked.get(id),
    /** Whether the bot has spoken lately, so that "quiet" is meant for it. */
    hasSpokenLately: (now: number): boolean => now - ownAt < QUIET_WITHIN_MS,
    /** Approximate bytes of memory. */
    bytes: (): number => CHANNEL_BYTES + tracker.bytes,
  };
}

/**
 * Reads a message as the tracker needs it: mentions, the author of a quoted message, and names in its
 * text are addressees.
 *
 * @param people Ids by name in lower case.
 */
export function toIntentMessage(
  { sender, text, quoted, mention, sentAt }: TrackedMessage,
  me: UserId,
  people: ReadonlyMap<string, UserId>,
): IntentMessage {
  const named = addresseesIn(text, people, sender.id);
  const mentioned = Array.from(text.matchAll(MENTION), ([, id]) => id as UserId);
  const to = [
    ...mentioned,
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

export type ChannelState = ReturnType<typeof createChannelState>;

type TrackedMessage =
  & Pick<InboundMessage, "text" | "mention" | "sentAt" | "displayName">
  & {
    readonly sender: Pick<InboundMessage["sender"], "id" | "username">;
    readonly quoted?: { readonly author?: { readonly id: UserId } };
  };

/** Sets the newest entry of a map, and removes the oldest beyond a number. */
function keep<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, max: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > max && oldest !== undefined) map.delete(oldest);
}
