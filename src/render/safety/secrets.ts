/**
 * Removes secrets from texts before they are posted, in any spelling (SEC-R10).
 *
 * A person can ask a model for its token in base64, backwards, with a dash between all letters, or
 * for one half of it. So the filter compares only letters and digits,
 * in lower case. White space, Markdown, invisible characters, separators and line ends do not
 * count. Escape sequences, numbers and letters of other kinds are also compared in their decoded
 * form. Twelve letters in a row are a part of a secret, unless they are common words.
 *
 * A person can still get a secret in a spelling of their own. `docs/delivery.md` lists what the
 * filter does not find.
 *
 * The search reads the text once. At each letter, a hash of the last few tells whether they may be
 * the same as some letters of a form; only then does it compare. A form is in the table with one of
 * every few places, so closely that each part of it contains one of them. A text without secrets
 * costs some nanoseconds a character, regardless of the number of secrets.
 *
 * A filter can only remove a secret, or a part of it, that is long enough. So a growing text is shown
 * only up to letters that a secret contains too, until the next characters decide.
 */

import { REDACTED, SECRET_MIN } from "../../lib/text/redactor.ts";
import type { TextRange } from "../../lib/text/view.ts";
import { readingsOf } from "./readings.ts";
import { formsOf, isPart, letterOf, lettersOf, type SecretForm } from "./secret_forms.ts";

/** A text without secrets. */
export interface Filtered {
  readonly text: string;
  /** Number of places at which a secret stood. */
  readonly found: number;
}

/**
 * Prepares a filter for some secrets.
 *
 * A secret that is too short for {@link formsOf} is found only in its own spelling and as a
 * separate word: `admin1` may be a password, and is part of many words.
 *
 * @returns Replaces all secrets in a text, and parts of them.
 */
export function createSecretFilter(secrets: readonly string[]): (text: string) => Filtered {
  const known = secrets.filter(({ length }) => length >= SECRET_MIN);
  const forms = [...new Set(known)].flatMap(formsOf);
  const findForms = forms.length === 0 ? undefined : createSearch(forms);
  const letters = new Set(forms.map((form) => form.letters));
  const words = known.filter((secret) => !letters.has(lettersOf(secret)));
  const findWords = words.length === 0 ? undefined : createFindWords(words);
  if (!findForms && !findWords) return (text) => ({ text, found: 0 });

  return (text) => {
    const places: TextRange[] = [...(findWords?.(text) ?? [])];
    if (findForms) {
      places.push(...findForms(text));
      for (const view of readingsOf(text)) {
        for (const { start, end } of findForms(view.text)) {
          places.push({ start: view.startOf(start), end: view.endOf(end - 1) });
        }
      }
    }
    return places.length === 0 ? { text, found: 0 } : redact(text, places);
  };
}

function redact(text: string, places: readonly TextRange[]): Filtered {
  const inOrder = places.toSorted((a, b) => a.start - b.start);
  let clean = "";
  let from = 0;
  let found = 0;
  for (const { start, end } of inOrder) {
    if (end <= from) continue;
    if (start >= from) {
      clean += text.slice(from, start) + REDACTED;
      found += 1;
    } // otherwise it overlaps with the place before, which then includes it
    from = end;
  }
  return { text: clean + text.slice(from), found };
}

