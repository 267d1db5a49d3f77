/**
 * Gives the facts of the intent filter for messages of places where it is on, and keeps the state
 * behind them (I1).
 *
 * Everything is in memory, because a batch waits for nothing. Channels without the filter cost
 * nothing.
 */

import type { Account } from "../../core/account/account.ts";
import type { Delivery } from "../../core/outbound/delivery.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import type { ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { MessagesDeleted } from "../../core/inbound/events.ts";
import { isMention } from "../../core/inbound/facts.ts";
import type { IntentFacts } from "../../core/inbound/intent.ts";
import { type InboundMessage, isAtDiscord } from "../../core/inbound/inbound.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { Reaction } from "../../core/inbound/reactions.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import { type IntentJudgement, judgeIntent } from "../../policy/intent/heads.ts";
import { type IntentWeights, SHIPPED_WEIGHTS } from "../../policy/intent/weights.ts";
import { asksForQuiet, shiftBy } from "../../policy/intent_filter.ts";
import type { IntentRules } from "../../policy/rules/intent_rules.ts";
import { rulesFor } from "../../policy/rules/place_rules.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import type { MessageSource } from "../inbound/judge_message.ts";
import type { AnswerOutcome } from "./channel_record.ts";
import { type ChannelState, createChannelState } from "./channel_state.ts";
import type { RecentTalk } from "../../store/messages/messages.ts";
import type { StoredSettings } from "../../store/settings/settings.ts";

/** Maximum number of channels, and of their bytes; beyond, the longest silent ones are forgotten. */
const MAX_CHANNELS = 64;
const MAX_BYTES = 2 * 1_024 * 1_024;
/**
 * Added to the logit of a mention's score, where the filter checks mentions. It outweighs a long
 * silence of the bot.
 */
const MENTION_PART = 12;
/** Reactions that tell whether an answer was wanted. */
const OUTCOMES: ReadonlyMap<string, AnswerOutcome> = new Map([
  ...["👍", "❤️", "🎉", "✅"].map((emoji) => [emoji, "good"] as const),
  ...["👎", "🤫", "🤐", "❌"].map((emoji) => [emoji, "bad"] as const),
]);
/** Below this score, the message is so surely not for the bot that Barnacle asks no model. */
const ASKED_FROM = 0.03;
/** Number of questions to a model for each answer that the hourly limit allows. */
const ASKED_PER_ANSWER = 10;
/** Steps between stored scores of 0 and 1. */
const STEPS = 100;

/** How far to look back after a start, and at how many messages of each kind. */
const PAST_MS = 6 * 3_600_000;
const PAST_MAX = 500;
/** How long the bot stays quiet after a person asked for that. */
const QUIET_MS = 3_600_000;

/**
 * Creates the filter of an account. The function is longer than most, because its inner functions share
 * one state: the channels.
 */
