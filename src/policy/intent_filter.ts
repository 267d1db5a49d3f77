/**
 * Decides by the scores of the intent filter whether the bot answers a message that is not said to it
 * (I1). A mention needs no score, unless the config says so.
 */

import type { IntentFacts } from "../core/inbound/intent.ts";
import type { IgnoreReason, Verdict } from "../core/inbound/verdict.ts";
import type { RecordCheck } from "./rules/checks.ts";
import type { IntentRules } from "./rules/intent_rules.ts";

/** Below this, a message for the bot needs no words as an answer; a mention with a greeting does. */
const NEEDS_REPLY = 0.35;
const MENTION_NEEDS_REPLY = 0.3;

/** Why the filter keeps the bot silent. */
export type IntentSilence = Extract<
  IgnoreReason,
  "to-others" | "no-score" | "not-for-bot" | "no-reply-needed"
>;

type IntentDecision =
  | Extract<Verdict, { readonly kind: "accept" }>
  | { readonly kind: "ignore"; readonly why: IntentSilence; readonly rule: string };

/** @param facts Absent if the message has no score, because it did not arrive just now. */
export function decideIntent(
  facts: IntentFacts | undefined,
  { isMention, mentionsOthers }: {
    /** It mentions the bot, and the config has the filter check mentions, too. */
    readonly isMention: boolean;
    /** It mentions a user or a role other than the bot. */
    readonly mentionsOthers: boolean;
  },
  { enabled, respondThreshold: { value: threshold, rule } }: IntentRules,
  ask: RecordCheck,
): IntentDecision {
  const isToOthers = !isMention && (mentionsOthers || facts?.repliesToOther === true);
  const others = `it mentions ${isToOthers ? "or answers someone" : "and answers no one"} else`;
  if (!ask("others", !isToOthers, enabled.rule, () => others)) {
    return { kind: "ignore", why: "to-others", rule: enabled.rule };
  }
  if (isMention && !facts) return { kind: "accept", why: "mentioned", rule: enabled.rule };
  const scored = () =>
    facts ? "it has a score" : "only a message that arrives just now gets a score";
  if (!ask("score", facts !== undefined, enabled.rule, scored) || !facts) {
    return { kind: "ignore", why: "no-score", rule: enabled.rule };
  }
  const { score, needsReply } = facts;
  if (!ask("intent", score >= threshold, rule, () => scoreFact(facts, threshold))) {
    return { kind: "ignore", why: "not-for-bot", rule };
  }
  const enough = isMention ? MENTION_NEEDS_REPLY : NEEDS_REPLY;
  const reply = () =>
    `that it needs an answer scores ${needsReply.toFixed(2)}, and ${enough.toFixed(2)} is enough`;
  return ask("reply", needsReply >= enough, enabled.rule, reply)
    ? { kind: "accept", why: isMention ? "mentioned" : "intent", rule }
    : { kind: "ignore", why: "no-reply-needed", rule: enabled.rule };
}

/** `"it scores 0.93, and 0.70 is enough: the bot spoke last +1.2; it asks a question +0.8"`. */
function scoreFact({ score, top }: IntentFacts, threshold: number): string {
  const reasons = top.map(({ name, part }) =>
    `${name} ${part < 0 ? "−" : "+"}${Math.abs(part).toFixed(1)}`
  );
  const scores = `it scores ${score.toFixed(2)}, and ${threshold.toFixed(2)} is enough`;
  return reasons.length === 0 ? scores : `${scores}: ${reasons.join("; ")}`;
}
