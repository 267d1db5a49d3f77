/**
 * Reads the tokens of a config file once, which is enough for a file without faults.
 *
 * A parser with positions takes most of a reload's time, and only faults, remarks and secrets need
 * it. So this makes plain JSON of the text, which the runtime parses at once. Anything unusual is
 * left to the parser (`tree.ts`). So are keys with escapes: once V8 has seen a key `\\`, it can read
 * a key `\"` in the same place as `\\`.
 *
 * @see {@link https://github.com/nodejs/node/issues/63785}
 */

import { createScanner } from "jsonc-parser";
import type { Span } from "./problem.ts";

/** Maximum depth of nesting. */
export const MAX_DEPTH = 32;

/** Keys by which JavaScript reaches a prototype. */
export const UNSAFE_KEYS: ReadonlySet<string> = new Set(["__proto__"]);

// Members of const enums of jsonc-parser, which do not exist in single-file compilation.
const OPEN_BRACE = 1;
const CLOSE_BRACE = 2;
const OPEN_BRACKET = 3;
const CLOSE_BRACKET = 4;
const COMMA = 5;
const COLON = 6;
const STRING = 10;
const NUMBER = 11;
const LINE_COMMENT = 12;
const BLOCK_COMMENT = 13;
const LINE_BREAK = 14;
const SPACE = 15;
const END = 17;
const NO_ERROR = 0;

export function scan(text: string): {
  /** The file's value; absent if the file has a fault, or may have one. */
  readonly value?: unknown;
  /** In the order of the file. */
  readonly comments: readonly Span[];
  /**
   * Offset at which nesting exceeds {@link MAX_DEPTH}: a million brackets would crash the parser.
   */
  readonly tooDeepAt?: number;
} {
  const scanner = createScanner(text, false);
  const comments: Span[] = [];
  /** Parts that JSON does not allow: comments, and trailing commas. */
  const nonJson: Span[] = [];
  /** The keys of each enclosing object; `undefined` for a list. */
  const around: (Set<string> | undefined)[] = [];
  let isOdd = false;
  let last = 0;
  let lastText = "";
  let isEscaped = false;
  let beforeComma = 0;
  let comma = 0;

  for (let token: number = scanner.scan(); token !== END; token = scanner.scan()) {
    if (token === SPACE || token === LINE_BREAK) continue;
    const offset = scanner.getTokenOffset();
    isOdd ||= Number(scanner.getTokenError()) !== NO_ERROR; // such as a comment without an end
    if (token === LINE_COMMENT || token === BLOCK_COMMENT) {
      const comment = { offset, length: scanner.getTokenLength() };
      comments.push(comment);
      nonJson.push(comment);
      continue;
    }
    if (token === OPEN_BRACE || token === OPEN_BRACKET) {
      if (around.length === MAX_DEPTH) return { comments, tooDeepAt: offset };
      around.push(token === OPEN_BRACE ? new Set() : undefined);
    }
    if (token === CLOSE_BRACE || token === CLOSE_BRACKET) {
      around.pop();
      if (last === COMMA && endsValue(beforeComma)) nonJson.push({ offset: comma, length: 1 });
    }
    if (token === COMMA) [beforeComma, comma] = [last, offset];
    if (token === COLON && last === STRING) {
      const keys = around.at(-1);
      isOdd ||= isEscaped || UNSAFE_KEYS.has(lastText) || keys?.has(lastText) === true;
      keys?.add(lastText);
    }
    if (token === STRING) {
      lastText = scanner.getTokenValue();
      isEscaped = scanner.getTokenLength() !== lastText.length + 2;
    }
    last = token;
  }
  return { comments, ...(!isOdd && parsed(text, nonJson)) };
}

/** Whether a comma after a token may be a trailing one. */
function endsValue(token: number): boolean {
  return token === CLOSE_BRACE || token === CLOSE_BRACKET || (token > COLON && token <= NUMBER);
}

function parsed(text: string, nonJson: readonly Span[]): { readonly value?: unknown } {
  const parts: string[] = [];
  let done = 0;
  for (const { offset, length } of [...nonJson].sort((one, other) => one.offset - other.offset)) {
    parts.push(text.slice(done, offset));
    done = offset + length;
  }
  parts.push(text.slice(done));
  try {
    return { value: JSON.parse(parts.join(" ")) };
  } catch {
    return {}; // the parser reports the fault and its place
  }
}
