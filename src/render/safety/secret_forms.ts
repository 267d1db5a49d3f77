/**
 * Computes the forms in which a text may contain a secret, reduced to letters and digits.
 *
 * @module
 */

/** Minimum number of letters and digits of a form; a shorter one could be any word. */
const PLAIN_MIN = 8;
/** The same for encoded forms, which consist of any letters: `bXlwYXNz`. */
const ENCODED_MIN = 10;

/**
 * Reduces a code unit: an ASCII letter in lower case, a digit, or 0 for any other character.
 *
 * `-`, `_`, `+` and `/` give 0 as well, so that the two alphabets of base64 are the same.
 */
export function letterOf(unit: number): number {
  return unit < 128 ? LETTERS[unit] ?? 0 : 0;
}

const LETTERS = Uint8Array.from({ length: 128 }, (_, unit) => {
  const character = String.fromCharCode(unit);
  return /[A-Za-z0-9]/.test(character) ? character.toLowerCase().charCodeAt(0) : 0;
});

/** The letters and digits of a text, in lower case. */
export function lettersOf(text: string): string {
  return text.replace(/[^A-Za-z0-9]+/g, "").toLowerCase();
}

/**
 * A secret in plain text, hex and base64, forwards and backwards. Forms that are too short to
 * recognize are left out.
 */
export function formsOf(secret: string): readonly string[] {
  const encoder = new TextEncoder();
  const plain = [secret, reversed(secret)];
  const encoded = plain.flatMap((text) => {
    const bytes = encoder.encode(text);
    return [bytes.toHex(), ...base64Of(bytes)];
  });
  return [
    ...plain.map(lettersOf).filter(({ length }) => length >= PLAIN_MIN),
    ...encoded.flatMap((text) => [text, reversed(text)]).map(lettersOf)
      .filter(({ length }) => length >= ENCODED_MIN),
  ];
}

function reversed(text: string): string {
  return [...text].reverse().join("");
}

/**
 * The base64 of bytes within a longer text. Three bytes are four characters, so there are three
 * ways to begin. Characters at both ends depend on their neighbours and are left out.
 */
function base64Of(bytes: Uint8Array): readonly string[] {
  return [0, 1, 2].map((before) => {
    const padded = new Uint8Array(before + bytes.length);
    padded.set(bytes, before);
    const firstWhole = Math.ceil(before * 8 / 6);
    const lastWhole = Math.floor(padded.length * 8 / 6);
    return padded.toBase64().slice(firstWhole, lastWhole);
  });
}
