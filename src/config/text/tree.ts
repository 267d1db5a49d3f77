/**
 * Parses the text of a config file to a value, and remembers the place of each part.
 *
 * It is stricter than a JSONC parser. A repeated key is an error: a parser would take the last one,
 * and silently drop an allow list above it. So is a key with a meaning in JavaScript. A text that
 * is too large or nested too deep is refused before it is parsed.
 *
 * A config that is in another format (YAML, JSON5 as OpenClaw writes it (C1), or with the quotes of
 * a word processor) gets one error with the format's name, and not one for each line.
 */

import {
  createScanner,
  findNodeAtLocation,
  getNodePath,
  type Node,
  type ParseError,
  parseTree,
  stripComments,
} from "jsonc-parser";
import { quoted } from "../../lib/text/quoted.ts";
import type { Problem, Span } from "./problem.ts";

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
function otherFormat(
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

/** A part of a key path: a key, or an index of a list. */
export type Segment = string | number;

/** A fault of the file at its span; a {@link Problem} shows it to people. */
export interface Remark extends Span, Pick<Problem, "severity" | "message" | "hint"> {
  /** Config path of the key or value. */
  readonly path: readonly Segment[];
}

export type Fault = Omit<Remark, "severity">;

export type KeyFault = Pick<Fault, "path" | "message" | "hint">;

/** The content of a file, if it parses. */
export type Tree =
  | {
    readonly kind: "tree";
    readonly root: Node;
    readonly value: Readonly<Record<string, unknown>>;
    /** In the order of the file. */
    readonly comments: readonly Span[];
  }
  | {
    readonly kind: "faults";
    /** In the order of the file. */
    readonly faults: readonly Fault[];
  };

/** Maximum depth of nesting. */
export const MAX_DEPTH = 32;

/** Keys by which JavaScript reaches a prototype. */
const UNSAFE_KEYS: ReadonlySet<string> = new Set(["__proto__"]);

/** UTF-16 units; a config of a thousand guilds has a tenth of it. */
const MAX_LENGTH = 2 ** 20;

/** Maximum number of faults to report. */
const MAX_FAULTS = 100;

/** Messages by the number of the parser's error code. */
const SYNTAX_ERRORS: Readonly<Record<number, string>> = {
  1: "This is not a value",
  2: "This is not a number",
  3: "A key in double quotes is missing here",
  4: "A value is missing here",
  5: "A colon is missing here",
  6: "A comma is missing here",
  7: "A closing brace } is missing here",
  8: "A closing bracket ] is missing here",
  9: "There is text after the end of the config",
  10: "A comment is not allowed here",
  11: "The comment does not end",
  12: "The text has no closing quote",
  13: "The number does not end",
  14: "The escape \\u needs four digits 0-9, a-f",
  15: 'Unknown escape; valid are \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u',
  16: "A control character, such as a tab, must be written as an escape here",
};

export function readTree(written: string): Tree {
  if (written.length > MAX_LENGTH) {
    return faults({
      offset: 0,
      length: 1,
      path: [],
      message: `The file is too large: ${written.length} characters`,
      hint: `at most ${MAX_LENGTH} characters`,
    });
  }
  const text = written.replace(/^\uFEFF/, " "); // a byte order mark; offsets stay
  const { comments, tooDeepAt } = scan(text);
  if (tooDeepAt !== undefined) {
    const message = `This is nested too deep: at most ${MAX_DEPTH} levels`;
    return faults({ offset: tooDeepAt, length: 1, path: [], message });
  }
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  if (root === undefined && stripComments(text).trim() === "") {
    return faults({
      offset: 0,
      length: 1,
      path: [],
      message: comments.length === 0 ? "The file is empty" : "The file has only comments",
      hint: "write {}",
    });
  }
  if (errors.length > 0 || root === undefined) {
    const other = otherFormat(text, errors);
    return other ? faults({ ...other, path: [] }) : faults(...syntaxFaults(text, errors));
  }
  const badKeys: Fault[] = [];
  const value = valueOf(root, text, badKeys);
  if (badKeys.length > 0) return faults(...badKeys);
  if (!isRecord(value)) {
    return faults({
      offset: root.offset,
      length: 1,
      path: [],
      message: `A config is an object in braces, but this is ${nameOf(root)}`,
      hint: "write { … }",
    });
  }
  return { kind: "tree", root, value, comments };
}

// Members of const enums of jsonc-parser, which do not exist in single-file compilation.
const OPEN: ReadonlySet<number> = new Set([1, 3]);
const CLOSE: ReadonlySet<number> = new Set([2, 4]);
const COMMENT: ReadonlySet<number> = new Set([12, 13]);
const END = 17;

/** Finds the comments, and nesting by which a million brackets would crash the parser. */
function scan(text: string): { readonly comments: readonly Span[]; readonly tooDeepAt?: number } {
  const scanner = createScanner(text, false);
  const comments: Span[] = [];
  let depth = 0;
  for (let token: number = scanner.scan(); token !== END; token = scanner.scan()) {
    const offset = scanner.getTokenOffset();
    if (COMMENT.has(token)) comments.push({ offset, length: scanner.getTokenLength() });
    if (CLOSE.has(token)) depth -= 1;
    if (OPEN.has(token) && ++depth > MAX_DEPTH) return { comments, tooDeepAt: offset };
  }
  return { comments };
}

/** Whether a value is an object, and not a list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** Plain data as text. `String` would throw for an object with a key `toString`. */
export function textOf(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The value at a path of plain data; own keys only. */
export function valueAt(value: unknown, path: readonly Segment[]): unknown {
  let part = value;
  for (const segment of path) {
    if (isList(part) && typeof segment === "number") part = part[segment];
    else part = isRecord(part) && Object.hasOwn(part, segment) ? part[segment] : undefined;
  }
  return part;
}

/** Keys and values of the object at a path; none if there is no object. */
export function entriesAt(
  value: unknown,
  path: readonly Segment[] = [],
): readonly (readonly [string, unknown])[] {
  const part = valueAt(value, path);
  return isRecord(part) ? Object.entries(part) : [];
}

/** The key at a path, or the value in a list; the root if there is no such path. */
export function keyNodeAt(root: Node, path: readonly Segment[]): Node {
  const node = findNodeAtLocation(root, [...path]) ?? root;
  return node.parent?.type === "property" ? node.parent.children?.[0] ?? node : node;
}

export function nameOf(node: Node): string {
  switch (node.type) {
    case "object":
      return "an object";
    case "array":
      return "a list";
    case "string":
      return "a text";
    case "number":
      return "a number";
    case "boolean":
      return "true or false";
    default:
      return "null";
  }
}

function faults(...list: readonly Fault[]): Tree {
  return { kind: "faults", faults: list };
}

function syntaxFaults(text: string, errors: readonly ParseError[]): readonly Fault[] {
  // One slip causes several errors at the same place; the first one is the useful one.
  const firstFaults: Fault[] = [];
  let lastLine = -1;
  for (const error of errors.slice(0, MAX_FAULTS)) {
    const line = lineOf(text, error.offset);
    if (line === lastLine) continue;
    lastLine = line;
    firstFaults.push(faultOf(text, error));
  }
  return firstFaults;
}

function faultOf(text: string, error: ParseError): Fault {
  const key = /^\d+(?=\s*:)/.exec(text.slice(error.offset, error.offset + 40))?.[0];
  if (key !== undefined) {
    const message = "A key needs double quotes";
    return { ...spanOf(error), path: [], message, hint: `write "${key}"` };
  }
  const message = SYNTAX_ERRORS[error.error] ?? "This is not valid";
  return { ...spanOf(error), path: [], message };
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split(/\r\n|\r|\n/).length;
}

function spanOf({ offset, length }: ParseError): Span {
  return { offset, length: Math.max(1, length) };
}

/** The value of a node; faulty keys are added to `badKeys`. */
function valueOf(node: Node, text: string, badKeys: Fault[]): unknown {
  if (node.type === "array") {
    return (node.children ?? []).map((child) => valueOf(child, text, badKeys));
  }
  if (node.type !== "object") return node.value;

  const places = new Map<string, number>();
  const value: Record<string, unknown> = {};
  for (const property of node.children ?? []) {
    if (badKeys.length >= MAX_FAULTS) break;
    const [keyNode, valueNode] = property.children ?? [];
    if (!keyNode || !valueNode || typeof keyNode.value !== "string") continue;
    const key: string = keyNode.value;
    const before = places.get(key);
    if (before === undefined && !UNSAFE_KEYS.has(key)) {
      places.set(key, keyNode.offset);
      value[key] = valueOf(valueNode, text, badKeys);
      continue;
    }
    const at = { offset: keyNode.offset, length: keyNode.length, path: getNodePath(valueNode) };
    badKeys.push(
      before === undefined
        ? { ...at, message: `The key ${quoted(key)} is not allowed`, hint: "remove it" }
        : {
          ...at,
          message: `The key ${quoted(key)} is here twice: it is in line ${
            lineOf(text, before)
          }, too`,
          hint: "keep one of them",
        },
    );
  }
  return value;
}
