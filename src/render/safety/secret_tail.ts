/**
 * Finds the place in an unfinished text from which on a secret may begin.
 *
 * A filter can only remove a secret, or a part of it, that is long enough. So a growing text is
 * shown only up to letters that a secret contains too, until the next characters decide.
 *
 * @module
 */

import { readingsOf } from "./readings.ts";
import { formsOf, letterOf } from "./secret_forms.ts";

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
