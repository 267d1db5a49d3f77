/**
 * Reads a message's English words for the intent filter (I1): how many there are, how it begins, and
 * hashes of those with content. No word itself is kept.
 */

/** Longer texts are cut, so that the cost of a message has a limit. A Discord message has 2,000. */
const MAX_CHARACTERS = 2_000;
/** Shorter words carry no topic. */
const MIN_CONTENT_LENGTH = 3;
const HASH_START = 0x811c9dc5;
const HASH_PRIME = 0x01000193;
const LETTER_A = 97;
const LETTER_Z = 122;
/** Marks that may stand inside a word, as in `don't`, `c++`, `c#` and `set-up`. */
const INNER_MARKS: ReadonlySet<number> = new Set(Array.from("'+#-", (mark) => mark.charCodeAt(0)));

/** Words that say nothing about the topic. */
const STOP_WORDS: ReadonlySet<number> = hashesOf(
  "the a an to of in on is it i you he she we they and or for that this with at be do does did " +
    "have has had my your me so if then but not no yes ok can will just what how why when where who " +
    "which there here was are im its dont as from by about like get got any some one u ur",
);
const QUESTION_WORDS = wordsOf(
  "what why how when where who which whats hows wheres whos",
);
const AUXILIARIES = wordsOf(
  "is are do does did can could would should will was were has have had am any anyone anybody",
);
const ACKNOWLEDGEMENTS = wordsOf(
  "yes yeah yep yup no nope ok okay k right sure hmm hm oh ah cool great nice indeed correct " +
    "exactly lol haha nvm done worked works true fine alright good",
);
const REFERENCES = wordsOf(
  "it that this those these they them and but so also then or because which",
);

const THANKS = /\b(thanks|thank you|thx|ty|cheers|tnx|thanx)\b/i;
const GREETING = /^(hi|hello|hey|howdy|greetings|morning|good (morning|evening))\b/i;
const SECOND_PERSON = /\b(you|your|yours|u|ur|you're|youre)\b/i;
const THIRD_PERSON = /\b(he|she|him|her|they|bot)\b/i;
const OWN_PROBLEM =
  /\b(i (have|need|want|get|got|can't|cant|cannot|am|was|tried|installed|did|use|just)|i'm|im|i've|my|help)\b/i;
const CODE_OR_LINK = /https?:|`|\/[a-z]+\/|sudo |--\w/;
const ANY_PERSON = /\b(any ?one|any ?body|some ?one|some ?body)\b/i;

/** A text as the filter reads it. */
export interface IntentWords {
  readonly count: number;
  /** Hashes of the distinct words with content. */
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
  readonly asksAnyone: boolean;
  readonly hasCodeOrLink: boolean;
}

/** Reads a text. Its cost has a limit at any length. */
export function readIntentWords(text: string): IntentWords {
  const start = text.slice(0, MAX_CHARACTERS);
  const { count, first, second, content } = scan(start.toLowerCase());
  return {
    count,
    content,
    isQuestion: text.includes("?"),
    beginsWithQuestionWord: QUESTION_WORDS.has(first) ||
      (REFERENCES.has(first) && QUESTION_WORDS.has(second)),
    beginsWithAuxiliary: AUXILIARIES.has(first),
    beginsWithAcknowledgement: ACKNOWLEDGEMENTS.has(first),
    beginsWithReference: REFERENCES.has(first),
    thanks: THANKS.test(start),
    greets: GREETING.test(start),
    saysYou: SECOND_PERSON.test(start),
    saysTheyOrBot: THIRD_PERSON.test(start),
    saysOwnProblem: OWN_PROBLEM.test(start),
    asksAnyone: ANY_PERSON.test(start),
    hasCodeOrLink: CODE_OR_LINK.test(start),
  };
}

/** Finds the words in one pass: a letter, then letters and {@link INNER_MARKS}. */
function scan(text: string) {
  const content = new Set<number>();
  let count = 0;
  let first = "";
  let second = "";
  for (let at = 0; at < text.length; at++) {
    if (!isLetter(text.charCodeAt(at))) continue;
    const start = at;
    let hash = HASH_START;
    for (let code = text.charCodeAt(at); isInWord(code); code = text.charCodeAt(++at)) {
      hash = Math.imul(hash ^ code, HASH_PRIME);
    }
    if (count === 0) first = text.slice(start, at);
    if (count === 1) second = text.slice(start, at);
    count++;
    if (at - start >= MIN_CONTENT_LENGTH && !STOP_WORDS.has(hash)) content.add(hash);
  }
  return { count, first, second, content };
}

function isLetter(code: number): boolean {
  return code >= LETTER_A && code <= LETTER_Z;
}

function isInWord(code: number): boolean {
  return isLetter(code) || INNER_MARKS.has(code);
}

function wordsOf(list: string): ReadonlySet<string> {
  return new Set(list.split(" "));
}

/** The hashes of words, as {@link scan} makes them. */
function hashesOf(list: string): ReadonlySet<number> {
  return new Set(Array.from(wordsOf(list), (word) => {
    let hash = HASH_START;
    for (let at = 0; at < word.length; at++) {
      hash = Math.imul(hash ^ word.charCodeAt(at), HASH_PRIME);
    }
    return hash;
  }));
}
