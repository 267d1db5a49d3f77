/**
 * Gives the facts of the intent filter for messages of places where it is on (I1). It follows the
 * conversation of each channel in memory; a restart forgets it.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import { isMention } from "../../core/inbound/facts.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { isAtDiscord } from "../../core/inbound/origin.ts";
import type { IntentFacts } from "../../core/inbound/intent.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Delivery } from "../../core/outbound/delivery.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import { keepNewest } from "../../lib/cache.ts";
import { judgeIntent } from "../../policy/intent/heads.ts";
import { rulesFor } from "../../policy/rules/place_rules.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import type { MessageSource } from "../judging/judge.ts";
import { type ChannelTalk, createChannelTalk } from "./channel_talk.ts";

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

function isFiltered({ place }: Pick<InboundMessage, "place">, policy: AccessPolicy): boolean {
  if (place.kind !== "guild") return false;
  const rules = rulesFor(place, policy);
  return rules.kind === "open" && rules.intentFilter.enabled.value;
}

const rounded = (value: number): number => Math.round(value * 100) / 100;
