/**
 * Follows one channel for the intent filter (I1): who spoke, and when the bot answered each person.
 * State decides far more than wording.
 *
 * It keeps no names, texts or words: of each person numbers of messages, and hashes of words. Chinese
 * and Japanese have no blanks, and Korean has endings, so patterns find their words anywhere.
 */

import weights from "./weights.json" with { type: "json" };
import type { UserId } from "../../core/discord/ids.ts";
import type { IntentReason } from "../../core/inbound/inbox.ts";

type Say = (value: number) => string;

/** Undoes `log1p(count) / 3`. */
function counted(value: number): string {
  const count = Math.round(Math.expm1(value * 3));
  return count < 900 ? String(count) : "many"; // or it never did
}

/** Undoes `log1p(seconds / 10) / 3`, in words. */
function duration(value: number): string {
  const seconds = Math.round(Math.expm1(value * 3) * 10);
  if (seconds < 120) return `${seconds} seconds`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} minutes` : "hours";
}

/** Every feature by name: its words, or those for its value. */
const FEATURES = {
  bias: () => "the starting value",
  botSpokeLast: "the bot spoke last",
  messagesSinceBot: (value) => `messages since the bot spoke here: ${counted(value)}`,
  timeSinceBot: (value) => `the bot last spoke ${duration(value)} ago`,
  botNeverSpoke: "the bot never spoke here",
  lastWasToBot: "the author's last message was for the bot",
  botSpokeToAuthor: "the bot's last message was for the author",
  botAnsweredLately: "the bot answered the author within 5 minutes",
  messagesSinceAnswer: (value) => `messages since its answer to the author: ${counted(value)}`,
  timeSinceAnswer: (value) => `the bot last answered the author ${duration(value)} ago`,
  wroteSinceBot: "the author has written since the bot spoke",
  shareToBot: (value) =>
    `of the author's last messages, ${Math.round(value * 100)} % were for the bot`,
  beginsWithOtherName: "it begins with someone else's name",
  namesOther: "it names someone else",
  question: "it asks a question",
  beginsWithQuestionWord: "it begins with a question word",
  beginsWithAuxiliary: "it begins like a yes-or-no question",
  saysYou: 'it says "you"',
  acknowledges: "it begins with a short answer such as yes or ok",
  thanks: "it says thanks",
  greets: "it begins with a greeting",
  ownProblem: "it speaks of the author's own problem",
  beginsWithReference: 'it begins with a word such as "it", "that" or "but"',
  length: (value) => `it has ${counted(value)} words`,
  short: "it is short",
  codeOrLink: "it has code or a link",
  botAsked: "the bot's last message asks a question",
  shortAfterBotAsked: "it is a short answer to the bot's question",
  sharesWordsWithBot: "it shares words with the bot's last message",
  sharesWordsWithAnswer: "it shares words with the bot's answer to the author",
  speakers: (value) => `other people who speak here now: ${Math.round(value * 4)}`,
  addressedByOther: "someone else has just addressed the author",
  inOtherConversation: "the author talks with someone else",
  questionToRoom: "it is a newcomer's question to the whole channel",
  answeredAndNamesNoOther: "the bot answered the author within 5 minutes, and it names no one else",
  acknowledgesBot: "it acknowledges the bot's last message",
  newPerson: "the author is new here",
  saysTheyOrBot: 'it speaks about someone ("he", "they", "bot")',
  answeredSinceLast: "the bot has answered the author's last message",
  continuesOwn: "the author also wrote the message before",
  followsUp: "it is a question or a short addition to the bot's answer to the author",
  afterOthersQuestion: "someone else has just asked a question",
  onlyThanks: "it only says thanks",
} as const satisfies Readonly<Record<string, string | Say>>;

export type FeatureName = keyof typeof FEATURES;

type IntentFeatures = Readonly<Record<FeatureName, number>>;

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
    .map(({ name, part }) => ({ name: wordsFor(FEATURES[name], features[name]), part }));
}