export function createIntentFilter(
  { accountId, policy, self, store, now, log }: Pick<
    Account<{
      readonly settings: Pick<StoredSettings, "known" | "change">;
      readonly messages: RecentTalk;
    }, { readonly policy: AccessPolicy }>,
    "accountId" | "policy" | "self" | "store" | "now" | "log"
  >,
  weights: IntentWeights = SHIPPED_WEIGHTS,
) {
  const channels = new Map<ChannelId, ChannelState>();
  /** Until when the bot is quiet, by channel: requests of this process, before the store has them. */
  const quiet = new Map<ChannelId, number>();

  function isQuietIn(channelId: ChannelId): boolean {
    const stored = store.settings.known(accountId, channelId, "quiet");
    return Math.max(quiet.get(channelId) ?? 0, Number(stored ?? 0)) > now();
  }

  function isQuiet({ channelId, place }: InboundMessage): boolean {
    return isQuietIn(channelId) ||
      (place.kind === "guild" && place.thread !== undefined && isQuietIn(place.channel.id));
  }

  function channelOf(channelId: ChannelId): ChannelState | undefined {
    const me = self();
    if (!me) return undefined;
    const known = channels.get(channelId);
    const state = known ??
      createChannelState(me, store.settings.known(accountId, channelId, "intent"));
    if (known) channels.delete(channelId);
    channels.set(channelId, state);
    for (const [oldest] of channels) {
      if (channels.size <= MAX_CHANNELS && bytes() <= MAX_BYTES) break;
      channels.delete(oldest);
    }
    return state;
  }

  /** Approximate bytes of memory. */
  function bytes(): number {
    let sum = 0;
    for (const channel of channels.values()) sum += channel.bytes();
    return sum;
  }

  function save(channelId: ChannelId, { record }: ChannelState): void {
    store.settings.change(accountId, channelId, "intent", record.text(), now())
      .catch((error: unknown) => {
        log.warn("Cannot store the limits of answers in a channel; a restart forgets them", {
          channelId,
          error,
        });
      });
  }

  function note(channelId: ChannelId, of: string, outcome: AnswerOutcome): void {
    const channel = channels.get(channelId);
    if (!channel) return;
    channel.record.outcome(of, outcome, now());
    save(channelId, channel);
  }

  /** Notes the outcome of an answer that no one asked for; of other messages, nothing. */
  function noteAnswer(channelId: ChannelId, of: MessageId, outcome: AnswerOutcome): void {
    if (!hasFilter(policy().policy)) return;
    if (channelOf(channelId)?.record.isPosted(of)) note(channelId, of, outcome);
  }

  function limitOf(
    { sender }: InboundMessage,
    { cooldownSec, maxPerHour }: IntentRules,
    channel: ChannelState,
  ): IntentFacts["limit"] {
    const limits = { cooldownMs: cooldownSec.value * 1_000, maxPerHour: maxPerHour.value };
    return channel.limitFor(sender.id, limits, now());
  }

  function score(message: InboundMessage, rules: IntentRules, channel: ChannelState): IntentFacts {
    const { sender, quoted } = message;
    const judged = judgeIntent(channel.add(message), weights);
    const at = now();
    const shift = shiftBy(channel.record.outcomes(at));
    const isPattern = !isMention(message) && policy().policy.matchesPattern(message.text);
    const isTold = isMention(message) || isPattern;
    const isOthers = quoted !== undefined && !isTold && quoted.author?.id !== sender.id;
    const asksQuiet = !isTold && channel.hasSpokenLately(at) && isQuietRequest(message);
    const limit = isTold ? undefined : limitOf(message, rules, channel);
    const scores = scoresOf(judged, isTold, channel.mayExplain(at));
    const isQuietNow = !isTold && isQuiet(message);
    const isOpen = !isTold && !isOthers && !message.mentionsOthers && !asksQuiet && !isQuietNow &&
      !limit;
    const asksModel = isOpen && rules.model.value !== "lightweight" &&
      scores.score >= ASKED_FROM &&
      channel.mayAskModel(ASKED_PER_ANSWER * rules.maxPerHour.value, at);
    return {
      ...scores,
      ...(asksModel && { asksModel: true as const }),
      ...(isPattern && { matchesPattern: true as const }),
      ...(isOthers && { repliesToOther: true as const }),
      ...(asksQuiet && { asksQuiet: true as const }),
      ...(isQuietNow && { isQuiet: true as const }),
      ...(limit && { limit }),
      ...(shift !== 0 && { shift }),
    };
  }

  function isQuietRequest({ text }: InboundMessage): boolean {
    return asksForQuiet(text, self()?.username ?? "");
  }

  async function readPast(): Promise<void> {
    if (!hasFilter(policy().policy)) return;
    const since = now() - PAST_MS;
    const authors = new Map<MessageId, UserId>();
    for (const one of await store.messages.recentTalk(accountId, since, PAST_MAX)) {
      const channel = channelOf(one.channelId);
      if (!channel) return; // the bot has never been online
      const { id, text, sentAt } = one;
      if (one.kind === "own") {
        channel.addOwn({ text, at: sentAt, to: one.to ? [one.to] : [] });
        continue;
      }
      authors.set(id, one.sender.id);
      const author = one.replyTo && authors.get(one.replyTo);
      const quoted = one.replyTo && author && { id: one.replyTo, author: { id: author } };
      channel.addPast({ ...one, quoted });
      channel.asked(id, one.sender.id);
    }
  }

  return {
    /**
     * Reads stored messages of before the start, so that a restart changes no score.
     *
     * @throws {StoreError} If the store cannot be read.
     */
    start: readPast,
    /** A person was forgotten (X5): only stored messages count now. Never rejects. */
    async forget(): Promise<void> {
      channels.clear();
      await readPast().catch((error: unknown) => {
        log.warn("Cannot read stored messages for the intent filter; its scores begin anew", {
          error,
        });
      });
    },
    /**
     * The facts about a message; `undefined` without a filter there, and for a message that did not
     * arrive just now.
     */
    factsOf(message: InboundMessage, source: MessageSource): IntentFacts | undefined {
      if (!isAtDiscord(message)) return undefined;
      const rules = filterOf(message, policy().policy);
      const channel = rules && channelOf(message.channelId);
      if (!rules || !channel) return undefined;
      const known = channel.scoresOf(message.id);
      if (known) return known;
      if (source !== "live") {
        if (message.revision === 0) channel.addPast(message);
        return undefined;
      }
      const facts = score(message, rules, channel);
      channel.keepScores(message.id, facts);
      return facts;
    },
    /** The facts about a message that waited for a model, with the limits and the silence of now. */
    renewed(message: InboundMessage, facts: IntentFacts): IntentFacts {
      const rules = filterOf(message, policy().policy);
      const channel = channels.get(message.channelId);
      const limit = rules && channel ? limitOf(message, rules, channel) : undefined;
      return {
        ...facts,
        ...(limit && { limit }),
        ...(isQuiet(message) && { isQuiet: true as const }),
      };
    },
    /** The name of the model that decides in a message's place; `undefined` if none does. */
    modelIn(message: InboundMessage): string | undefined {
      const name = filterOf(message, policy().policy)?.model.value;
      return name === "lightweight" ? undefined : name;
    },
    decided(message: InboundMessage, { kind, why }: Verdict): void {
      const { channelId } = message;
      const channel = channels.get(channelId);
      if (!channel) return;
      if (why === "not-for-bot") channel.leave(message);
      if (kind !== "accept") return;
      const isUnprompted = why === "intent" || why === "open-request";
      if (channel.accepted(message, isUnprompted, now())) save(channelId, channel);
      if (why === "mentioned" && channel.repeats(message)) {
        note(channelId, `missed at ${now()}`, "missed"); // the record names no message of a person
      }
    },
    /**
     * Notes that an accepted message asks the bot to be quiet in its channel.
     *
     * @returns Until when the bot is quiet: Unix time in milliseconds; `undefined` if it asks for
     * nothing.
     */
    quietUntil(message: InboundMessage): number | undefined {
      const { channelId } = message;
      if (!isQuietRequest(message) || !filterOf(message, policy().policy)) return undefined;
      for (const [other, until] of quiet) if (until <= now()) quiet.delete(other);
      const until = now() + QUIET_MS;
      quiet.set(channelId, until);
      return until;
    },
    /** The reaction in place of an answer; `undefined` if there is none. */
    reactionTo({ message, verdict }: Pick<Judged, "message" | "verdict">): string | undefined {
      if (verdict.why !== "no-reply-needed") return undefined;
      return filterOf(message, policy().policy)?.noReplyReaction.value || undefined;
    },
    /** Notes a message of the bot that Discord has now. */
    delivered({ message: { channelId, content, of } }: OutboxRow, delivery: Delivery): void {
      const { kind } = delivery;
      const channel = channels.get(channelId);
      if (!channel || of?.kind === "draft") return;
      if (kind !== "created" && kind !== "found" && kind !== "settled") return;
      if (of?.kind === "reply" && kind !== "settled" && channel.isUnprompted(of.cause)) {
        channel.record.posted(delivery.messageId);
        save(channelId, channel);
      }
      const asker = of && channel.authorOf(of.cause);
      channel.addOwn({ text: content, at: now(), to: asker ? [asker] : [] });
    },
    /** Notes a person's reaction, which may tell whether an answer was wanted. */
    reacted({ change, channelId, messageId, sender, emoji }: Reaction): void {
      const outcome = change === "added" && !sender.automaton ? OUTCOMES.get(emoji) : undefined;
      if (outcome) noteAnswer(channelId, messageId, outcome);
    },
    /** Notes deleted messages: one of them may be an answer that no one wanted. */
    deleted({ channelId, messageIds }: Omit<MessagesDeleted, "kind">): void {
      for (const messageId of messageIds) noteAnswer(channelId, messageId, "bad");
    },
    bytes,
  };
}

