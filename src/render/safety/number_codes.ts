/**
 * Decodes characters that a text lists as numbers: `77, 84`, `chr(77) + chr(84)`, or a table with a
 * row for each.
 *
 * @module
 */

import { createView, type Edit, type View } from "./view.ts";

/** A number that stands alone: decimal, octal or binary. */
const NUMBER = /\b(?:0[ob])?(\d{2,8})\b/g;

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

/** A number in a text. */
interface Numeral {
  readonly start: number;
  readonly end: number;
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
export function numbersRead(text: string, original?: View): readonly View[] {
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
