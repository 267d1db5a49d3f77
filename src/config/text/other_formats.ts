/**
 * Recognizes a config in another format: YAML, or JSON5 as OpenClaw writes it (C1).
 *
 * Its operator needs one error with the name of the format, and not one for each line.
 *
 * @module
 */

import type { Span } from "./problem.ts";

/** A file in another format. */
export interface OtherFormat extends Span {
  /** The fault, for the operator. */
  readonly message: string;
  /** How to fix it. */
  readonly hint: string;
}

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
export function otherFormat(text: string, errors: readonly Span[]): OtherFormat | undefined {
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
