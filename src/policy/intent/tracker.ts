/**
 * Follows one channel for the intent filter (I1): who spoke, and when the bot answered each person.
 * State decides far more than wording.
 */

import type { UserId } from "../../core/discord/ids.ts";
import { STRANGER } from "./addressees.ts";
import type { IntentFeatures } from "./features.ts";
import { createTrackedPeople, likeness, type TrackedPerson } from "./people.ts";
import { type IntentWords, readIntentWords } from "./words.ts";

export interface IntentMessage {
  readonly author: UserId;
  readonly text: string;
  /** Unix time in milliseconds. */
  readonly at: number;
  /**
   * The people that it visibly addresses by mention, reply or name. For the bot's own messages: the
   * people that it answers.
   */
  readonly to: readonly UserId[];
  /** Whether it begins with a name or mention, as "Anna: …" does. */
  readonly beginsWithName: boolean;
}

/** Of this many messages, the tracker keeps the authors. */
const RECENT = 10;
const MAX_SPEAKERS = 8;
/** Stand for "never". */
const NO_GAP = 999;
const NO_SECONDS = 100_000;
/** An answer is recent for this many seconds. */
const RECENT_ANSWER = 300;
const ADDRESSED_WITHIN = 30;
const CONVERSATION_WITHIN = 40;
const SHORT_WORDS = 4;
const FEW_WORDS = 8;

/**
 * Creates a tracker that has seen no message.
 *
 * @param me The bot's account.
 */
export function createIntentTracker({ me }: { readonly me: UserId }) {
  const people = createTrackedPeople();
  let recentAuthors: UserId[] = [];
  let own: {
    readonly number: number;
    readonly at: number;
    readonly to: readonly UserId[];
    readonly isQuestion: boolean;
    readonly content: ReadonlySet<number>;
  } | undefined;
  let count = 0;
  /** Whether the last message is a person's question. */
  let lastAsks = false;

  function otherSpeakers(author: UserId): number {
    const speakers = new Set(recentAuthors);
    speakers.delete(me);
    speakers.delete(author);
    return Math.min(speakers.size, MAX_SPEAKERS) / 4;
  }

  const answersBot = () => own?.isQuestion === true && recentAuthors.at(-1) === me;

  function features(message: IntentMessage): IntentFeatures {
    const { author, at } = message;
    const words = readIntentWords(message.text);
    const person = people.of(author);
    const before = recentAuthors.at(-1);
    const hasAnswer = person.lastAnswer >= 0;
    const secondsSinceAnswer = hasAnswer ? secondsBetween(person.lastAnswerAt, at) : NO_SECONDS;
    const context: MessageContext = {
      words,
      person,
      namesOther: othersIn(message, me, answersBot()).length > 0,
      isNew: person.lastMessage < 0,
      botSpokeLast: before === me,
      answeredLately: secondsSinceAnswer < RECENT_ANSWER,
    };
    return {
      ...wordFeatures(message, context),
      botSpokeLast: flag(context.botSpokeLast),
      messagesSinceBot: logCount(own ? count - own.number : NO_GAP),
      timeSinceBot: logTime(own ? secondsBetween(own.at, at) : NO_SECONDS),
      botNeverSpoke: flag(own === undefined),
      lastWasToBot: flag(person.lastWasToBot),
      botSpokeToAuthor: flag(own?.to.includes(author) === true),
      botAnsweredLately: flag(context.answeredLately),
      messagesSinceAnswer: logCount(hasAnswer ? count - person.lastAnswer : NO_GAP),
      timeSinceAnswer: logTime(secondsSinceAnswer),
      wroteSinceBot: flag(own !== undefined && person.lastMessage > own.number),
      shareToBot: person.shareToBot,
      botAsked: flag(own?.isQuestion === true),
      shortAfterBotAsked: flag(own?.isQuestion === true && words.count <= SHORT_WORDS),
      sharesWordsWithBot: own ? likeness(words.content, own.content) : 0,
      sharesWordsWithAnswer: people.sharedWithAnswer(author, words.content),
      speakers: otherSpeakers(author),
      addressedByOther: flag(
        person.lastAddressedByOthers > person.lastAnswer &&
          count - person.lastAddressedByOthers < ADDRESSED_WITHIN,
      ),
      inOtherConversation: flag(
        person.lastWasToOthers && count - person.lastMessage < CONVERSATION_WITHIN,
      ),
      answeredSinceLast: flag(hasAnswer && person.lastAnswer > person.lastMessage),
      continuesOwn: flag(before === author),
      afterOthersQuestion: flag(lastAsks && before !== author),
    };
  }

  return {
    /** Computes the features of a message from the messages before it. Changes nothing. */
    features,
    /** Records a message, after {@link features}. The bot's own ones, too. */
    push(message: IntentMessage): void {
      const { author, text, at, to } = message;
      const others = othersIn(message, me, answersBot());
      if (author === me) {
        const { isQuestion, content } = readIntentWords(text);
        own = { number: count, at, to: others, isQuestion, content };
        for (const person of others) people.answered(person, count, at, content);
      } else {
        people.wrote(author, count, { bot: to.includes(me), others: others.length > 0 });
        for (const person of others) people.addressed(person, count);
      }
      recentAuthors = [...recentAuthors, author].slice(-RECENT);
      lastAsks = author !== me && /[?？؟]/.test(text);
      count++;
    },
  };
}

