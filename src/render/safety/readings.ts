/**
 * Lists the ways to read a text in which a secret may appear: with its escape sequences decoded, with
 * letters and digits of other kinds folded to ASCII, and with its numbers as characters.
 *
 * Letters of other scripts that only look like Latin ones are not folded.
 */

import { createView, type Edit, type TextRange, type View } from "../../lib/text/view.ts";

/** The readings of a text besides the text itself; most texts have none. */
export function readingsOf(text: string): readonly View[] {
  if (!MAY_READ_OTHERWISE.test(text)) return NO_VIEWS; // most texts
  const fold = foldLetters(text);
  return [...decodings(text), ...(fold ? [fold, ...decodings(fold.text, fold)] : [])];
}

/** Each reading needs one of these: a letter of another kind, an escape sequence, or two digits. */
const MAY_READ_OTHERWISE = /[^\0-\x7f]|[%\\]|&#|0x|U\+|\d\d/i;
const NO_VIEWS: readonly View[] = [];

function decodings(text: string, original?: View): readonly View[] {
  return [...decodeEscapes(text, original), ...readNumbers(text, original)];
}

/** Escapes of URLs, of strings in most languages, of bytes as numbers, of HTML and of Unicode. */
const ESCAPE =
  /%([0-9a-f]{2})|\\x\{?([0-9a-f]{2})\}?|\\u\{?0{0,4}([0-9a-f]{2})\}?|\b0x([0-9a-f]{2})\b|&#x0{0,4}([0-9a-f]{2});|\bU\+0{0,4}([0-9a-f]{2})\b|&#0{0,4}(\d{2,3});|\\0?([0-7]{3})/gi;
/** Groups of {@link ESCAPE} before these two are hexadecimal. */
const DECIMAL = 6;
const OCTAL = 7;

/** Maximum number of escapes within each other, as in `%2573`. */
const DEPTH = 3;

/**
 * Decodes a text once, and its result again. Returns no view of a text without escapes.
 *
 * @param original The view that the text belongs to, if it is one.
 */
export function decodeEscapes(text: string, original?: View): readonly View[] {
  const views: View[] = [];
  for (let view = decodeOnce(text, original); view && views.length < DEPTH;) {
    views.push(view);
    view = decodeOnce(view.text, view);
  }
  return views;
}

function decodeOnce(text: string, from: View | undefined): View | undefined {
  if (!MAY_HAVE_ESCAPES.test(text)) return undefined;
  const edits: Edit[] = [];
  for (const match of text.matchAll(ESCAPE)) {
    const [escape, ...digits] = match;
    const { index } = match;
    edits.push({ start: index, end: index + escape.length, text: characterOf(digits) });
  }
  return edits.length === 0 ? undefined : createView(text, edits, from);
}

const MAY_HAVE_ESCAPES = /[%\\]|&#|0x|U\+/i;

/** Decodes the groups of {@link ESCAPE}. */
function characterOf(groups: readonly (string | undefined)[]): string {
  const place = groups.findIndex((digits) => digits !== undefined);
  const radix = place === DECIMAL ? 10 : place === OCTAL ? 8 : 16;
  return String.fromCharCode(parseInt(groups[place] ?? "0", radix));
}

const NOT_ASCII = /[^\0-\x7f]/;

/** The characters that may fold to a letter or digit. */
const FOLDABLE =
  /[ªº²³¹¼-¾À-\u024fʰ-˿\u1d00-\u1eff\u2070-\u218f\u2460-\u24ff\u2776-\u2793\u2c60-\u2c7f\u3200-\u33ff\ua770-\ua7ff\uab5c-\uab5f\ufb00-\ufb06\uff10-\uff5a\u{10780}-\u{107ba}\u{1ccd6}-\u{1ccf9}\u{1d400}-\u{1d7ff}\u{1f100}-\u{1f1ff}\u{1fbf0}-\u{1fbf9}\u{e0020}-\u{e007e}]/gu;

