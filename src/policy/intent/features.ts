/** Names the features of the intent filter (I1), and says each in plain English for `why`. */

import weights from "./weights.json" with { type: "json" };
import type { IntentReason } from "../../core/inbound/inbox.ts";

type Say = (value: number) => string;

/** Two sentences for a feature that is 0 or 1. */
function yesNo(yes: string, no: string): Say {
  return (value) => value > 0 ? yes : no;
}

/** Undoes `log1p(count) / 3`. */
function counted(value: number): number {
  return Math.round(Math.expm1(value * 3));
}

/** Undoes `log1p(seconds / 10) / 3`, in words. */
function duration(value: number): string {
  const seconds = Math.round(Math.expm1(value * 3) * 10);
  if (seconds < 120) return `${seconds} seconds`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} minutes` : "hours";
}

/** Gaps of at least this many messages mean "not at all" or "long ago". */
const FAR = 900;

function gap(value: number, near: (messages: number) => string, far: string): string {
  const messages = counted(value);
  return messages >= FAR ? far : near(messages);
}

function countOf(messages: number): string {
  return messages === 1 ? "1 message" : `${messages} messages`;
}

function percent(value: number): string {
  return `${Math.round(value * 100)} %`;
}

/** Every feature by name, with the words for its value. */
const FEATURES = {
  bias: () => "the starting value",
  botSpokeLast: yesNo("the bot spoke last", "the bot did not speak last"),
  messagesSinceBot: (value) =>
    gap(
      value,
      (messages) => `the bot spoke ${countOf(messages)} ago`,
      "the bot has not spoken here lately",
    ),
  timeSinceBot: (value) => `the bot last spoke ${duration(value)} ago`,
  botNeverSpoke: yesNo("the bot never spoke here", "the bot has spoken here"),
  lastWasToBot: yesNo(
    "the author's last message was for the bot",
    "the author's last message was not for the bot",
  ),
  botSpokeToAuthor: yesNo(
    "the bot's last message was for the author",
    "the bot's last message was not for the author",
  ),
  botAnsweredLately: yesNo(
    "the bot answered the author within 5 minutes",
    "the bot has not answered the author within 5 minutes",
  ),
  messagesSinceAnswer: (value) =>
    gap(
      value,
      (messages) => `the bot answered the author ${countOf(messages)} ago`,
      "the bot has not answered the author lately",
    ),
  timeSinceAnswer: (value) => `the bot last answered the author ${duration(value)} ago`,
  wroteSinceBot: yesNo(
    "the author has written since the bot spoke",
    "it is the author's first message since the bot spoke",
  ),
  shareToBot: (value) => `${percent(value)} of the author's last messages were for the bot`,
  beginsWithOtherName: yesNo(
    "it begins with someone else's name",
    "it does not begin with someone else's name",
  ),
  namesOther: yesNo("it names someone else", "it names no one else"),
  question: yesNo("it asks a question", "it asks no question"),
  beginsWithQuestionWord: yesNo(
    "it begins with a question word",
    "it does not begin with a question word",
  ),
  beginsWithAuxiliary: yesNo(
    "it begins like a yes-or-no question",
    "it does not begin like a yes-or-no question",
  ),
  saysYou: yesNo('it says "you"', 'it does not say "you"'),
  acknowledges: yesNo(
    "it begins with a short answer such as yes or ok",
    "it does not begin with a short answer such as yes or ok",
  ),
  thanks: yesNo("it says thanks", "it does not say thanks"),
  greets: yesNo("it begins with a greeting", "it does not begin with a greeting"),
  ownProblem: yesNo(
    "it speaks of the author's own problem",
    "it does not speak of the author's own problem",
  ),
  beginsWithReference: yesNo(
    'it begins with a word such as "it", "that" or "but"',
    'it does not begin with a word such as "it", "that" or "but"',
  ),
  length: (value) => `it has ${counted(value)} words`,
  short: yesNo("it is short", "it is not short"),
  codeOrLink: yesNo("it has code or a link", "it has no code or link"),
  botAsked: yesNo("the bot's last message asks a question", "the bot's last message asks nothing"),
  shortAfterBotAsked: yesNo(
    "it is a short answer to the bot's question",
    "it is no short answer to a question of the bot",
  ),
  sharesWordsWithBot: (value) =>
    value > 0
      ? "it shares words with the bot's last message"
      : "it shares no words with the bot's last message",
  sharesWordsWithAnswer: (value) =>
    value > 0
      ? "it shares words with the bot's answer to the author"
      : "it shares no words with an answer of the bot to the author",
  speakers: (value) => `other people who speak here now: ${Math.round(value * 4)}`,
  addressedByOther: yesNo(
    "someone else has just addressed the author",
    "no one else has just addressed the author",
  ),
  inOtherConversation: yesNo(
    "the author talks with someone else",
    "the author talks with no one else",
  ),
  questionToRoom: yesNo(
    "it is a newcomer's question to the whole channel",
    "it is no newcomer's question to the whole channel",
  ),
  answeredAndNamesNoOther: yesNo(
    "the bot answered the author within 5 minutes, and it names no one else",
    "the bot has not answered the author lately, or it names someone else",
  ),
  acknowledgesBot: yesNo(
    "it acknowledges the bot's last message",
    "it does not acknowledge a message of the bot",
  ),
  newPerson: yesNo("the author is new here", "the author has written here before"),
  saysTheyOrBot: yesNo(
    'it speaks about someone ("he", "they", "bot")',
    "it speaks about no third person",
  ),
  answeredSinceLast: yesNo(
    "the bot has answered the author's last message",
    "the bot has not answered the author's last message",
  ),
  continuesOwn: yesNo("the author also wrote the message before", "someone else wrote before"),
  followsUp: yesNo(
    "it is a question or a short addition to the bot's answer to the author",
    "it adds no question to an answer of the bot",
  ),
  afterOthersQuestion: yesNo(
    "someone else has just asked a question",
    "no one else has just asked a question",
  ),
  onlyThanks: yesNo("it only says thanks", "it does not only say thanks"),
} as const satisfies Readonly<Record<string, Say>>;