/** People other than the bot. A word and a comma after the bot's question are its answer, no name. */
function othersIn(
  { author, to }: IntentMessage,
  me: UserId,
  answersBot: boolean,
): readonly UserId[] {
  return to.filter((one) => one !== me && one !== author && !(answersBot && one === STRANGER));
}

/** Facts that several features share. */
interface MessageContext {
  readonly words: IntentWords;
  readonly person: TrackedPerson;
  readonly namesOther: boolean;
  readonly isNew: boolean;
  readonly botSpokeLast: boolean;
  readonly answeredLately: boolean;
}

/** The features of the text itself, alone and with {@link MessageContext}. */
function wordFeatures(
  { beginsWithName }: IntentMessage,
  { words, namesOther, isNew, botSpokeLast, answeredLately }: MessageContext,
) {
  const isShort = words.count <= SHORT_WORDS;
  return {
    bias: 1,
    beginsWithOtherName: flag(beginsWithName && namesOther),
    namesOther: flag(namesOther),
    question: flag(words.isQuestion),
    beginsWithQuestionWord: flag(words.beginsWithQuestionWord),
    beginsWithAuxiliary: flag(words.beginsWithAuxiliary),
    saysYou: flag(words.saysYou),
    acknowledges: flag(words.beginsWithAcknowledgement),
    thanks: flag(words.thanks),
    greets: flag(words.greets),
    ownProblem: flag(words.saysOwnProblem),
    beginsWithReference: flag(words.beginsWithReference),
    length: logCount(words.count),
    short: flag(isShort),
    codeOrLink: flag(words.hasCodeOrLink),
    questionToRoom: flag(words.isQuestion && !namesOther && !answeredLately && isNew),
    answeredAndNamesNoOther: flag(answeredLately && !namesOther),
    acknowledgesBot: flag(botSpokeLast && (words.beginsWithAcknowledgement || words.thanks)),
    followsUp: flag(
      answeredLately && !namesOther && (words.isQuestion ||
        words.beginsWithQuestionWord || words.beginsWithAuxiliary ||
        (isShort && words.beginsWithReference)),
    ),
    onlyThanks: flag(words.thanks && !words.isQuestion && words.count <= FEW_WORDS),
    newPerson: flag(isNew),
    saysTheyOrBot: flag(words.saysTheyOrBot),
  };
}

function flag(holds: boolean): number {
  return holds ? 1 : 0;
}

function logCount(count: number): number {
  return Math.log1p(count) / 3;
}

function logTime(seconds: number): number {
  return Math.log1p(seconds / 10) / 3;
}

/** Seconds from one time to a later one; 0 if the clock went back. */
function secondsBetween(from: number, to: number): number {
  return Math.max(0, (to - from) / 1_000);
}
