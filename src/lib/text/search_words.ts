/**
 * Cuts texts into the words by which messages are searched.
 *
 * A word is a run of letters and digits, in lower case and without accents. Chinese, Japanese and
 * other scripts without blanks become pairs of letters. Code such as `foo_bar` or `v1.2.3`, and words
 * with a hyphen, become their parts, and one word of all of them. Words that say nothing alone are left out: half of an index
 * would be theirs.
 *
 * The index has words without their endings, so `Neustarts` finds `Neustart`. If few messages have a
 * word, a search also takes longer words that begin like it: `Serverausf` finds `Serverausfall`.
 */

/** Maximum number of different words of a text, and of characters of a word. */
const MAX_WORDS = 400;
const MAX_LENGTH = 32;
/** Maximum number of words of a search. */
const MAX_QUERY = 16;
/** Characters of a word that its ending must leave. */
const MIN_STEM = 4;

const RUN = /[\p{L}\p{N}]+/gu;
/** Names of code, versions and addresses: runs that one character joins. */
const CHAIN = /[\p{L}\p{N}]+(?:[._:/\-+#@][\p{L}\p{N}]+)+/gu;
/** Scripts that write no blanks between words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー々〆]+/gu;
/** Accents of Latin, Greek and Cyrillic letters. Marks of other scripts make other letters. */
const ACCENTS = /[\u0300-\u036f]/g;
const IS_ASCII = /^[\t\n\r -~]*$/;
const IS_HANGUL = /^\p{Script=Hangul}+$/u;
/** Pairs of hiragana alone are mostly grammar. */
const IS_HIRAGANA = /^\p{Script=Hiragana}+$/u;

/** Words of English and German that say nothing alone. */
const EMPTY_WORDS: ReadonlySet<string> = new Set(
  ("a about after all also am an and any are as at be because been but by can could did do does " +
    "dont for from get got had has have he her here him his how i if im in into is it its just " +
    "like me more my no not now of on one only or other our out over please re she should so " +
    "some such than that thats the their them then there these they this those to too up us use " +
    "very was we were what when where which who why will with would yes you your " +
    "aber als am an auch auf aus bei bin bis da dann das dass dem den der des die doch du durch " +
    "ein eine einem einen einer eines er es fur hab habe haben hast hat hatte hier ich ihr im in " +
    "ist ja kann kein keine man mal mein meine mich mir mit muss nach nein nicht noch nun nur ob " +
    "oder schon sehr sein sich sie sind so uber um und uns unter vom von vor war was weil wenn " +
    "wer wie wir wird wo zu zum zur").split(" "),
);

/** Endings of English and German words, the longest first. */
const ENDINGS =
  /(?:ungen|ations|ation|ingen|ings|ing|ung|ern|ers|est|ies|en|em|er|es|ed|ly|e|n|s|y)$/;

/** A text as words are compared: in lower case, in one form, without accents. */
export function plainForm(text: string): string {
  const lower = text.toLowerCase();
  if (IS_ASCII.test(lower)) return lower;
  return lower.normalize("NFKD").replace(ACCENTS, "").normalize("NFC").replaceAll("ß", "ss");
}

/** The different words of a text, in the order of their first occurrence. */
export function wordsOf(text: string): readonly string[] {
  const words = new Set<string>();
  const plain = plainForm(text);
  const isAscii = IS_ASCII.test(plain);
  for (const run of plain.match(RUN) ?? []) {
    if (words.size >= MAX_WORDS) break;
    if (isAscii) addWord(run, words);
    else addRun(run, words);
  }
  for (const chain of plain.match(CHAIN) ?? []) {
    if (words.size >= MAX_WORDS) break;
    const joined = chain.replace(/[^\p{L}\p{N}]/gu, "");
    if (!isCode(chain) || joined.length > MAX_LENGTH) continue;
    words.add(joined);
    if (/^v\d/.test(joined)) words.add(joined.slice(1)); // people leave the "v" of versions out
  }
  return [...words];
}

/** Names with digits, dots or underscores, and words with a hyphen: people write `Pi-hole` as one, too. */
function isCode(chain: string): boolean {
  return /[\d_.:#@-]/.test(chain);
}

function addRun(run: string, words: Set<string>): void {
  if (IS_ASCII.test(run)) return addWord(run, words);
  let rest = 0;
  for (const { 0: part, index } of run.matchAll(UNSPACED)) {
    addWord(run.slice(rest, index), words);
    addPairs(part, words);
    rest = index + part.length;
  }
  addWord(run.slice(rest), words);
}

function addWord(word: string, words: Set<string>): void {
  if (word.length < 2 || EMPTY_WORDS.has(word)) return;
  words.add(word.slice(0, MAX_LENGTH));
}

function addPairs(part: string, words: Set<string>): void {
  const letters = [...part];
  if (letters.length === 1) words.add(part);
  for (let at = 0; at + 1 < letters.length; at++) words.add(`${letters[at]}${letters[at + 1]}`);
}

/** Words of {@link wordsOf} as the index has them. */
export function stemsOf(words: readonly string[]): ReadonlySet<string> {
  return new Set(words.map(stemOf));
}

export interface QueryWord {
  readonly word: string;
  /** The word without its ending, as the index has it. */
  readonly stem: string;
  /** Whether longer words that begin with the stem match, too. */
  readonly isBeginning: boolean;
}

/** The words of a search; empty if it has none that the index knows. */
export function queryWords(query: string): readonly QueryWord[] {
  const words = wordsOf(query);
  const telling = words.filter((word) => !IS_HIRAGANA.test(word));
  const chosen = new Map(
    (telling.length > 0 ? telling : words).map((word) => [stemOf(word), word]),
  );
  return Array.from(chosen, ([stem, word]) => ({
    word,
    stem,
    // A single letter is of a script without blanks: its pairs match. Korean words have particles.
    isBeginning: word.length === 1 || IS_HANGUL.test(word) ||
      (stem.length >= MIN_STEM && !/\d/.test(stem)),
  })).slice(0, MAX_QUERY);
}

function stemOf(word: string): string {
  if (/\d/.test(word)) return word;
  const stem = word.replace(ENDINGS, "");
  return stem.length >= MIN_STEM ? stem : word.replace(/(?<=^..+[^s])s$/, ""); // "dogs", "bikes"
}

/** What a word counts with another ending, and one that only begins like the searched one. */
const OTHER_ENDING = 0.9;
const BEGINNING = 0.6;

/**
 * Creates the comparison of whole texts with a search: 0 if a text has none of its words, and 1 if it
 * has all of them and says little else.
 *
 * @param weights What each word of the search counts; absent: all the same.
 */
export function comparing(query: string, weights?: readonly number[]): (text: string) => number {
  const words = queryWords(query);
  const part = plainForm(query).trim();
  if (words.length === 0) {
    return (text) => part !== "" && plainForm(text).includes(part) ? 0.5 : 0;
  }
  const weightOf = (at: number): number => weights?.[at] ?? 1;
  const all = words.reduce((sum, _, at) => sum + weightOf(at), 0);
  return (text) => {
    const own = wordsOf(text);
    const set = new Set(own);
    const stems = stemsOf(own);
    const covered = words.reduce((sum, { word, stem, isBeginning }, at) => {
      const share = set.has(word)
        ? 1
        : stems.has(stem)
        ? OTHER_ENDING
        : isBeginning && own.some((one) => one.startsWith(stem))
        ? BEGINNING
        : 0;
      return sum + share * weightOf(at);
    }, 0) / all;
    if (covered === 0) return 0;
    // A text that says little else is a better match than a long one.
    const focus = Math.min(1, words.length / Math.max(1, own.length));
    const whole = words.length === 1 || plainForm(text).includes(part) ? 0.1 : 0;
    return covered * (0.75 + 0.15 * focus) + whole;
  };
}
