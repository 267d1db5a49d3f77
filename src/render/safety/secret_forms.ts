/**
 * Computes the forms in which a text may contain a secret, reduced to letters and digits, and which of
 * its characters are secret by themselves.
 *
 * A part of a secret can be a common word: `https` and `github` in a URL, `horse` in a passphrase.
 * The first part of a bot token is the bot's id, which everyone may know. Without its neighbours,
 * such a part reveals nothing, and an answer may well contain it.
 */

/** Minimum number of letters and digits of a form; a shorter one could be any word. */
const PLAIN_MIN = 8;
/** The same for encoded forms, which consist of any letters: `bXlwYXNz`. */
const ENCODED_MIN = 10;
/** Minimum number of bytes of a form that writes each with several digits. */
const CODES_MIN = 5;

/** Number of a secret's letters that count as a part of it. */
const PART = 12;

export interface SecretForm {
  /** Letters and digits in lower case. */
  readonly letters: string;
  /**
   * Minimum number of letters of a part, at most all letters. A text with fewer of them in a row
   * reveals too little.
   */
  readonly part: number;
  /**
   * Whether each letter comes from a character that is secret by itself. It is computed only if a
   * text has a part of the form, because that is rare.
   */
  readonly marks: () => readonly boolean[];
}

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

export function lettersOf(text: string): string {
  return text.replace(/[^A-Za-z0-9]+/g, "").toLowerCase();
}

/**
 * Whether letters of a form reveal a part of the secret: enough of them, at least half of them
 * secret by themselves.
 *
 * @param start Index of the first letter.
 * @param end Index behind the last one.
 */
export function isPart({ part, marks }: SecretForm, start: number, end: number): boolean {
  if (end - start < part) return false;
  const marked = marks().slice(start, end).filter((isMarked) => isMarked).length;
  return marked >= part / 2;
}

interface Spelling {
  readonly text: string;
  /** Whether each of its units is, or comes from, a character that is secret by itself. */
  readonly marks: () => readonly boolean[];
}

/**
 * A secret in plain text, hex, base64, and as decimal, octal and binary codes without space between
 * them, forwards and backwards. Forms that are too short to recognize are left out.
 */
export function formsOf(secret: string): readonly SecretForm[] {
  const spelling = { text: secret, marks: () => secretUnits(secret) };
  return [spelling, reversed(spelling)].flatMap(encodingsOf);
}

function encodingsOf(spelling: Spelling): readonly SecretForm[] {
  const bytes = new TextEncoder().encode(spelling.text);
  const marks = () => marksOfBytes(spelling);
  const written = (parts: readonly string[]): Spelling => ({
    text: parts.join(""),
    marks: () => marks().flatMap((mark, at) => Array.from(parts[at] ?? "", () => mark)),
  });
  const both = [
    formOf(written(bytes.toHex().match(/../g) ?? []), 2 * PART),
    ...[0, 1, 2].map((before) => formOf(base64Of(bytes, marks, before), BASE64_PART)),
  ];
  const encoded = [
    ...both,
    ...both.map(backwardsForm),
    formOf(written(numberForms(bytes, 10, 1)), 2 * PART),
    ...(bytes.length < CODES_MIN ? [] : [[10, 3], [8, 3], [2, 8]])
      .map(([radix = 10, digits = 3]) =>
        formOf(written(numberForms(bytes, radix, digits)), digits * PART)
      ),
  ];
  return [
    ...[formOf(spelling, PART)].filter(({ letters }) => letters.length >= PLAIN_MIN),
    ...encoded.filter(({ letters }) => letters.length >= ENCODED_MIN),
  ];
}

/** Bytes as numbers of at least so many digits. */
function numberForms(bytes: Uint8Array, radix: number, digits: number): readonly string[] {
  return Array.from(bytes, (byte) => byte.toString(radix).padStart(digits, "0"));
}

/** @param part The fewest letters of {@link PART} characters of the secret. */
function formOf({ text, marks }: Spelling, part: number): SecretForm {
  const letters = lettersOf(text);
  let known: readonly boolean[] | undefined;
  return {
    letters,
    part: Math.min(part, letters.length),
    marks: () => known ??= marks().filter((_, at) => letterOf(text.charCodeAt(at)) !== 0),
  };
}

function reversed({ text, marks }: Spelling): Spelling {
  return { text: [...text].reverse().join(""), marks: () => marks().toReversed() };
}

function backwardsForm({ letters, part, marks }: SecretForm): SecretForm {
  const { text, marks: reversedMarks } = reversed({ text: letters, marks });
  return { letters: text, part, marks: reversedMarks };
}

function marksOfBytes({ text, marks }: Spelling): readonly boolean[] {
  const ofUnits = marks();
  let unit = 0;
  return [...text].flatMap((character) => {
    const mark = ofUnits[unit] ?? false;
    unit += character.length;
    return Array.from(new TextEncoder().encode(character), () => mark);
  });
}

/** Twelve bytes are sixteen characters, of which the last or the first may be left out. */
const BASE64_PART = 15;

/**
 * The base64 of bytes within a longer text. Three bytes are four characters, so there are three
 * ways to begin. Characters at both ends depend on their neighbours and are left out.
 *
 * @param before Number of bytes before the first one in its block of three.
 */
function base64Of(bytes: Uint8Array, marks: () => readonly boolean[], before: number): Spelling {
  const padded = new Uint8Array(before + bytes.length);
  padded.set(bytes, before);
  const firstWhole = Math.ceil(before * 8 / 6);
  const lastWhole = Math.floor(padded.length * 8 / 6);
  const text = padded.toBase64().slice(firstWhole, lastWhole);
  return {
    text,
    marks: () => {
      const ofBytes = marks();
      return Array.from(
        text,
        (_, at) => ofBytes[Math.floor((firstWhole + at) * 6 / 8) - before] ?? false,
      );
    },
  };
}

/** Whether each UTF-16 unit of a secret is secret by itself. */
export function secretUnits(secret: string): readonly boolean[] {
  const publicEnd = publicLength(secret);
  const marks = Array.from({ length: secret.length }, () => false);
  for (const { 0: part, index } of secret.matchAll(/[A-Za-z0-9]+/g)) {
    if (index + part.length <= publicEnd || WORDS.test(part)) continue;
    marks.fill(true, index, index + part.length);
  }
  return marks;
}

/** A word in lower case, upper case or capitalized; or several capitalized ones without a space. */
const WORDS = /^(?:[A-Z]?[a-z]{1,15}|[A-Z]{1,15}|(?:[A-Z][a-z]{2,14})+)$/;

/** The length of a bot token's id; 0 for another secret. */
function publicLength(secret: string): number {
  const [, id = ""] = /^([\w-]+)\.[\w-]+\.[\w-]+$/.exec(secret) ?? [];
  return ID_IN_BASE64.test(id) ? id.length : 0;
}

/** Base64 of 15 to 21 decimal digits. */
const ID_IN_BASE64 = /^(?:[MNO][DTjz][AEIMQUYcgk][0-5w-z]){5,7}[\w-]{0,3}$/;
