/**
 * Parses the text of a config, finds paths in it, and changes values in it (C10).
 *
 * An edit touches the lines of its entry only. A comment beside a removed entry goes with it.
 * `modify` of jsonc-parser does not serve here: it gives a comment beside the last entry to a new
 * one, leaves `{,}` of `{"a": 1,}`, and `["1""]` of `["1", "2"]` without its last.
 *
 * A path that an operator types has the form of `channels.discord.guilds."my guild".users[0]`. A
 * key of digits is a key, since guilds and channels have those; only brackets contain an index.
 * `[+]` at the end appends an entry.
 *
 * Parsing is stricter than a JSONC parser. A repeated key is an error: a parser would take the last
 * one, and silently drop an allow list above it. So is a key with a meaning in JavaScript. A text that
 * is too large or nested too deep is refused before it is parsed. A config in another format (YAML,
 * JSON5 as OpenClaw writes it (C1), or with the quotes of a word processor) gets one error with the
 * format's name, and not one for each line.
 *
 * Paths in verdicts and log lines may contain shortened keys. So `writtenAt` does not split a path: at
 * each level it looks for the key with whose own path the text begins.
 */

import {
  applyEdits,
  createScanner,
  type Edit,
  findNodeAtLocation,
  getNodePath,
  type Node,
  type ParseError,
  parseTree,
  stripComments,
} from "jsonc-parser";
import { isDeepStrictEqual } from "node:util";
import { isRecord, pathText, pathTo, quoted, UNPRINTABLE } from "../../lib/text/quoted.ts";
import { createLines, type Problem, type Span } from "./problem.ts";

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
    readonly comments: readonly Span[];
  }
  | {
    readonly kind: "faults";
    readonly faults: readonly Fault[];
  };

export const MAX_DEPTH = 32;

/** Keys by which JavaScript reaches a prototype. */
const UNSAFE_KEYS: ReadonlySet<string> = new Set(["__proto__"]);

/** UTF-16 units; a config of a thousand guilds has a tenth of it. */
const MAX_LENGTH = 2 ** 20;

const MAX_FAULTS = 100;

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

/**
 * Follows a path as far as it is written.
 *
 * @param path In the form of `pathText`.
 * @param root Path of `value` itself: `"channels.discord"`; empty for a whole file.
 * @returns Segments to the deepest existing part; empty if no part exists.
 */
export function writtenAt(value: unknown, path: string, root = ""): readonly Segment[] {
  const segments: Segment[] = [];
  let part = value;
  let here = root;
  for (;;) {
    const step = stepTowards(part, path, here);
    if (!step) return segments;
    segments.push(step.segment);
    part = step.value;
    here = step.path;
  }
}

function stepTowards(
  part: unknown,
  path: string,
  here: string,
): { readonly segment: Segment; readonly value: unknown; readonly path: string } | undefined {
  if (path === here) return undefined;
  const entries: Iterable<readonly [Segment, unknown]> = isList(part)
    ? part.entries()
    : isRecord(part)
    ? Object.entries(part)
    : [];
  for (const [segment, value] of entries) {
    const below = pathTo(here, segment);
    if (path.startsWith(below) && /^(?:$|[.[])/.test(path.slice(below.length))) {
      return { segment, value, path: below };
    }
  }
  return undefined;
}

/** Line and column of a key, both from 1, as editors count. */
interface LinePosition {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
}

/**
 * Finds a key.
 *
 * @param text Of a config file, with or without its secrets.
 * @param path In the form of `pathText`: `"channels.discord.guilds.123.users"`.
 * @returns Position of the key, or of the nearest key above it; `undefined` if none is written.
 */
export function positionOf(text: string, path: string): LinePosition | undefined {
  return positionsIn(text)(path);
}

/** The same for many paths of one text, which is parsed once. */
export function positionsIn(text: string): (path: string) => LinePosition | undefined {
  const tree = readTree(text);
  if (tree.kind === "faults") return () => undefined;
  const { root, value } = tree;
  const lines = createLines(text, []);
  return (path) => {
    const written = writtenAt(value, path);
    return written.length === 0 ? undefined : lines.positionOf(keyNodeAt(root, written).offset);
  };
}

interface PathProblem {
  readonly kind: "problem";
  readonly message: string;
}

/** A dot (not at the start) and a key, bare or in quotes; or an index. */
const PART = /(?:(?:^|(?<=[^])\.)(?:"((?:[^"\\]|\\.)*)"|([^."[\]\s]+)))|\[(\d{1,9}|\+)\]/uy;

