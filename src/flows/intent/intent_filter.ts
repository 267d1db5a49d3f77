/**
 * Gives the facts of the intent filter for messages of places where it is on (I1). It remembers of a
 * channel whom the bot answered last, and who has spoken since; a restart forgets that.
 */

import type { Account } from "../../core/account/account.ts";
import type { ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import { isMention } from "../../core/inbound/facts.ts";
import { type InboundMessage, isAtDiscord } from "../../core/inbound/inbound.ts";
import type { IntentFacts } from "../../core/inbound/intent.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Delivery } from "../../core/outbound/delivery.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import { scoreIntent } from "../../policy/intent_filter.ts";
import { rulesFor } from "../../policy/rules/place_rules.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import type { MessageSource } from "../inbound/judge_message.ts";

const MAX_KEPT = 500;
const RECENT_MS = 5 * 60_000;

interface LastAnswer {
  readonly to: UserId;
  readonly at: number;
  /** Whether a person has spoken since. */
  readonly isOver: boolean;
}

export function createIntentFilter(
  { policy, now }: Pick<Account<unknown, { readonly policy: AccessPolicy }>, "policy" | "now">,
) {
  const answers = new Map<ChannelId, LastAnswer>();
  const askers = new Map<MessageId, UserId>();

  function keep<Key, Value>(all: Map<Key, Value>, key: Key, value: Value): void {
    all.delete(key);
    all.set(key, value);
    for (const [oldest] of all) if (all.size > MAX_KEPT) all.delete(oldest);
  }

  return {
    /** @returns `undefined` without a filter there, or if the message did not arrive just now. */
    factsOf(message: InboundMessage, source: MessageSource): IntentFacts | undefined {
      if (source !== "live" || !isAtDiscord(message) || !isFiltered(message, policy().policy)) {
        return undefined;
      }
      const { sender: { id }, channelId, text, mentionsOthers, quoted } = message;
      const last = answers.get(channelId);
      const isAnswered = last?.to === id && now() - last.at < RECENT_MS;
      const isPattern = !isMention(message) && policy().policy.matchesPattern(text);
      const isTold = isMention(message) || isPattern;
      const signs = { isAnswered, botSpokeLast: last?.isOver === false };
      return {
        ...scoreIntent({ ...signs, isMention: isTold, mentionsOthers }, text),
        ...(isPattern && { matchesPattern: true as const }),
        ...(quoted && !isTold && quoted.author?.id !== id && { repliesToOther: true as const }),
      };
    },
    decided({ id, channelId, sender }: InboundMessage, { kind }: Verdict): void {
      const last = answers.get(channelId);
      if (last) keep(answers, channelId, { ...last, isOver: true });
      if (kind === "accept") keep(askers, id, sender.id);
    },
    /** Notes a message of the bot that Discord has now. */
    delivered({ message: { channelId, of } }: OutboxRow, { kind }: Delivery): void {
      const to = of?.kind === "reply" ? askers.get(of.cause) : undefined;
      if (!to || (kind !== "created" && kind !== "found" && kind !== "settled")) return;
      keep(answers, channelId, { to, at: now(), isOver: false });
    },
    /** A person was forgotten (X5). */
    forget(): void {
      answers.clear();
      askers.clear();
    },
  };
}

function isFiltered({ place }: Pick<InboundMessage, "place">, policy: AccessPolicy): boolean {
  if (place.kind !== "guild") return false;
  const rules = rulesFor(place, policy);
  return rules.kind === "open" && rules.intentFilter.enabled.value;
}
