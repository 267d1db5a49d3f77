/**
 * Decides by the scores of the intent filter whether the bot answers a message that is not said to
 * it (I1). Scores are facts, so the same facts give the same decision at any time.
 */

import type { IntentFacts } from "../core/inbound/intent.ts";
import type { IgnoreReason, Verdict } from "../core/inbound/verdict.ts";
import { NEEDS_REPLY_THRESHOLD } from "./intent/heads.ts";
import type { RecordCheck } from "./rules/checks.ts";
import type { IntentRules } from "./rules/intent_rules.ts";

/** Most that outcomes may move a threshold. */
const MAX_SHIFT = 0.15;
/** Outcomes leave a threshold within these bounds, unless that of the config is beyond them. */
const LOWEST = 0.3;
const HIGHEST = 0.95;

/** From this score on, a mention needs an answer in words; greetings do, and thanks do not. */
const MENTION_NEEDS_REPLY = 0.3;

/** Config paths of the rules that follow from no key. */
const QUIET = "/quiet";

/** Why the filter keeps the bot silent. */
export type IntentSilence = Extract<
  IgnoreReason,
  | "to-others"
  | "quiet"
  | "no-score"
  | "not-for-bot"
  | "no-reply-needed"
  | "cooldown"
  | "hourly-limit"
>;

type IntentDecision =
  | Extract<Verdict, { readonly kind: "accept" | "undecided" }>
  | { readonly kind: "ignore"; readonly why: IntentSilence; readonly rule: string };

/**
 * Decides in this order: messages to others, a silence that a person asked for, the score of
 * "directed", that of "open request". Limits come after each score, since they only concern messages
 * that would get an answer.
 *
 * @param facts Absent if the message has no score, because it did not arrive just now. Then only a
 * mention gets an answer.
 */
export function decideIntent(
  facts: IntentFacts | undefined,
  { isMention, mentionsOthers }: {
    /** It mentions the bot, and the config has the filter check mentions, too. */
    readonly isMention: boolean;
    /** It mentions a user or a role other than the bot. */
    readonly mentionsOthers: boolean;
  },
  rules: IntentRules,
  ask: RecordCheck,
): IntentDecision {
  const isToOthers = !isMention && (mentionsOthers || facts?.repliesToOther === true);
  if (!ask("others", !isToOthers, rules.enabled.rule, () => othersFact(isToOthers))) {
    return silent("to-others", rules.enabled.rule);
  }
  if (isMention && !facts) return { kind: "accept", why: "mentioned", rule: rules.enabled.rule };
  if (!ask("score", facts !== undefined, rules.enabled.rule, () => scoredFact(facts)) || !facts) {
    return silent("no-score", rules.enabled.rule);
  }
  if (!isMention) {
    const isFree = facts.asksQuiet === true || facts.isQuiet !== true;
    if (!ask("quiet", isFree, QUIET, () => quietFact(facts))) return silent("quiet", QUIET);
    if (facts.asksQuiet) return { kind: "accept", why: "asks-quiet", rule: rules.enabled.rule };
  }
  return decideByScore(facts, isMention, rules, ask);
}

function decideByScore(
  facts: IntentFacts,
  isMention: boolean,
  rules: IntentRules,
  ask: RecordCheck,
): IntentDecision {
  const { respondThreshold, openRequests, noReplyReaction, model } = rules;
  if (facts.asksModel && !isMention) {
    const isAsked = facts.model !== undefined;
    if (!ask("model", isAsked, model.rule, () => modelFact(facts, model.value))) {
      return { kind: "undecided", why: "intent-model", rule: model.rule };
    }
  }
  const threshold = thresholdOf(respondThreshold.value, facts.shift);
  const isByModel = facts.model === "yes" || facts.model === "no";
  const isDirected = isByModel ? facts.model === "yes" : facts.score >= threshold;
  const rule = isByModel ? model.rule : respondThreshold.rule;
  const fact = () => isByModel ? modelFact(facts, model.value) : scoreFact(facts, threshold);
  if (ask("intent", isDirected, rule, fact)) {
    const stop = isMention ? undefined : limitOf(facts, rules, ask);
    if (stop) return stop;
    const enough = isMention ? MENTION_NEEDS_REPLY : NEEDS_REPLY_THRESHOLD;
    const needsReply = facts.needsReply >= enough;
    if (!ask("reply", needsReply, noReplyReaction.rule, () => replyFact(facts, enough))) {
      return silent("no-reply-needed", noReplyReaction.rule);
    }
    return { kind: "accept", why: isMention ? "mentioned" : "intent", rule };
  }
  if (isMention || !openRequests.value) return silent("not-for-bot", rule);
  const isRequest = facts.room >= threshold;
  if (!ask("request", isRequest, openRequests.rule, () => roomFact(facts, threshold))) {
    return silent("not-for-bot", rule);
  }
  return limitOf(facts, rules, ask) ??
    { kind: "accept", why: "open-request", rule: openRequests.rule };
}

