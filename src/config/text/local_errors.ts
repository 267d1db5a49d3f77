/**
 * Judges whether the rest of a text still has its meaning after a syntax error.
 *
 * @module
 */

import { createScanner, getLocation, type ParseError } from "jsonc-parser";

/**
 * Codes of errors after which every other key may still be in its section: a bad number or word, a
 * missing key, value, colon or comma, a bad escape.
 */
const LOCAL: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 14, 15, 16]);

/** Errors after which the parser skips all text up to the next comma or closing brace. */
const SKIPPING: ReadonlySet<number> = new Set([3, 4, 5]);

/** Numbers of the parser's tokens `}` and `,`, at which the skipped text ends. */
const ENDS: ReadonlySet<number> = new Set([2, 5]);
/** Those of `{`, `[` and the end of the text. The skipped text would end within the brackets. */
const BREAKS: ReadonlySet<number> = new Set([1, 3, 17]);

/** Whether every key after an error is still in its section. */
export function isLocal(text: string, { error, offset }: ParseError): boolean {
  if (!LOCAL.has(error)) return false;
  if (!SKIPPING.has(error)) return true;
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  let token: number;
  do token = scanner.scan(); while (!ENDS.has(token) && !BREAKS.has(token));
  return ENDS.has(token);
}

/**
 * Config paths of keys that errors may have lost; the last part may be empty. A second comma loses
 * none.
 */
export function lostBy(
  text: string,
  errors: readonly ParseError[],
): readonly (readonly (string | number)[])[] {
  const isExtra = (offset: number) =>
    text[offset] === "," && /[{,]\s*$/.test(text.slice(Math.max(0, offset - NEAR), offset));
  return errors.filter(({ error, offset }) => SKIPPING.has(error) && !isExtra(offset))
    .map(({ offset }) => [...getLocation(text, offset).path, ""]);
}

/** Maximum number of spaces and line breaks between two commas. */
const NEAR = 1_000;