/** Returns the text with folded letters and digits; `undefined` if it is the same. */
export function foldLetters(text: string): View | undefined {
  if (!NOT_ASCII.test(text)) return undefined; // most texts
  const edits: Edit[] = [];
  for (const { 0: character, index } of text.matchAll(FOLDABLE)) {
    const fold = foldOf(character);
    if (fold === "") continue;
    edits.push({ start: index, end: index + character.length, text: fold });
  }
  return edits.length === 0 ? undefined : createView(text, edits);
}

/** The letters and digits that a character stands for, if any. */
function foldOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const alphabet = ALPHABETS.find(({ first, count }) => code >= first && code < first + count);
  if (alphabet) return String.fromCharCode(alphabet.from + code - alphabet.first);
  return character.normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "");
}

/** Alphabets that Unicode's normalization keeps. */
const ALPHABETS = [
  { first: 0x1f150, count: 26, from: 0x41 }, // white on a black circle
  { first: 0x1f170, count: 26, from: 0x41 }, // white on a black square
  { first: 0x1f1e6, count: 26, from: 0x41 }, // flags
  { first: 0x2776, count: 9, from: 0x31 }, // digits, white on a black circle
  { first: 0x2780, count: 9, from: 0x31 },
  { first: 0x278a, count: 9, from: 0x31 },
  { first: 0xe0020, count: 95, from: 0x20 }, // tags, which no one sees
];

/** A number that stands alone: decimal, octal or binary. */
const NUMBER = /\b(?:0[ob])?(\d{2,8})\b/g;

/** Every {@link NUMBER} contains two digits. */
const MAY_HAVE_NUMBERS = /\d\d/;

/** The digits of a character, by their radix. */
const DIGITS: readonly (readonly [radix: number, digits: RegExp])[] = [
  [10, /^0?\d{2,3}$/],
  [8, /^0?1?[0-7]{2}$/],
  [2, /^[01]{7,8}$/],
];

/** A text with fewer numbers lists no secret. */
const LEAST_NUMBERS = 8;
/** So many numbers that each follow the one before count something, such as lines. */
const COUNTING = 12;

interface Numeral extends TextRange {
  readonly digits: string;
}

/** A character in a text, written as a number. */
interface Code extends Numeral {
  readonly code: number;
}

/**
 * Reads the numbers of a text as characters, once as decimal, once as octal and once as binary
 * numbers. Everything else in the text is left out.
 *
 * @param original The view that the text belongs to, if it is one.
 */
export function readNumbers(text: string, original?: View): readonly View[] {
  if (!MAY_HAVE_NUMBERS.test(text)) return []; // most texts
  const numbers = Array.from(text.matchAll(NUMBER), ({ 0: { length }, 1: digits = "", index }) => ({
    start: index,
    end: index + length,
    digits,
  }));
  if (numbers.length < LEAST_NUMBERS) return [];
  return DIGITS.flatMap(([radix, digits]) => {
    const codes = codesOf(numbers, radix, digits);
    return codes.length < LEAST_NUMBERS ? [] : [createView(text, editsOf(codes, text), original)];
  });
}

function codesOf(numbers: readonly Numeral[], radix: number, pattern: RegExp): readonly Code[] {
  const codes: Code[] = [];
  for (const number of numbers) {
    if (!pattern.test(number.digits)) continue;
    const code = parseInt(number.digits, radix);
    if (code > 0x20 && code < 0x7f) codes.push({ ...number, code });
  }
  return withoutCounting(codes);
}

function withoutCounting(codes: readonly Code[]): readonly Code[] {
  const kept: Code[] = [];
  let run: Code[] = [];
  for (const code of codes) {
    if (code.code !== (run.at(-1)?.code ?? 0) + 1) {
      if (run.length < COUNTING) kept.push(...run);
      run = [];
    }
    run.push(code);
  }
  return run.length < COUNTING ? [...kept, ...run] : kept;
}

function editsOf(codes: readonly Code[], text: string): readonly Edit[] {
  const edits: Edit[] = [];
  let from = 0;
  for (const { start, end, code } of codes) {
    edits.push({ start: from, end: start, text: "" });
    edits.push({ start, end, text: String.fromCharCode(code) });
    from = end;
  }
  return [...edits, { start: from, end: text.length, text: "" }];
}
