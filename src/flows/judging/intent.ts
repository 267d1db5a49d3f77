/**
 * Gives the facts of the intent filter for messages of places where it is on (I1). It follows the
 * conversation of each channel in memory; a restart forgets it.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import { isMention } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { isAtDiscord } from "../../core/inbound/inbound.ts";
import type { IntentFacts, Verdict } from "../../core/inbound/inbox.ts";
import type { Delivery } from "../../core/outbound/delivery.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import { keepNewest } from "../../lib/cache.ts";
import { judgeIntent } from "../../policy/intent/features.ts";
import { rulesFor } from "../../policy/rules/place_rules.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import type { MessageSource } from "./judge.ts";
import { addresseesIn } from "../../policy/intent/tracker.ts";
import { createIntentTracker, type IntentMessage } from "../../policy/intent/tracker.ts";

/** Maximum number of channels, each of at most 30 KB; beyond, the longest silent one is forgotten. */
const MAX_CHANNELS = 64;
/**
 * Added to the logit of a mention's score, where the filter checks mentions. It outweighs a long
 * silence of the bot.
 */
const MENTION_PART = 12;

function createIntentFilter({ policy, self, now }: BotAccount) {
  const channels = new Map<ChannelId, ChannelTalk>();

  function talkIn(channelId: ChannelId): ChannelTalk | undefined {
    const me = self();
    if (!me) return undefined;
    const talk = channels.get(channelId) ?? createChannelTalk(me);
    keepNewest(channels, channelId, talk, MAX_CHANNELS);
    return talk;
  }

  function score(message: InboundMessage, talk: ChannelTalk): IntentFacts {
    const { sender, quoted, text } = message;
    const isPattern = !isMention(message) && policy().policy.matchesPattern(text);
    const isTold = isMention(message) || isPattern;
    const { directed, needsReply, top } = judgeIntent(talk.add(message), isTold ? MENTION_PART : 0);
    const told = isTold ? [{ name: "it addresses the bot", part: MENTION_PART }] : [];
    return {
      score: rounded(directed),
      needsReply: rounded(needsReply),
      top: [...told, ...top].slice(0, 5).map(({ name, part }) => ({ name, part: rounded(part) })),
      ...(isPattern && { matchesPattern: true as const }),
      ...(quoted && !isTold && quoted.author?.id !== sender.id &&
        { repliesToOther: true as const }),
    };
  }

  return {
    /** @returns `undefined` without a filter there, or if the message did not arrive just now. */
    factsOf(message: InboundMessage, source: MessageSource): IntentFacts | undefined {
      if (!isAtDiscord(message) || !isFiltered(message, policy().policy)) return undefined;
      const talk = talkIn(message.channelId);
      const known = talk?.scoresOf(message.id);
      if (!talk || known) return known;
      if (source !== "live") {
        if (message.revision === 0) talk.addPast(message);
        return undefined;
      }
      const facts = score(message, talk);
      talk.keepScores(message.id, facts);
      return facts;
    },
    decided(message: InboundMessage, { kind }: Verdict): void {
      if (kind === "accept") channels.get(message.channelId)?.accepted(message);
    },
    /** Notes a message of the bot that Discord has now. */
    delivered({ message: { channelId, content, of } }: OutboxRow, { kind }: Delivery): void {
      if (of?.kind === "draft") return;
      if (kind !== "created" && kind !== "found" && kind !== "settled") return;
      channels.get(channelId)?.addOwn(content, now(), of?.cause);
    },
    /** A person was forgotten (X5). */
    forget: (): void => channels.clear(),
  };
}

export const intentOf: (account: BotAccount) => ReturnType<typeof createIntentFilter> = perAccount(
  "gateway",
  createIntentFilter,
);

function isFiltered({ place }: InboundMessage, policy: AccessPolicy): boolean {
  if (place.kind !== "guild") return false;
  const rules = rulesFor(place, policy);
  return rules.kind === "open" && rules.intentFilter.enabled.value;
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

/** Newest messages whose scores are kept, for their edits and for late decisions. */
const MAX_SCORED = 32;
/** People whose names are known, for texts such as "Anna: …". */
const MAX_NAMES = 100;
/** Accepted messages that are known until their answers. */
const MAX_ASKED = 64;

const FIRST_NAME = /[\p{L}\p{N}]{2,}/u;
const MENTION = /<@!?(\d{1,20})>/g;

/**
 * Remembers the conversation of one channel: who spoke when, the names of its people, and the scores of
 * its newest messages. It keeps no text.
 *
 * @param me The bot.
 */
function createChannelTalk(
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

type ChannelTalk = ReturnType<typeof createChannelTalk>;

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