function wordsFor(words: string | Say, value: number): string {
  return typeof words === "function" ? words(value) : `${value > 0 ? "" : "not so: "}${words}`;
}

function sumOf(head: Readonly<Record<FeatureName, number>>, features: IntentFeatures): number {
  return NAMES.reduce((sum, name) => sum + head[name] * features[name], 0);
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** Beyond this number, the person with the oldest last message makes room. */
const MAX_PEOPLE = 200;
/** Content words of an answer that are kept; those after them are not compared. */
const MAX_ANSWER_WORDS = 25;
/** Number of a person's newest messages that are remembered as addressing the bot or not. */
const HISTORY_LENGTH = 5;
/** A person's state. Numbers of messages count from the tracker's start; -1 is never. */
interface TrackedPerson {
  /** The person's own last message. */
  readonly lastMessage: number;
  /** The bot's last answer to the person. */
  readonly lastAnswer: number;
  /** Unix time in milliseconds of that answer. */
  readonly lastAnswerAt: number;
  readonly answerWords: readonly number[];
  /** The last message of another person to this one. */
  readonly lastAddressedByOthers: number;
  /** Which of the last messages addressed the bot, the newest first. */
  readonly toBot: readonly boolean[];
  readonly lastWasToOthers: boolean;
}

const UNKNOWN: TrackedPerson = {
  lastMessage: -1,
  lastAnswer: -1,
  lastAnswerAt: 0,
  answerWords: [],
  lastAddressedByOthers: -1,
  toBot: [],
  lastWasToOthers: false,
};

function createTrackedPeople() {
  /** In the order in which the people were last heard of. */
  const people = new Map<UserId, TrackedPerson>();
  const of = (person: UserId): TrackedPerson => people.get(person) ?? UNKNOWN;

  function change(person: UserId, fields: Partial<TrackedPerson>): void {
    const changed = { ...of(person), ...fields };
    people.delete(person);
    people.set(person, changed);
    const [oldest] = people.keys();
    if (people.size > MAX_PEOPLE && oldest !== undefined) people.delete(oldest);
  }

  return {
    of,
    wrote(person: UserId, message: number, to: { bot: boolean; others: boolean }): void {
      const toBot = [to.bot, ...of(person).toBot].slice(0, HISTORY_LENGTH);
      change(person, { lastMessage: message, toBot, lastWasToOthers: to.others });
    },
    answered(person: UserId, message: number, at: number, content: ReadonlySet<number>): void {
      const answerWords = [...content].slice(0, MAX_ANSWER_WORDS);
      change(person, { lastAnswer: message, lastAnswerAt: at, answerWords });
    },
    addressed(person: UserId, message: number): void {
      change(person, { lastAddressedByOthers: message });
    },
  };
}

/** How alike two sets of words are, from 0 to 1. */
function likeness(a: readonly number[], b: ReadonlySet<number>): number {
  const shared = a.filter((word) => b.has(word)).length;
  return shared === 0 ? 0 : shared / Math.sqrt(a.length * b.size);
}

/** Longer texts are cut, so that the cost of a message has a limit. A Discord message has 2,000. */
const MAX_CHARACTERS = 2_000;
/** Shorter words of ASCII letters carry no topic. */
const MIN_CONTENT_LENGTH = 3;
const HASH_START = 0x811c9dc5;
const HASH_PRIME = 0x01000193;
/** Two letters of a script without blanks, or a word with its marks: `don't`, `c++`, `set-up`. */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]{1,2}|\p{L}[\p{L}\p{M}\p{N}'’+#-]*/gu;

/** Words that say nothing about the topic. */
const STOP_WORDS = wordsOf(
  "the a an to of in on is it i you he she we they and or for that this with at be do does did " +
    "have has had my your me so if then but not no yes ok can will just what how why when where who " +
    "which there here was are im its dont as from by about like get got any some one u ur",
);
const QUESTION_WORDS = wordsOf(
  "what why how when where who which whats hows wheres whos was wie wo wann warum wer wieso " +
    "welche welcher welches wohin quoi comment pourquoi quand où qui quel quelle combien qué " +
    "cómo cuándo dónde quién cuál cuánto que como onde quando quem qual quanto che dove chi " +
    "quale cosa wat hoe waar wanneer waarom welke co jak gdzie kiedy kto dlaczego ile jaki " +
    "jaka kde kdy proč что как где когда почему кто какой какая какие сколько зачем що як де " +
    "коли чому хто який скільки ne nasıl nerede neden kim hangi kaç niye vad hur när varför " +
    "vem vilken apa kapan siapa berapa",
);
const AUXILIARIES = wordsOf(
  "is are do does did can could would should will was were has have had am any anyone " +
    "anybody ist sind kann kannst gibt geht muss soll darf est peux peut est-ce faut hay es " +
    "está puedes puedo tem pode posso dá puoi c'è kan kun moet mag czy można możesz есть можно " +
    "можешь чи можна finns bisa",
);
const ACKNOWLEDGEMENTS = wordsOf(
  "yes yeah yep yup no nope ok okay k right sure hmm hm oh ah cool great nice indeed correct " +
    "exactly lol lmao haha hahaha nvm done worked works true fine alright good sweet perfect " +
    "wow ja nein jo nö gut super klar genau stimmt perfekt oui non ouais parfait mdr sí vale " +
    "perfecto claro genial jaja sim não beleza certo kkk sì perfetto bene nee prima top tak " +
    "nie dobra dobrze да нет ок ага ясно понятно круто хорошо ну так ні добре evet hayır tamam " +
    "jag nej bra",
);
const REFERENCES = wordsOf(
  "it that this those these they them and but so also then or because which und aber das " +
    "dann oder et mais donc alors ou ça y pero entonces eso e mas então isso ma allora quindi " +
    "en maar dus dan dat ale to więc а и но тогда или это і але тоді або peki ve ama ya och " +
    "men så då",
);
const THANKS = wordsOf(
  "thanks thank thx ty cheers tnx thanx tysm danke dankeschön dankschön merci gracias " +
    "obrigado obrigada valeu grazie bedankt dankjewel dzięki dziękuję dzieki díky děkuji " +
    "спасибо спс благодарю дякую teşekkürler teşekkür sağol eyvallah tack takk mersi شكرا " +
    "makasih terimakasih",
);
const GREETINGS = wordsOf(
  "hi hello hey howdy greetings morning hallo moin servus bonjour salut coucou hola buenas " +
    "olá oi ciao buongiorno hoi cześć hej siema привет здравствуйте привіт merhaba selam ahoj " +
    "halo",
);
const SECOND_PERSON = wordsOf(
  "you your yours u ur you're youre du dir dich dein deine tu te toi vous votre tú ti você " +
    "vc seu jij jou jouw ci twój ты тебе тебя вы вам ти тобі sen sana seni",
);
const THIRD_PERSON = wordsOf("he she him her they bot er sie elle él ella ele ela lui lei он она");
/** Other words that usually stand before a comma or colon at the start of a text. */
const OPENERS = wordsOf(
  "actually anyway basically btw damn edit everyone fyi guys honestly interesting maybe " +
    "note now oops please question see sorry still todo update wait well yea achtung bitte " +
    "entschuldigung frage hinweis krass leute mist moment nebenbei schade toll übrigens warte " +
    "attention attends au bref dommage désolé enfin bon sinon bueno espera gente oye perdón " +
    "pregunta aspetta domanda peccato ragazzi scusa aliás desculpa pergunta helaas jammer oké " +
    "trouwens vraag wacht czekaj ej kurde przepraszam pytanie szkoda блин вопрос извини " +
    "короче кстати ладно подожди слушай bu arada bekle pardon soru förresten förlåt vänta",
);
// deno-fmt-ignore
const BEGINNINGS = [
  QUESTION_WORDS, AUXILIARIES, ACKNOWLEDGEMENTS, REFERENCES, THANKS, GREETINGS, THIRD_PERSON, OPENERS,
];
/** Signs of Chinese, Japanese and Korean. */
const ASIAN_THANKS = /谢谢|謝謝|多谢|ありがと|感謝|감사|고마|고맙/;
const ASIAN_QUESTION =
  /什么|怎么|哪|谁|几点|多少|为什么|(?:[吗嗎呢]|(?:ます|です|の|い|る|た)か)(?=[\s。.!！]*$)|いつ|どこ|どう|なぜ|誰|教えて|언제|어디|뭐|무엇|왜|어떻게|누가|누구|몇/u;
const ASIAN_REFERENCE = /^(?:那|还有|但是|それ|じゃ|では|でも|あと|그럼|그리고|근데|그러면)/;
const ASIAN_ACKNOWLEDGEMENT =
  /^(?:好的|好吧|是的|对|不是|哈|はい|いいえ|うん|了解|なるほど|네|응|아니|ㅋ|ㅎ)/;
/** Usual words that begin names, such as "Les Amis". */
const NAME_STARTS = wordsOf("der die das ein eine les los las una une het een big old new little");
const OWN_PROBLEM =
  /\b(i (have|need|want|get|got|can't|cant|cannot|am|was|tried|installed|did|use|just)|i'm|im|i've|my|help)\b/i;
const CODE_OR_LINK = /https?:|`|\/[a-z]+\/|sudo |--\w/;

/** A text as the filter reads it. */
interface IntentWords {
  readonly count: number;
  readonly content: ReadonlySet<number>;
  readonly isQuestion: boolean;
  readonly beginsWithQuestionWord: boolean;
  readonly beginsWithAuxiliary: boolean;
  readonly beginsWithAcknowledgement: boolean;
  /** It begins with "it", "that", "but", … */
  readonly beginsWithReference: boolean;
  readonly thanks: boolean;
  readonly greets: boolean;
  readonly saysYou: boolean;
  readonly saysTheyOrBot: boolean;
  readonly saysOwnProblem: boolean;
  readonly hasCodeOrLink: boolean;
}

/** Reads a text. Its cost has a limit at any length. */
function readIntentWords(text: string): IntentWords {
  const start = text.slice(0, MAX_CHARACTERS);
  const words: readonly string[] = start.toLowerCase().match(WORD) ?? [];
  const [first = "", second = ""] = words;
  const has = (list: ReadonlySet<string>) => words.some((word) => list.has(word));
  return {
    count: words.length,
    content: new Set(words.filter(hasContent).map(hashOf)),
    isQuestion: /[?？؟]/.test(text) || ASIAN_QUESTION.test(start),
    beginsWithQuestionWord: QUESTION_WORDS.has(first) ||
      (REFERENCES.has(first) && QUESTION_WORDS.has(second)),
    beginsWithAuxiliary: AUXILIARIES.has(first),
    beginsWithAcknowledgement: ACKNOWLEDGEMENTS.has(first) || ASIAN_ACKNOWLEDGEMENT.test(start),
    beginsWithReference: REFERENCES.has(first) || ASIAN_REFERENCE.test(start),
    thanks: has(THANKS) || ASIAN_THANKS.test(start),
    greets: GREETINGS.has(first),
    saysYou: has(SECOND_PERSON),
    saysTheyOrBot: has(THIRD_PERSON),
    saysOwnProblem: OWN_PROBLEM.test(start),
    hasCodeOrLink: CODE_OR_LINK.test(start),
  };
}

/** Whether a word is so usual that, without a mark behind it, it names no one. */
const isUsualWord = (word: string): boolean =>
  [STOP_WORDS, SECOND_PERSON, NAME_STARTS].some((list) => list.has(word));

/** Whether a word before a comma or colon at the start of a text is in a list, so no one's name. */
const isListedWord = (word: string): boolean =>
  isUsualWord(word) || BEGINNINGS.some((list) => list.has(word));

function hasContent(word: string): boolean {
  const isTooShort = word.length < MIN_CONTENT_LENGTH && word.charCodeAt(0) < 0x80;
  return !isTooShort && !STOP_WORDS.has(word);
}

function hashOf(word: string): number {
  let hash = HASH_START;
  for (let at = 0; at < word.length; at++) {
    hash = Math.imul(hash ^ word.charCodeAt(at), HASH_PRIME);
  }
  return hash;
}

function wordsOf(list: string): ReadonlySet<string> {
  return new Set(list.split(" "));
}

/** Stands for each person who has not written in the channel. */
export const STRANGER = "0" as UserId;

/** A name at the start, followed by a mark: "Anna: …", "@anna, …". */
const FIRST_NAME = /^[^\p{L}\p{N}_]*([^\s,:;]+)\s*[,:;]/u;
/** A word that is the name of a person who has not written, if no list has it: "linus, …". */
const OTHER_NAME = /^@?(\p{L}[\p{L}\p{M}'’-]{2,})\s?[,:]\s/u;
/** A name is shorter. Without this limit, a text of marks alone would take quadratic time. */
const MAX_START = 100;
const BETWEEN_WORDS = /[\s,:;!?().@、，。！？]+/;
/** Shorter names inside a text are more often words, except in scripts with longer letters. */
const MIN_LENGTH_INSIDE = 3;
const IS_ASCII = /^[!-~]*$/;

/**
 * Finds names in a text: at its start, alone or followed by a mark, and inside. {@link STRANGER}: it
 * begins with a name that no one has.
 *
 * @param people Ids by name in lower case.
 * @param author Is never an addressee.
 */
export function addresseesIn(
  text: string,
  people: ReadonlyMap<string, UserId>,
  author: UserId,
): { readonly to: readonly UserId[]; readonly beginsWithName: boolean } {
  const [, marked = ""] = FIRST_NAME.exec(text.slice(0, MAX_START)) ?? [];
  const words = text.toLowerCase().split(BETWEEN_WORDS).filter((word) => word !== "");
  const isLong = (word: string) => word.length >= MIN_LENGTH_INSIDE || !IS_ASCII.test(word);
  const personOf = (word = "") => isLong(word) && !isUsualWord(word) ? people.get(word) : undefined;
  const [, other] = OTHER_NAME.exec(text.slice(0, MAX_START)) ?? [];
  const stranger = other && !isListedWord(other.toLowerCase()) ? STRANGER : undefined;
  const first = people.get(marked.toLowerCase().replace(/^@/, "")) ?? personOf(words[0]) ??
    stranger;
  const to = new Set([first, ...words.map(personOf)].filter((one) => one !== undefined));
  to.delete(author);
  return { to: [...to] as UserId[], beginsWithName: first !== undefined && first !== author };
}

export interface IntentMessage {
  readonly author: UserId;
  readonly text: string;
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
    readonly content: readonly number[];
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
      lastWasToBot: flag(person.toBot[0] === true),
      botSpokeToAuthor: flag(own?.to.includes(author) === true),
      botAnsweredLately: flag(context.answeredLately),
      messagesSinceAnswer: logCount(hasAnswer ? count - person.lastAnswer : NO_GAP),
      timeSinceAnswer: logTime(secondsSinceAnswer),
      wroteSinceBot: flag(own !== undefined && person.lastMessage > own.number),
      shareToBot: person.toBot.filter(Boolean).length / Math.max(1, person.toBot.length),
      botAsked: flag(own?.isQuestion === true),
      shortAfterBotAsked: flag(own?.isQuestion === true && words.count <= SHORT_WORDS),
      sharesWordsWithBot: own ? likeness(own.content, words.content) : 0,
      sharesWordsWithAnswer: likeness(person.answerWords, words.content),
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
        own = { number: count, at, to: others, isQuestion, content: [...content] };
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