export type FeatureName = keyof typeof FEATURES;

export type IntentFeatures = Readonly<Record<FeatureName, number>>;

/** A score names this many features. */
const EXPLAINED = 5;

const NAMES = Object.keys(FEATURES) as readonly FeatureName[];

/** The scores of one message, each from 0 to 1. */
export interface IntentJudgement {
  /** Is it for the bot? */
  readonly directed: number;
  /** If it is for the bot: does it need an answer in words? */
  readonly needsReply: number;
  /** The strongest features of `directed`. */
  readonly top: readonly IntentReason[];
}

/** @param part Added to the logit of `directed`. */
export function judgeIntent(features: IntentFeatures, part = 0): IntentJudgement {
  return {
    directed: sigmoid(sumOf(weights.directed, features) + part),
    needsReply: sigmoid(sumOf(weights.needsReply, features)),
    top: strongest(features),
  };
}

/**
 * A part is a weight times the distance from a typical message. Without that distance, "the bot spoke
 * 50 messages ago" would outweigh everything else in each message.
 */
function strongest(features: IntentFeatures): readonly IntentReason[] {
  return NAMES
    .map((name) => ({
      name,
      part: weights.directed[name] * (features[name] - weights.typical[name]),
    }))
    .filter(({ part }) => part !== 0)
    .sort((a, b) => Math.abs(b.part) - Math.abs(a.part))
    .slice(0, EXPLAINED)
    .map(({ name, part }) => ({ name: FEATURES[name](features[name]), part }));
}

function sumOf(head: Readonly<Record<FeatureName, number>>, features: IntentFeatures): number {
  return NAMES.reduce((sum, name) => sum + head[name] * features[name], 0);
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
