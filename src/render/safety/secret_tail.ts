/**
 * Finds where an unfinished text may be about to say a secret.
 *
 * A secret can be taken out once it is whole. Of a text that is shown while it
 * grows, what could be the beginning of one is held back until it is, or turns
 * out to be something else.
 *
 * @module
 */

import { unescaped, type View } from "./escapes.ts";
import { formsOf, letterOf } from "./secret_forms.ts";

/** Letters and digits that any text may begin a secret with; to have shown them gives nothing away. */
const LEAST_LETTERS = 4;

/**
 * Knows some secrets.
 *
 * @returns What finds the place in a text, free of whole secrets, from which on it may be the
 * beginning of one: its length where it is none. A short secret, of which no letters count, is not
 * found; it is a word, and whoever shows whole words shows it whole or not at all.
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

/** The last letters and digits of a text, and where they stand. */
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
