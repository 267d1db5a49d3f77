/**
 * Changes values in the text of a config, and keeps the rest as its writer wrote it (C10).
 *
 * An edit touches the lines of its entry only. A comment beside a removed entry goes with it.
 * `modify` of jsonc-parser does not serve here: it gives a comment beside the last entry to a new
 * one, leaves `{,}` of `{"a": 1,}`, and `["1""]` of `["1", "2"]` without its last.
 *
 * A path that an operator types has the form of `channels.discord.guilds."my guild".users[0]`. A
 * key of digits is a key, since guilds and channels have those; only brackets contain an index.
 * `[+]` at the end appends an entry.
 */

import { applyEdits, createScanner, type Edit, findNodeAtLocation, type Node } from "jsonc-parser";
import { isDeepStrictEqual } from "node:util";
import { pathText } from "../../core/config_file.ts";
import { quoted, UNPRINTABLE } from "../../lib/text/quoted.ts";
import type { Span } from "./problem.ts";
import { isList, isRecord, nameOf, readTree, type Segment, valueAt } from "./tree.ts";

/** Why a text is not a path, for the operator. */
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
  return node && { value: valueOf(node, wrapped) };
}

/** An id without quotes stays the text that was typed: as a number it would be rounded. */
function valueOf(node: Node, text: string): unknown {
  const { type, value, offset, length, children = [] } = node;
  if (type === "array") return children.map((child) => valueOf(child, text));
  if (type === "object") {
    return Object.fromEntries(
      children.flatMap(({ children: [key, inner] = [] }) =>
        key && inner ? [[String(key.value), valueOf(inner, text)] as const] : []
      ),
    );
  }
  const written = text.slice(offset, offset + length);
  return type === "number" && /^\d+$/.test(written) && !Number.isSafeInteger(value)
    ? written
    : value;
}

/** A changed text, or why the change is not possible. */
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
      ...spanOf(node),
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

/** The replacement of an entry: a plain value, or a new name for a key. */
export type Replacement =
  | { readonly value: string | number | boolean }
  | { readonly key: string };

/**
 * Replaces an entry of a list, or the key of an object.
 *
 * @param path Of the entry, or of the key's value.
 * @param comment Text without comment marks; anything that would end the comment is removed.
 */
export function replaceWithComment(
  text: string,
  path: readonly Segment[],
  to: Replacement,
  comment: string,
): Edited {
  const node = nodeAt(text, path);
  if (typeof node === "string") return refused(node);
  const key = "key" in to ? node.parent?.children?.[0] : node;
  if (!key || "key" in to && node.parent?.type !== "property") {
    return refused(`${pathText(path)} has no key`);
  }
  if (
    "key" in to && node.parent?.parent?.children?.some((one) => one.children?.[0]?.value === to.key)
  ) {
    return refused(`${pathText(path)}: the key ${quoted(to.key)} exists already`);
  }
  if ("value" in to && node.children) return refused(`${pathText(path)} is not a plain value`);
  const content = JSON.stringify("key" in to ? to.key : to.value);
  const words = wordsForComment(comment);
  return applied(text, [{
    ...spanOf(key),
    content: words === "" ? content : `${content} /* ${words} */`,
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
  const content = `// ${wordsForComment(comment)}${eolOf(text)}${indentOf(text, offset)}`;
  return applied(text, [{ offset, length: 0, content }]);
}

function nodeAt(text: string, path: readonly Segment[]): Node | string {
  const tree = readTree(text);
  if (tree.kind === "faults") return tree.faults[0]?.message ?? "The file cannot be read";
  const node = findNodeAtLocation(tree.root, [...path]);
  return node && path.length > 0 ? node : `There is nothing at ${pathText(path)}`;
}

/** A name as a comment: on one line, and without anything that would end the comment. */
function wordsForComment(words: string): string {
  return words.replace(UNPRINTABLE, " ").replaceAll("*/", "* /").replace(/\s+/g, " ").trim();
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

function spanOf({ offset, length }: Span): Span {
  return { offset, length };
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
