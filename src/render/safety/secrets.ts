/**
 * Removes secrets from texts before they are posted, in any spelling (SEC-R10).
 *
 * A person who talks a model into revealing its token will ask for it in base64, backwards, or with
 * a dash between all letters. So the filter compares only letters and digits, in lower case. White
 * space, Markdown, invisible characters, separators and line ends do not count. Escape sequences
 * are also compared in their decoded form.
 *
 * The filter reads the text once. At each character, a hash of the last few tells whether a form of
 * a secret may end there; only then does it compare. A text without secrets costs some nanoseconds
 * a character, regardless of the number of secrets.
 *
 * @module
 */

import { REDACTED, SECRET_MIN } from "../../lib/text/redactor.ts";
import { unescaped, type View } from "./escapes.ts";
import { formsOf, letterOf, lettersOf } from "./secret_forms.ts";

/** A text without secrets. */
export interface Filtered {
  /** The text with a placeholder for each secret. */
  readonly text: string;
  /** Number of places at which a secret stood. */
  readonly found: number;
}

/** Finds places in a text, in the order of their ends. */
type Find = (text: string) => readonly Place[];

interface Place {
  readonly start: number;
  readonly end: number;
}

/**
 * Prepares a filter for some secrets.
 *
 * A secret that is too short for {@link formsOf} is found only in its own spelling and as a
 * separate word: `admin1` may be a password, and is part of many words.
 *
 * @returns Replaces all secrets in a text.
 */
export function createSecretFilter(
  secrets: readonly string[],
): (text: string) => Filtered {
  const known = secrets.filter(({ length }) => length >= SECRET_MIN);
  const forms = new Set(known.flatMap(formsOf));
  const findForms = forms.size === 0 ? undefined : createFind([...forms]);
  const words = known.filter((secret) => !forms.has(lettersOf(secret)));
  const findWords = words.length === 0 ? undefined : createFindWords(words);
  if (!findForms && !findWords) return (text) => ({ text, found: 0 });

  return (text) => {
    const places: Place[] = [...(findWords?.(text) ?? [])];
    if (findForms) {
      places.push(...findForms(text));
      for (const view of unescaped(text)) places.push(...placesIn(view, findForms(view.text)));
    }
    return places.length === 0 ? { text, found: 0 } : redact(text, places);
  };
}

function placesIn({ starts, ends }: View, places: readonly Place[]): readonly Place[] {
  return places.map(({ start, end }) => ({
    start: starts[start] ?? start,
    end: ends[end - 1] ?? end,
  }));
}

function redact(text: string, places: readonly Place[]): Filtered {
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

/** Number of letters in a hash: every form has at least as many. */
const GRAM = 8;
const TABLE_BITS = 16;
const TABLE_SIZE = 1 << TABLE_BITS;
/** Bits by which each letter shifts the earlier ones; after {@link GRAM} letters, the hash no longer contains them. */
const SHIFT = TABLE_BITS / GRAM;

function createFind(forms: readonly string[]): Find {
  const isEnd = new Uint8Array(TABLE_SIZE);
  const byHash = new Map<number, string[]>();
  for (const form of forms) {
    let hash = 0;
    for (let at = form.length - GRAM; at < form.length; at += 1) {
      hash = next(hash, form.charCodeAt(at));
    }
    isEnd[hash] = 1;
    byHash.set(hash, [...(byHash.get(hash) ?? []), form]);
  }

  return (text) => {
    const places: Place[] = [];
    let hash = 0;
    for (let at = 0; at < text.length; at += 1) {
      const letter = letterOf(text.charCodeAt(at));
      if (letter === 0) continue;
      hash = next(hash, letter);
      if (isEnd[hash] === 0) continue;
      for (const form of byHash.get(hash) ?? []) {
        const start = startOf(form, text, at);
        if (start !== undefined) places.push({ start, end: at + 1 });
      }
    }
    return places;
  };
}

function next(hash: number, letter: number): number {
  return ((hash << SHIFT) ^ (letter * 0x9e5)) & (TABLE_SIZE - 1);
}

/** The start of a form that ends at a position; `undefined` if none does. */
function startOf(form: string, text: string, end: number): number | undefined {
  let at = end + 1;
  for (let place = form.length - 1; place >= 0; place -= 1) {
    let letter = 0;
    while (letter === 0) {
      at -= 1;
      if (at < 0) return undefined;
      letter = letterOf(text.charCodeAt(at));
    }
    if (letter !== form.charCodeAt(place)) return undefined;
  }
  return at;
}

/** Creates a search for short secrets in their own spelling. */
function createFindWords(words: readonly string[]): Find {
  const longestFirst = words.toSorted((a, b) => b.length - a.length);
  const any = longestFirst.map((word) => RegExp.escape(word)).join("|");
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${any})(?![\\p{L}\\p{N}])`, "gu");
  return (text) =>
    Array.from(text.matchAll(pattern), ({ 0: word, index }) => ({
      start: index,
      end: index + word.length,
    }));
}
