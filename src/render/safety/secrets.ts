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
 * @module
 */

import { REDACTED, SECRET_MIN } from "../../lib/text/redactor.ts";
import { readingsOf } from "./readings.ts";
import { formsOf, lettersOf } from "./secret_forms.ts";
import type { TextRange } from "../markdown/spans.ts";
import { createSearch } from "./secret_search.ts";

/** A text without secrets. */
export interface Filtered {
  /** The text with a placeholder for each secret. */
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
export function createSecretFilter(
  secrets: readonly string[],
): (text: string) => Filtered {
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

/** Creates a search for short secrets in their own spelling. */
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
