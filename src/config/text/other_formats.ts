/**
 * Explains a config that does not parse: in another format, such as YAML or JSON5 as OpenClaw writes
 * it (C1), or with errors that do not change where keys belong.
 *
 * The operator of another format needs one error with its name, and not one for each line.
 */

import { createScanner, getLocation, type ParseError } from "jsonc-parser";
import type { Span } from "./problem.ts";

/** The beginning of a key, text or number in a form that JSON5 has and JSON has not. */
const JSON5 = /^(?:'|[A-Za-z_$][\w$]*\s*:|[+.]\d|[+-]?(?:Infinity|NaN)\b|0x)/;

/** A line of YAML that begins the content: `key:` or `- entry`, outside of any brace. */
const YAML_LINE = /^\s*(?:- |[A-Za-z_][\w.-]*\s*:(?:\s|$))/;

/** A line of YAML without content: blank, a comment, or the begin of a document. */
const YAML_BLANK = /^\s*(?:#|---|%|$)/;

/**
 * Recognizes the format of a text that is not JSON with comments.
 *
 * @param errors The parser's errors in it.
 * @returns `undefined` for a text that is only faulty.
 */
export function otherFormat(
  text: string,
  errors: readonly Span[],
): (Span & { readonly message: string; readonly hint: string }) | undefined {
  const yaml = yamlIn(text);
  if (yaml) return { ...yaml, message: YAML, hint: YAML_HINT };
  const json5 = errors.find((error) => JSON5.test(text.slice(error.offset, error.offset + 200)));
  return json5 && {
    offset: json5.offset,
    length: Math.max(1, json5.length),
    message: "Keys and texts need double quotes here; this looks like JSON5",
    hint: "`barnacle config import <file>` converts it to JSON, with its comments",
  };
}

/** The first line with content, if it is YAML; for a text that is not JSON5 either. */
export function yamlIn(text: string): Span | undefined {
  let offset = 0;
  for (const line of text.split("\n")) {
    if (!YAML_BLANK.test(line)) {
      if (!YAML_LINE.test(line)) return undefined;
      return { offset: offset + line.search(/\S/), length: line.trim().length };
    }
    offset += line.length + 1;
  }
  return undefined;
}

const YAML = "This is YAML; Barnacle's config is JSONC, which is JSON with comments";
const YAML_HINT =
  "write { … } with keys and texts in double quotes; `barnacle config example` prints one";

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