/** The limit of answers to messages without a mention, if it is reached. */
function limitOf(
  { limit }: IntentFacts,
  { cooldownSec, maxPerHour }: IntentRules,
  ask: RecordCheck,
): IntentDecision | undefined {
  const isSoon = limit === "cooldown";
  const soon = () =>
    `the last answer to a message without a mention is ${isSoon ? "less" : "more"} than ` +
    `${cooldownSec.value} seconds ago, or was for the same person`;
  if (!ask("cooldown", !isSoon, cooldownSec.rule, soon)) {
    return silent("cooldown", cooldownSec.rule);
  }
  const isFull = limit === "hour";
  const full = () =>
    `${isFull ? "as many" : "fewer"} messages without a mention got an answer this hour ` +
    `${isFull ? "as" : "than"} ${maxPerHour.value}`;
  if (ask("hour", !isFull, maxPerHour.rule, full)) return undefined;
  return silent("hourly-limit", maxPerHour.rule);
}

/** The shift of a threshold by the outcomes of a channel's answers: complaints count twice. */
export function shiftBy(outcomes: readonly ("good" | "bad" | "missed")[]): number {
  const sum = outcomes.reduce((all, one) => all + (one === "bad" ? 0.03 : -0.015), 0);
  return Math.round(Math.max(-MAX_SHIFT, Math.min(MAX_SHIFT, sum)) * 1_000) / 1_000;
}

/** The threshold of a place, moved by the outcomes of earlier answers there. */
export function thresholdOf(threshold: number, shift = 0): number {
  const moved = threshold + Math.max(-MAX_SHIFT, Math.min(MAX_SHIFT, shift));
  const lowest = Math.min(threshold, LOWEST);
  return Math.max(lowest, Math.min(Math.max(threshold, HIGHEST), moved));
}

function silent(why: IntentSilence, rule: string): IntentDecision {
  return { kind: "ignore", why, rule };
}

function othersFact(isToOthers: boolean): string {
  return isToOthers ? "it mentions or answers someone else" : "it mentions and answers no one else";
}

function scoredFact(facts: IntentFacts | undefined): string {
  return facts
    ? "it has a score"
    : "it has no score: only a message that arrives just now gets one";
}

function quietFact({ asksQuiet, isQuiet }: IntentFacts): string {
  if (asksQuiet) return "it asks the bot to be quiet";
  return isQuiet ? "a person asked the bot to be quiet here" : "no one asked the bot to be quiet";
}

/** `"it scores 0.93, and 0.70 is enough: the bot spoke last +1.2; it asks a question +0.8"`. */
function scoreFact({ score, top = [], shift }: IntentFacts, threshold: number): string {
  const reasons = top.map(({ name, part }) => `${name} ${part < 0 ? "−" : "+"}${absolute(part)}`);
  const moved = shift ? `, which earlier outcomes have moved by ${shift.toFixed(2)}` : "";
  const scores = `it scores ${score.toFixed(2)}, and ${threshold.toFixed(2)} is enough${moved}`;
  return reasons.length === 0 ? scores : `${scores}: ${reasons.join("; ")}`;
}

function modelFact({ model, score }: IntentFacts, id: string): string {
  const own = `by the classifier it scores ${score.toFixed(2)}`;
  if (model === undefined) return `${id} has not answered yet, and ${own}`;
  if (model === "failed") return `${id} gave no answer in time, and ${own}`;
  return `${id} says that it is ${model === "yes" ? "" : "not "}for the bot, and ${own}`;
}

function absolute(part: number): string {
  return Math.abs(part).toFixed(1);
}

function replyFact({ needsReply }: IntentFacts, enough: number): string {
  return `that it needs an answer scores ${needsReply.toFixed(2)}, and ` +
    `${enough.toFixed(2)} is enough`;
}

function roomFact({ room }: IntentFacts, threshold: number): string {
  return `as a request to the whole channel it scores ${room.toFixed(2)}, and ` +
    `${threshold.toFixed(2)} is enough`;
}

/** Requests to be quiet, each a whole text. */
const REQUEST =
  /^(?:please )?(?:(?:be |stay |keep )?quiet|stop(?: (?:it|that|talking|now|answering|replying))?|(?:be )?silent|silence|hush|shush|shh+|shut up|enough|that's enough|thats enough|not now|mute)(?: (?:please|now|bot|here|for now|for a while))*$/;
const MENTIONS = /<@!?\d{1,20}>|<@&\d{1,20}>/g;
/** Longer texts are no request to be quiet. */
const MAX_LENGTH = 100;

/**
 * Whether a text asks the bot to be quiet: "quiet", "be quiet please", "stop", "🤫".
 *
 * @param name The bot's user name, which may stand before or behind.
 */
export function asksForQuiet(text: string, name: string): boolean {
  if (text.length > MAX_LENGTH) return false;
  const bare = text.replace(MENTIONS, " ").toLowerCase();
  if (/^\s*(?:🤫|🤐)\s*$/u.test(bare)) return true;
  const words = ` ${bare.replace(/[’]/g, "'").replace(/[^\p{L}\p{N}' ]/gu, " ")} `
    .replaceAll(` ${name.toLowerCase()} `, " ").replace(/\s+/g, " ").trim();
  return REQUEST.test(words);
}