/** The filter of a message's place; `undefined` if it has none, or if the place is closed. */
function filterOf(
  { place }: Pick<InboundMessage, "place">,
  policy: AccessPolicy,
): IntentRules | undefined {
  if (place.kind !== "guild" || !hasFilter(policy)) return undefined;
  const rules = rulesFor(place, policy);
  return rules.kind === "open" && rules.intentFilter.enabled.value ? rules.intentFilter : undefined;
}

const filtered = new WeakMap<AccessPolicy, boolean>();

/** Whether any place may have a filter: most bots have none, and each message asks. */
function hasFilter(policy: AccessPolicy): boolean {
  let is = filtered.get(policy);
  if (is === undefined) {
    const { intentFilter, guilds = {} } = policy;
    is = intentFilter?.enabled === true ||
      Object.values(guilds).some((guild) =>
        guild.intentFilter?.enabled === true ||
        Object.values(guild.channels ?? {}).some((one) => one.intentFilter?.enabled === true)
      );
    filtered.set(policy, is);
  }
  return is;
}

/** The scores as they are stored: few digits, since more have no meaning. */
function scoresOf(
  judgement: IntentJudgement,
  isTold: boolean,
  isExplained: boolean,
): IntentFacts {
  const { directed, room, needsReply } = judgement;
  const score = isTold ? raised(directed) : directed;
  const told = isTold ? [{ name: "it addresses the bot", part: MENTION_PART }] : [];
  const shown = isExplained ? rounded : coarse;
  return {
    score: shown(score),
    room: shown(room),
    needsReply: shown(needsReply),
    ...(isExplained && {
      top: [...told, ...judgement.top].slice(0, 5).map(({ name, part }) => ({
        name,
        part: rounded(part),
      })),
    }),
  };
}

function raised(probability: number): number {
  const odds = probability / Math.max(1 - probability, 1e-9) * Math.exp(MENTION_PART);
  return odds / (1 + odds);
}

/** In a crowd, most messages have the same facts, so that the store keeps few of them. */
function coarse(value: number): number {
  return value < 0.5 ? Math.floor(value * 10) / 10 : rounded(value);
}

function rounded(value: number): number {
  return Math.round(value * STEPS) / STEPS;
}
