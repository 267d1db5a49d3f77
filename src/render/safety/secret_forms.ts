/**
 * The ways in which somebody may write a secret, as their letters and digits.
 *
 * @module
 */

/** Letters and digits that a form of a secret has, at least: a shorter one could be anything. */
const PLAIN_MIN = 8;
/** Of an encoding, whose letters are any: `bXlwYXNz`. */
const ENCODED_MIN = 10;

/**
 * What of a code unit counts: an ASCII letter in lower case, a digit, or 0 for nothing.
 *
 * `-`, `_`, `+` and `/` count for nothing either, so that the two alphabets of base64 are one.
 */
export function letterOf(unit: number): number {
  return unit < 128 ? LETTERS[unit] ?? 0 : 0;
}

const LETTERS = Uint8Array.from({ length: 128 }, (_, unit) => {
  const character = String.fromCharCode(unit);
  return /[A-Za-z0-9]/.test(character) ? character.toLowerCase().charCodeAt(0) : 0;
});

/** All that counts of a text. */
export function lettersOf(text: string): string {
  return text.replace(/[^A-Za-z0-9]+/g, "").toLowerCase();
}

/** A secret in plain, hex and base64, forwards and backwards, each long enough to be told. */
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
 * What base64 makes of bytes, whatever stands before and behind them: three bytes are four
 * characters, so there are three ways to begin, and the characters at the ends depend on others.
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