export function parsePath(typed: string): {
  readonly kind: "path";
  /** Without the `[+]`. */
  readonly path: readonly Segment[];
  /** Whether it ended in `[+]`, and so means a new last entry. */
  readonly appends: boolean;
} | PathProblem {
  const text = typed.trim();
  if (text === "") return { kind: "path", path: [], appends: false };
  const path: Segment[] = [];
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const at = PART.lastIndex;
    const part = PART.exec(text);
    if (!part) return problem(text, at);
    const [, inQuotes, bare, index] = part;
    if (index === "+") {
      if (PART.lastIndex < text.length) return problem(text, PART.lastIndex);
      return { kind: "path", path, appends: true };
    }
    if (index !== undefined) path.push(Number(index));
    else {
      const key = bare ?? unquoted(inQuotes ?? "");
      if (key === undefined) return problem(text, at);
      path.push(key);
    }
  }
  return { kind: "path", path, appends: false };
}

/** A key within quotes; our messages write invisible characters as `\u{1f980}`. */
function unquoted(text: string): string | undefined {
  const json = text.replace(
    /(\\\\)|\\u\{([0-9a-f]{1,6})\}/gi,
    (written, backslash: string | undefined, code: string | undefined) => {
      const point = parseInt(code ?? "", 16);
      if (backslash !== undefined || !(point <= 0x10ffff)) return written;
      return JSON.stringify(String.fromCodePoint(point)).slice(1, -1);
    },
  );
  try {
    const key: unknown = JSON.parse(`"${json}"`);
    return typeof key === "string" ? key : undefined;
  } catch {
    return undefined; // JSON throws a SyntaxError for an escape that does not exist
  }
}

function problem(text: string, at: number): PathProblem {
  const rest = quoted(text.slice(at), 20);
  return {
    kind: "problem",
    message: `${quoted(text)} is not a path: it is not valid from ${rest} on; ` +
      'write it as channels.discord.guilds."my guild".users[0]',
  };
}

/** Parses JSON. Returns `undefined` if the text is not JSON. */
export function readTyped(typed: string): { readonly value: unknown } | undefined {
  try {
    JSON.parse(typed);
  } catch {
    return undefined; // JSON throws a SyntaxError for plain text
  }
  const wrapped = `{"value":${typed}}`;
  const tree = readTree(wrapped);
  const node = tree.kind === "tree" ? findNodeAtLocation(tree.root, ["value"]) : undefined;
  return node && { value: typedValueOf(node, wrapped) };
}

/** An id without quotes stays the text that was typed: as a number it would be rounded. */
function typedValueOf(node: Node, text: string): unknown {
  const { type, value, offset, length, children = [] } = node;
  if (type === "array") return children.map((child) => typedValueOf(child, text));
  if (type === "object") {
    return Object.fromEntries(
      children.flatMap(({ children: [key, inner] = [] }) =>
        key && inner ? [[String(key.value), typedValueOf(inner, text)] as const] : []
      ),
    );
  }
  const written = text.slice(offset, offset + length);
  return type === "number" && /^\d+$/.test(written) && !Number.isSafeInteger(value)
    ? written
    : value;
}

export type Edited =
  | { readonly kind: "edited"; readonly text: string }
  | { readonly kind: "refused"; readonly message: string };

/**
 * Sets the value at a path, and creates missing objects on the way. The index after the last entry
 * appends to a list. Of an object or a list, only the differences are changed.
 *
 * @param text A blank text is an empty config.
 * @param value Plain data, as of `JSON.parse`.
 */
export function setAt(text: string, path: readonly Segment[], value: unknown): Edited {
  const start = /\S/.test(text.replace(/^\uFEFF/, "")) ? text : `${text.trimEnd()}{}\n`;
  const tree = readTree(start);
  if (tree.kind === "faults") return refused(tree.faults[0]?.message ?? "The file cannot be read");
  const node = findNodeAtLocation(tree.root, [...path]);
  if (!node) return inserted(start, tree.root, path, value);
  const old = valueAt(tree.value, path);
  if (isDeepStrictEqual(old, value)) return { kind: "edited", text: start };
  const steps = isRecord(old) && isRecord(value)
    ? [
      ...Object.keys(old).filter((key) => !Object.hasOwn(value, key)).map((key) => [key]),
      ...Object.entries(value),
    ]
    : isList(old) && isList(value)
    ? listSteps(old, value)
    : undefined;
  if (!steps) {
    return applied(start, [{
      offset: node.offset,
      length: node.length,
      content: written(value, start, indentOf(start, node.offset)),
    }]);
  }
  return steps.reduce<Edited>((edited, [segment = "", ...to]) => {
    if (edited.kind === "refused") return edited;
    const here = [...path, segment as Segment];
    return to.length === 0 ? unsetAt(edited.text, here) : setAt(edited.text, here, to[0]);
  }, { kind: "edited", text: start });
}

