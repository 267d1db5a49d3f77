/**
 * Removes secrets from texts before they are posted (SEC-R10): whole, in their own spelling, in base64
 * or in hexadecimal. Only letters and digits are compared, in lower case, so white space, Markdown and
 * separators between them hide nothing. A person can still get a secret in another spelling: so no
 * model should get one.
 */

import { REDACTED, SECRET_MIN } from "../../lib/text/redactor.ts";

/** A text without secrets. */
export interface Filtered {
  readonly text: string;
  /** Number of places at which a secret stood. */
  readonly found: number;
}

/** Shorter secrets are parts of usual words: they count as a whole word only. */
const LONG = 10;
/** So many letters of a secret tell nothing. */
const LEAST_LETTERS = 4;

const lettersOf = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");

/** The letters of a secret by which it is found; none of a short one. */
function formsOf(secret: string): readonly string[] {
  const bytes = new TextEncoder().encode(secret);
  const base64 = bytes.toBase64().replace(/=+$/, "");
  const beginning = base64.slice(0, bytes.length * 8 / 6); // the next bytes would change its end
  return [secret, base64, beginning, bytes.toHex()].map(lettersOf).filter(({ length }) =>
    length >= LONG
  );
}

export function createSecretFilter(secrets: readonly string[]): (text: string) => Filtered {
  const known = secrets.filter(({ length }) => length >= SECRET_MIN);
  const gap = "[^\\p{L}\\p{N}]*";
  const all = known.flatMap((secret) => {
    const forms = formsOf(secret);
    return lettersOf(secret).length >= LONG ? forms.map((form) => [...form].join(gap)) : [
      ...forms.map((form) => [...form].join(gap)),
      `(?<![\\p{L}\\p{N}])${RegExp.escape(secret)}(?![\\p{L}\\p{N}])`,
    ];
  }).sort((one, other) => other.length - one.length);
  if (all.length === 0) return (text) => ({ text, found: 0 });
  const pattern = new RegExp(all.join("|"), "giu");
  return (text) => {
    let found = 0;
    const clean = text.replace(pattern, () => (found += 1, REDACTED));
    return { text: clean, found };
  };
}

/** @returns Finds the index from which on a secret may begin; the text's length if there is none. */
export function createSecretTail(secrets: readonly string[]): (text: string) => number {
  const forms = secrets.flatMap(formsOf);
  const longest = Math.max(0, ...forms.map(({ length }) => length));
  return (text) => {
    let [at, letters] = [text.length, ""];
    let tail = text.length;
    while (at > 0 && letters.length < longest) {
      const letter = lettersOf(text[--at] ?? "");
      letters = letter + letters;
      if (
        letter && letters.length >= LEAST_LETTERS && forms.some((form) => form.startsWith(letters))
      ) tail = at;
    }
    return tail;
  };
}
