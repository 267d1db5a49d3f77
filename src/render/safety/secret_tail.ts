/**
 * Finds where a secret may begin in an unfinished text.
 *
 * A filter can only remove a whole secret. So a growing text is shown only up to a possible
 * beginning of one, until the next characters decide.
 *
 * @module
 */

import { unescaped, type View } from "./escapes.ts";
import { formsOf, letterOf } from "./secret_forms.ts";

/**
 * Maximum number of letters and digits that may be shown, since many texts begin like a secret.
 * They reveal nothing.
 */
const LEAST_LETTERS = 4;

/**
 * Prepares the search for some secrets.
 *
 * @returns Finds the index in a text, free of whole secrets, from which on a secret may begin; the
 * text's length if there is none. It does not find a short secret that has no forms. Such a secret
 * is a word, and a caller that shows whole words shows it whole or not at all.
 */
export function createSecretTail(secrets: readonly string[]): (text: string) => number {
  const forms = [...new Set(secrets.flatMap(formsOf))];
  const longest = Math.max(0, ...forms.map(({ length }) => length));

  function tailOf(text: string): number {
    const { letters, places } = lastLetters(text, longest - 1);
    let most = 0;
    for (const form of forms) {
      let length = Math.min(form.length - 1, letters.length);
      while (length > most && !letters.endsWith(form.slice(0, length))) length -= 1;
      most = Math.max(most, length);
    }
    return most < LEAST_LETTERS ? text.length : places[letters.length - most] ?? 0;
  }

  return (text) => {
    const inView = ({ text: view, starts }: View) => starts[tailOf(view)] ?? text.length;
    return Math.min(tailOf(text), ...unescaped(text).map(inView));
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