function createFindWords(words: readonly string[]): (text: string) => readonly TextRange[] {
  const longestFirst = words.toSorted((a, b) => b.length - a.length);
  const any = longestFirst.map((word) => RegExp.escape(word)).join("|");
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${any})(?![\\p{L}\\p{N}])`, "gu");
  return (text) =>
    Array.from(text.matchAll(pattern), ({ 0: word, index }) => ({
      start: index,
      end: index + word.length,
    }));
}

/** Number of letters in a hash: every form has at least as many. */
const GRAM = 8;
/** Bits per letter: after {@link GRAM} more letters, nothing of a letter is left in the hash. */
const SHIFT = 32 / GRAM;
const TABLE_BITS = 16;

/** Letters of a form whose hash is in the table. */
interface Seed {
  readonly form: SecretForm;
  /** Index of the last letter in the form. */
  readonly at: number;
}

/**
 * Prepares a search.
 *
 * @returns Finds places in a text. They may overlap.
 */
function createSearch(forms: readonly SecretForm[]): (text: string) => readonly TextRange[] {
  const mayMatch = new Uint8Array(1 << TABLE_BITS);
  const seeds = new Map<number, Seed[]>();
  for (const form of forms) {
    for (const seed of seedsOf(form)) {
      const hash = hashOf(form.letters, seed.at);
      mayMatch[slotOf(hash)] = 1;
      const others = seeds.get(hash);
      if (others) others.push(seed);
      else seeds.set(hash, [seed]);
    }
  }

  return (text) => {
    const places: TextRange[] = [];
    const done = new Map<SecretForm, number>(); // end of the last place of each form
    let hash = 0;
    for (let at = 0; at < text.length; at += 1) {
      const letter = letterOf(text.charCodeAt(at));
      if (letter === 0) continue;
      hash = nextHash(hash, letter);
      if (mayMatch[slotOf(hash)] === 0) continue;
      for (const { form, at: index } of seeds.get(hash) ?? []) {
        if (at < (done.get(form) ?? 0)) continue;
        const place = placeOf(form, index, text, at);
        if (!place) continue;
        places.push(place);
        done.set(form, place.end);
      }
    }
    return places;
  };
}

/** Places in a form, so close that each of its parts contains one. */
function seedsOf(form: SecretForm): readonly Seed[] {
  const step = form.part - GRAM + 1;
  const count = Math.floor((form.letters.length - GRAM) / step) + 1;
  return Array.from({ length: count }, (_, index) => ({ form, at: index * step + GRAM - 1 }));
}

function hashOf(letters: string, last: number): number {
  let hash = 0;
  for (let at = last - GRAM + 1; at <= last; at += 1) hash = nextHash(hash, letters.charCodeAt(at));
  return hash;
}

function nextHash(hash: number, letter: number): number {
  return (hash << SHIFT) ^ Math.imul(letter, 0x9e3779b1);
}

function slotOf(hash: number): number {
  return Math.imul(hash, 0x85ebca6b) >>> (32 - TABLE_BITS);
}

/**
 * The longest place at which a text has the letters of a form.
 *
 * @param index Index of a letter in the form, which the text may have at the position `at`.
 * @returns `undefined` if it is neither the whole form nor a part of it.
 */
function placeOf(form: SecretForm, index: number, text: string, at: number): TextRange | undefined {
  const before = countEqual(form, index, text, at, -1);
  const behind = countEqual(form, index, text, at, 1);
  const first = index - before.count + 1;
  const end = index + behind.count;
  const isWhole = first === 0 && end === form.letters.length;
  if (before.count < GRAM || !(isWhole || isPart(form, first, end))) return undefined;
  return { start: before.last, end: behind.last + 1 };
}

/** Counts equal letters of form and text in one direction. */
function countEqual(
  { letters }: SecretForm,
  index: number,
  text: string,
  at: number,
  step: 1 | -1,
) {
  const most = step === 1 ? letters.length - index : index + 1;
  let count = 0;
  let last = at;
  for (let place = at; count < most && place >= 0 && place < text.length; place += step) {
    const letter = letterOf(text.charCodeAt(place));
    if (letter === 0) continue;
    if (letter !== letters.charCodeAt(index + count * step)) break;
    last = place;
    count += 1;
  }
  return { count, last };
}

/**
 * Maximum number of letters and digits that may be shown, since many texts have some in common with
 * a secret. They reveal nothing.
 */
const LEAST_LETTERS = 4;

/**
 * Prepares the search for some secrets.
 *
 * @returns Finds the index in a text, free of secrets, from which on a secret or a part of one may
 * begin; the text's length if there is none. It does not find a short secret that has no forms.
 * Such a secret is a word, and a caller that shows whole words shows it whole or not at all.
 */
export function createSecretTail(secrets: readonly string[]): (text: string) => number {
  const forms = [...new Set(secrets.flatMap(formsOf).map(({ letters }) => letters))];
  const longest = Math.max(0, ...forms.map(({ length }) => length));

  function tailOf(text: string): number {
    const { letters, places } = lastLetters(text, longest);
    let most = LEAST_LETTERS - 1;
    for (const form of forms) {
      while (most < letters.length && form.includes(letters.slice(-most - 1))) most += 1;
    }
    return most < LEAST_LETTERS ? text.length : places[letters.length - most] ?? 0;
  }

  return (text) => {
    const readings = readingsOf(text);
    const starts = readings.map((view) => {
      const at = tailOf(view.text);
      return at === view.text.length ? text.length : view.startOf(at);
    });
    return Math.min(tailOf(text), ...starts);
  };
}

/** The last letters and digits of a text, with their positions. */
function lastLetters(text: string, count: number) {
  const places: number[] = [];
  let letters = "";
  for (let at = text.length - 1; at >= 0 && places.length < count; at -= 1) {
    const letter = letterOf(text.charCodeAt(at));
    if (letter === 0) continue;
    places.push(at);
    letters += String.fromCharCode(letter);
  }
  return { letters: [...letters].reverse().join(""), places: places.reverse() };
}