/**
 * The removed entries, from the last one, and then the appended ones; `undefined` for another change,
 * after which comments would stand beside wrong entries.
 */
function listSteps(
  old: readonly unknown[],
  value: readonly unknown[],
): readonly unknown[][] | undefined {
  const stays = (one: unknown) => value.some((other) => isDeepStrictEqual(one, other));
  const left = old.filter(stays);
  if (!isDeepStrictEqual(left, value.slice(0, left.length))) return undefined;
  return [
    ...old.flatMap((one, at) => stays(one) ? [] : [[at]]).reverse(),
    ...value.slice(left.length).map((one, at) => [left.length + at, one]),
  ];
}

/** Removes the value at a path; a missing one changes nothing. */
export function unsetAt(text: string, path: readonly Segment[]): Edited {
  const tree = readTree(text);
  if (tree.kind === "faults") return refused(tree.faults[0]?.message ?? "The file cannot be read");
  if (path.length === 0) return refused("Cannot remove the whole file: name a key");
  const node = findNodeAtLocation(tree.root, [...path]);
  if (!node) return { kind: "edited", text };
  const entry = entryOf(node);
  const siblings = entry.parent?.children ?? [];
  const at = siblings.indexOf(entry);
  const comma = commaAfter(text, endOf(entry));
  const from = lineStart(text, entry.offset);
  const to = lineEnd(text, comma === undefined ? endOf(entry) : comma + 1);
  if (isFirstInLine(text, entry.offset) && to !== undefined) {
    return applied(text, [{ offset: from, length: to - from, content: "" }]);
  }
  const [next, before] = [siblings[at + 1], siblings[at - 1]];
  const start = next || !before ? entry.offset : endOf(before);
  const end = next?.offset ?? (comma === undefined || before ? endOf(entry) : comma + 1);
  return applied(text, [{ offset: start, length: end - start, content: "" }]);
}

/** Adds an entry to the deepest existing part of a path. */
function inserted(text: string, root: Node, path: readonly Segment[], value: unknown): Edited {
  let depth = path.length - 1;
  while (depth > 0 && !findNodeAtLocation(root, path.slice(0, depth))) depth -= 1;
  const parent = findNodeAtLocation(root, path.slice(0, depth)) ?? root;
  const segment = path[depth];
  const place = pathText(path.slice(0, depth));
  const isIndex = typeof segment === "number";
  const length = parent.children?.length ?? 0;
  if (path.includes("__proto__")) return refused('The key "__proto__" is not allowed');
  if (segment === undefined || parent.type !== (isIndex ? "array" : "object")) {
    return refused(`${place} is ${nameOf(parent)}, and not ${isIndex ? "a list" : "an object"}`);
  }
  if (isIndex && segment > length) {
    return refused(`${place} has ${length} entries, and none at [${segment}]`);
  }
  const rest = path.slice(depth + 1);
  const wrong = rest.findIndex((part) => typeof part === "number" && part > 0);
  if (wrong >= 0) {
    return refused(`${pathText(path.slice(0, depth + 2 + wrong))}: a new list begins with [0]`);
  }
  const inner = rest.reduceRight<unknown>(
    (built, part) => typeof part === "number" ? [built] : { [part]: built },
    value,
  );
  const name = isIndex ? "" : `${JSON.stringify(segment)}: `;
  const last = parent.children?.at(-1);
  const first = parent.children?.find(({ offset }) => isFirstInLine(text, offset));
  const indent = first ? indentOf(text, first.offset) : `${indentOf(text, parent.offset)}  `;
  const eol = eolOf(text);
  const comma = last && commaAfter(text, endOf(last));
  const edits: Edit[] = last && comma === undefined
    ? [{ offset: endOf(last), length: 0, content: "," }]
    : [];
  const after = last ? (comma === undefined ? endOf(last) : comma + 1) : parent.offset + 1;
  const tail = comma === undefined ? "" : ",";
  const own = (isOnLines: boolean) => name + written(inner, text, isOnLines ? indent : undefined);
  if (last && !first) { // all in one line
    return applied(text, [...edits, {
      offset: after,
      length: 0,
      content: ` ${own(false)}${tail}`,
    }]);
  }
  const end = lineEnd(text, after);
  const close = last ? "" : `${eol}${indentOf(text, parent.offset)}`;
  return end === undefined
    ? applied(text, [...edits, {
      offset: after,
      length: last ? 0 : /^[ \t]*/.exec(text.slice(after))?.[0].length ?? 0,
      content: `${eol}${indent}${own(true)}${tail}${close}`,
    }])
    : applied(text, [...edits, {
      offset: end,
      length: 0,
      content: `${indent}${own(true)}${tail}${eol}`,
    }]);
}

