/**
 * Decides whether the bot answers a message that is not said to it (I1): by a score of who spoke, and
 * of a few signs of the text. A mention needs no score, unless the config says so.
 */

import type { IntentFacts } from "../core/inbound/intent.ts";
import type { IgnoreReason, Verdict } from "../core/inbound/verdict.ts";
import type { RecordCheck } from "./rules/checks.ts";
import type { IntentRules } from "./rules/intent_rules.ts";

/** Why the filter keeps the bot silent. */
export type IntentSilence = Extract<IgnoreReason, "to-others" | "no-score" | "not-for-bot">;

type IntentDecision =
  | Extract<Verdict, { readonly kind: "accept" }>
  | { readonly kind: "ignore"; readonly why: IntentSilence; readonly rule: string };

/** What is known of a message beside its text. */
interface IntentSigns {
  /** The bot's last answer here was to this person, at most five minutes ago. */
  readonly isAnswered: boolean;
  /** The newest message here is that answer. */
  readonly botSpokeLast: boolean;
  /** It mentions the bot. */
  readonly isMention: boolean;
  readonly mentionsOthers: boolean;
}

const THANKS =
  /^(?:(?:(?:thanks?|thank you|thx|ty|danke|merci|gracias|grazie|ok(?:ay)?|got it|great|nice|cool|lol|haha)(?![\p{L}\p{N}])|\p{Extended_Pictographic})[\s!.,\ufe0f]*)+$/iu;
const TO_NAME = /^@?[\p{L}\p{N}_.-]{2,32}[,:] /u;

/** Each sign with its part of the score's logit. */
const SIGNS: readonly (readonly [part: number, name: string, has: Sign])[] = [
  [12, "it addresses the bot", ({ isMention }) => isMention],
  [5.5, "the bot has just answered this person", (signs) => signs.isAnswered && signs.botSpokeLast],
  [2.5, "the bot answered this person before", (signs) => signs.isAnswered && !signs.botSpokeLast],
  [1, "it asks a question", (_, text) => text.includes("?")],
  [-4, "it addresses someone else", (signs, text) => signs.mentionsOthers || TO_NAME.test(text)],
  [-5, "it needs no answer in words", (_, text) => THANKS.test(text.trim())],
];
type Sign = (signs: IntentSigns, text: string) => boolean;
const BASE = -3;

export function scoreIntent(signs: IntentSigns, text: string): IntentFacts {
  const found = SIGNS.filter(([, , has]) => has(signs, text));
  const logit = found.reduce((sum, [part]) => sum + part, BASE);
  const score = Math.round(100 / (1 + Math.exp(-logit))) / 100;
  return { score, reasons: found.map(([, name]) => name) };
}

/** @param facts Absent if the message has no score, because it did not arrive just now. */
export function decideIntent(
  facts: IntentFacts | undefined,
  { isMention, mentionsOthers }: Pick<IntentSigns, "isMention" | "mentionsOthers">,
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
  const { score, reasons } = facts;
  const fact = () =>
    `it scores ${score.toFixed(2)}, and ${threshold.toFixed(2)} is enough` +
    (reasons.length === 0 ? "" : `: ${reasons.join("; ")}`);
  return ask("intent", score >= threshold, rule, fact)
    ? { kind: "accept", why: isMention ? "mentioned" : "intent", rule }
    : { kind: "ignore", why: "not-for-bot", rule };
}
