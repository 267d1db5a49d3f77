/**
 * Explains a config that does not parse because it is in another format, such as YAML or JSON5 as
 * OpenClaw writes it (C1), or with the quotes of a word processor.
 *
 * The operator of another format needs one error with its name, and not one for each line.
 */

import { type ParseError, parseTree } from "jsonc-parser";
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
  if (json5) {
    return {
      offset: json5.offset,
      length: Math.max(1, json5.length),
      message: "Keys and texts need double quotes here; this looks like JSON5",
      hint: "`barnacle config import <file>` converts it",
    };
  }
  const straight = withStraightQuotes(text);
  const left: ParseError[] = [];
  if (straight === text || !parseTree(straight, left, { allowTrailingComma: true })) {
    return undefined;
  }
  return left.length > 0 ? undefined : {
    offset: text.search(QUOTE),
    length: 1,
    message: `${QUOTE.exec(text)?.[0]} is no quote of JSON`,
    hint: 'write straight double quotes ("); word processors and chats change them',
  };
}

/** Typographic quotes; each is one UTF-16 unit. */
const QUOTE = /[“”„‟«»‘’‚‛″]/;

/** The text with straight quotes only. Each part keeps its place. */
export function withStraightQuotes(text: string): string {
  return text.replace(new RegExp(QUOTE, "g"), '"');
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