/**
 * Writes a comment on a line of its own before an entry.
 *
 * @param path Of the entry of a list, or of the value of a key.
 */
export function commentBefore(text: string, path: readonly Segment[], comment: string): Edited {
  const node = nodeAt(text, path);
  if (typeof node === "string") return refused(node);
  const { offset } = entryOf(node);
  const words = comment.replace(UNPRINTABLE, " ").replace(/\s+/g, " ").trim(); // on one line
  const content = `// ${words}${eolOf(text)}${indentOf(text, offset)}`;
  return applied(text, [{ offset, length: 0, content }]);
}

function nodeAt(text: string, path: readonly Segment[]): Node | string {
  const tree = readTree(text);
  if (tree.kind === "faults") return tree.faults[0]?.message ?? "The file cannot be read";
  const node = findNodeAtLocation(tree.root, [...path]);
  return node && path.length > 0 ? node : `There is nothing at ${pathText(path)}`;
}

function refused(message: string): Edited {
  return { kind: "refused", message };
}

function applied(text: string, edits: Edit[]): Edited {
  return { kind: "edited", text: applyEdits(text, edits) };
}

/** A value as JSON: in lines with this indentation, or in one line. */
function written(value: unknown, text: string, indent: string | undefined): string {
  const isFlat = isList(value) && value.every((one) => !isList(one) && !isRecord(one));
  if (indent === undefined || isFlat) return inLine(value);
  return JSON.stringify(value, undefined, 2).replaceAll("\n", eolOf(text) + indent);
}

function inLine(value: unknown): string {
  if (isList(value)) return `[${value.map(inLine).join(", ")}]`;
  if (!isRecord(value) || Object.keys(value).length === 0) return JSON.stringify(value);
  const parts = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${inLine(one)}`);
  return `{ ${parts.join(", ")} }`;
}

function entryOf(node: Node): Node {
  return node.parent?.type === "property" ? node.parent : node;
}

function endOf({ offset, length }: Span): number {
  return offset + length;
}

// From a const enum of jsonc-parser, which does not exist in single-file compilation.
const COMMA = 5;

/** The offset of the next comma, if only blanks and comments come before it. */
function commaAfter(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  return Number(scanner.scan()) === COMMA ? scanner.getTokenOffset() : undefined;
}

/** Where the next line begins, if only blanks and a comment follow in this one. */
function lineEnd(text: string, offset: number): number | undefined {
  const rest = /^[ \t]*(?:\/\/[^\r\n]*|\/\*(?:(?!\*\/)[^\r\n])*\*\/[ \t]*)?(?:\r\n|[\r\n])/.exec(
    text.slice(offset),
  );
  return rest ? offset + rest[0].length : undefined;
}

function lineStart(text: string, offset: number): number {
  return offset - (/[ \t]*$/.exec(text.slice(0, offset))?.[0].length ?? 0);
}

function isFirstInLine(text: string, offset: number): boolean {
  return /(?:^\uFEFF?|[\r\n])[ \t]*$/.test(text.slice(0, offset));
}

/** The blanks at the start of an offset's line. */
function indentOf(text: string, offset: number): string {
  return /(?:^|[\r\n])([ \t]*)[^\r\n]*$/.exec(text.slice(0, offset))?.[1] ?? "";
}

function eolOf(text: string): string {
  return /\r\n|\r|\n/.exec(text)?.[0] ?? "\n";
}
