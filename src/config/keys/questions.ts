/**
 * Ranks keys by a question in a person's own words: `"who may write"`, `"how long are messages kept"`.
 *
 * A key scores for each word of its name, its description and its meanings. Rare words count more, and
 * words that only hold a sentence together count nothing.
 */

import { type Distance, nearestOf } from "../checks/nearest.ts";
import type { ReferenceKey } from "../reference.ts";
import { keysMeant, meantWords } from "./meanings.ts";

const EMPTY_WORDS = new Set(
  ("a about after all an and any are as at be been before bot by can change config configure could " +
    "do does even every everyone for from get give has have how i if in into is it its key keys let " +
    "make may me might my no not of on one only option or our out set setting settings shall should " +
    "so some that the their them then there these they this those to turn use uses want we what when " +
    "where which while will with would you your").split(" "),
);

/** `"how long"` asks for a time, and `"how many"` for a number: neither is about length. */
const QUESTION_WORDS = /\bhow (?:long|many|much|often|far)\b/g;

/** Words for people, which count half: `"who may approve"` asks for approvals. */
const PEOPLE = new Set("who person people user users anyone member members".split(" "));

/** What a word of the question counts in each part of a key. */
const IN_NAME = 4;
const IN_PATH = 2;
const IN_DESCRIPTION = 1.5;
/** The first key of a meaning; each later one counts less. */
const AS_MEANING = 5;
const MEANING_STEP = 0.4;

/** Letters of the shortest word that may be a mistyped one. */
const SHORTEST_MISTYPED = 4;

/** Keys with less than this part of the best score are left out. */
const LEAST_PART = 0.6;
/** Keys that a question finds at most. */
const MAX_FOUND = 12;

/**
 * The keys that a question is about, the best first.
 *
 * @param words In small letters.
 */
export function keysAskedFor(
  words: readonly string[],
  keys: readonly ReferenceKey[],
  distance: Distance,
): readonly ReferenceKey[] {
  const texts = keys.map(wordsOfKey);
  const known = new Set(texts.flatMap(({ all }) => [...all]));
  const asked = tellingWords(words).map((word) => asWritten(word, known, distance));
  const scores = keys.map(() => 0);
  for (const word of new Set(asked)) {
    const stem = stemOf(word);
    const meant = keysMeant(word);
    const weight = PEOPLE.has(word) ? 0.5 : 1;
    const withWord = texts.filter(({ all }) => all.has(stem)).length;
    const rarity = Math.log(1 + keys.length / Math.max(withWord, 1));
    const ofMeaning = Math.log(1 + keys.length / Math.max(meant.length, 1));
    for (const [at, { name, path, all }] of texts.entries()) {
      const place = meant.indexOf(keys[at]?.path ?? "");
      const inText = name.has(stem)
        ? IN_NAME
        : path.has(stem)
        ? IN_PATH
        : all.has(stem)
        ? IN_DESCRIPTION
        : 0;
      const inMeaning = place < 0 ? 0 : Math.max(AS_MEANING - place * MEANING_STEP, 1);
      const best = Math.max(inText * rarity, inMeaning * ofMeaning);
      scores[at] = (scores[at] ?? 0) + weight * best;
    }
  }
  // The bot's texts are many, and few people look for one.
  const rows = keys.map((key, at) => ({
    key,
    score: (scores[at] ?? 0) * (key.path.startsWith("messages.texts.") ? 0.3 : 1) +
      (key.doc.isCommon ? 0.01 : 0),
  }));
  const best = Math.max(...rows.map(({ score }) => score));
  if (best < 1) return [];
  return rows.filter(({ score }) => score >= best * LEAST_PART)
    .toSorted((one, other) => other.score - one.score)
    .slice(0, MAX_FOUND).map(({ key }) => key);
}

export function tellingWords(words: readonly string[]): readonly string[] {
  return words.join(" ").replaceAll(QUESTION_WORDS, " ").split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word.length > 1 && !EMPTY_WORDS.has(word));
}

/** A word without its typing mistake. A shorter word is near to others by chance: `src` to `sec`. */
function asWritten(word: string, known: ReadonlySet<string>, distance: Distance): string {
  if (word.length < SHORTEST_MISTYPED || known.has(stemOf(word)) || keysMeant(word).length > 0) {
    return word;
  }
  return nearestOf(word, [...meantWords(), ...known], distance) ?? word;
}

function wordsOfKey({ name, path, doc: { description } }: ReferenceKey): {
  readonly name: ReadonlySet<string>;
  readonly path: ReadonlySet<string>;
  readonly all: ReadonlySet<string>;
} {
  const inPath = stemsIn(path);
  return {
    name: stemsIn(name),
    path: inPath,
    all: new Set([...inPath, ...stemsIn(description)]),
  };
}

/** The stems of a text; the parts of `historyLimit` are words, too. */
function stemsIn(text: string): ReadonlySet<string> {
  const words = text.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().split(/[^\p{L}\p{N}]+/u);
  return new Set(words.filter((word) => word !== "").map(stemOf));
}

/** The same for `answer`, `answers`, `answered` and `answering`. */
function stemOf(word: string): string {
  if (word.length < 4) return word;
  return word.replace(/(?:ing|ed|es|s)$/, "").replace(/(?:ie|y)$/, "i").replace(/e$/, "");
}
