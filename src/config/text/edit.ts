/**
 * Changes values in the text of a config, and keeps the rest as its writer wrote it (C10).
 *
 * Each change edits only its own tokens. All other blanks and comments stay, even comments within a
 * removed part: an operator who changes a setting must not lose the note that explains it.
 */

import { applyEdits, type Edit, findNodeAtLocation, type Node } from "jsonc-parser";
import { isDeepStrictEqual } from "node:util";
import { pathText } from "../../core/config_file.ts";
import { quoted, UNPRINTABLE } from "../../lib/text/quoted.ts";
import {
  commaAfter,
  type EditedSource,
  isLineEnd,
  sourceOf,
  withCommentBefore,
  withEntry,
  withoutEntry,
  withValue,
} from "./edit_text.ts";
import { isList, isRecord, nameOf, type Segment } from "./tree.ts";

/** A changed text, or why the change is not possible. */
export type Edited =
  | { readonly kind: "edited"; readonly text: string }
  | { readonly kind: "refused"; readonly message: string };

/**
 * Sets the value at a path, and creates missing objects on the way.
 *
 * If an object or a list exists, only its differences are changed, so comments stay with their
 * entries. The index after the last entry appends to a list.
 *
 * @param text A blank text is an empty config.
 * @param value Plain data, as of `JSON.parse`.
 */
export function setAt(text: string, path: readonly Segment[], value: unknown): Edited {
  const isBlank = !/\S/.test(text.replace(/^\uFEFF/, ""));
  const start = isBlank ? `${text.trimEnd()}{}\n` : text;
  const source = sourceOf(start);
  if (typeof source === "string") return refused(source);
  const node = findNodeAtLocation(source.root, [...path]);
  return node ? applied(start, difference(node, value, path)) : insertAt(source, path, value);
}

/** Removes the value at a path; a missing one changes nothing. */
export function unsetAt(text: string, path: readonly Segment[]): Edited {
  return path.length === 0
    ? refused("Cannot remove the whole file: name a key")
    : applied(text, [{ kind: "remove", path }]);
}

function refused(message: string): Edited {
  return { kind: "refused", message };
}

interface TextChange {
  readonly kind: "remove" | "replace" | "insert";
  readonly path: readonly Segment[];
  readonly value?: unknown;
}

/** Each step parses the text again, because the step before it has moved everything. */
function applied(text: string, steps: readonly TextChange[]): Edited {
  let edited: Edited = { kind: "edited", text };
  for (const { kind, path, value } of steps) {
    if (edited.kind === "refused") return edited;
    const source = sourceOf(edited.text);
    if (typeof source === "string") return refused(source);
    const node = findNodeAtLocation(source.root, [...path]);
    if (kind === "insert") edited = insertAt(source, path, value);
    else if (node) {
      const changed = kind === "remove"
        ? withoutEntry(source, node)
        : withValue(source, node, value);
      edited = { kind: "edited", text: changed };
    }
  }
  return edited;
}

/** The steps from the present value to a new one, which keep comments in their place. */
function difference(node: Node, value: unknown, path: readonly Segment[]): readonly TextChange[] {
  if (node.type === "object" && isRecord(value)) return differenceOfObjects(node, value, path);
  if (node.type === "array" && isList(value)) return differenceOfLists(node, value, path);
  return isDeepStrictEqual(plain(node), value) ? [] : [{ kind: "replace", path, value }];
}

function differenceOfObjects(
  node: Node,
  value: Readonly<Record<string, unknown>>,
  path: readonly Segment[],
): readonly TextChange[] {
  const keys = (node.children ?? []).map(({ children }) => String(children?.[0]?.value));
  const removedKeys = keys.filter((key) => !Object.hasOwn(value, key));
  return [
    ...removedKeys.map((key): TextChange => ({ kind: "remove", path: [...path, key] })),
    ...Object.entries(value).flatMap(([key, inner]) => {
      const child = findNodeAtLocation(node, [key]);
      const here = [...path, key];
      return child
        ? difference(child, inner, here)
        : [{ kind: "insert", path: here, value: inner } as const];
    }),
  ];
}

/** Equal entries at both ends stay. In between, entries are changed in place as far as they go. */
function differenceOfLists(
  node: Node,
  value: readonly unknown[],
  path: readonly Segment[],
): readonly TextChange[] {
  const nodes = node.children ?? [];
  const before = nodes.map(plain);
  const shorter = Math.min(before.length, value.length);
  let head = 0;
  while (head < shorter && isDeepStrictEqual(before[head], value[head])) head += 1;
  let tail = 0;
  while (
    tail < shorter - head && isDeepStrictEqual(before.at(-1 - tail), value.at(-1 - tail))
  ) tail += 1;

  const both = shorter - tail;
  const steps: TextChange[] = [];
  for (let index = head; index < both; index += 1) {
    const child = nodes[index];
    if (child) steps.push(...difference(child, value[index], [...path, index]));
  }
  for (let index = before.length - tail - 1; index >= both; index -= 1) {
    steps.push({ kind: "remove", path: [...path, index] });
  }
  for (let index = both; index < value.length - tail; index += 1) {
    steps.push({ kind: "insert", path: [...path, index], value: value[index] });
  }
  return steps;
}

/** Inserts a new entry into the deepest existing part of the path. */
function insertAt(source: EditedSource, path: readonly Segment[], value: unknown): Edited {
  let depth = path.length - 1;
  let parent: Node | undefined;
  while (depth >= 0 && !(parent = findNodeAtLocation(source.root, path.slice(0, depth)))) {
    depth -= 1;
  }
  const segment = path[depth];
  if (!parent || segment === undefined) return refused("This path does not exist in the file");
  const entry = built(path.slice(depth + 1), value);
  if (entry === undefined) return refused(`${pathText(path)}: a new list begins with [0]`);
  const isIndex = typeof segment === "number";
  const place = pathText(path.slice(0, depth));
  if (parent.type !== (isIndex ? "array" : "object")) {
    const wanted = isIndex ? "a list" : "an object";
    return refused(`${place || "The file"} is ${nameOf(parent)}, and not ${wanted}`);
  }
  if (segment === "__proto__") return refused('The key "__proto__" is not allowed');
  const length = parent.children?.length ?? 0;
  return isIndex && segment > length
    ? refused(`${place} has ${length} entries, and none at [${segment}]`)
    : { kind: "edited", text: withEntry(source, parent, segment, entry.value) };
}

/** The value within new objects and lists; lists begin with it as their first entry. */
function built(path: readonly Segment[], value: unknown): { readonly value: unknown } | undefined {
  const [segment, ...rest] = path;
  if (segment === undefined) return { value };
  const inner = built(rest, value);
  if (inner === undefined || segment === "__proto__") return undefined;
  if (typeof segment === "string") return { value: { [segment]: inner.value } };
  return segment === 0 ? { value: [inner.value] } : undefined;
}

function plain(node: Node): unknown {
  if (node.type === "array") return (node.children ?? []).map(plain);
  if (node.type !== "object") return node.value;
  return Object.fromEntries(
    (node.children ?? []).flatMap(({ children }) => {
      const [key, value] = children ?? [];
      return key && value ? [[String(key.value), plain(value)] as const] : [];
    }),
  );
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
  const source = sourceOf(text);
  if (typeof source === "string") return { kind: "refused", message: source };
  const value = findNodeAtLocation(source.root, [...path]);
  if (!value || path.length === 0) {
    return { kind: "refused", message: `There is nothing at ${pathText(path)}` };
  }
  const words = wordsForComment(comment);
  if ("value" in to) {
    if (value.children) {
      return { kind: "refused", message: `${pathText(path)} is not a plain value` };
    }
    return edited(source, value, JSON.stringify(to.value), commentAt(source, value, value, words));
  }
  const key = value.parent?.children?.[0];
  if (value.parent?.type !== "property" || !key) {
    return { kind: "refused", message: `${pathText(path)} has no key` };
  }
  const siblings = value.parent.parent?.children ?? [];
  if (siblings.some(({ children }) => children?.[0] !== key && children?.[0]?.value === to.key)) {
    const message = `${pathText(path)}: the key ${quoted(to.key)} exists already`;
    return { kind: "refused", message };
  }
  return edited(source, key, JSON.stringify(to.key), commentAt(source, key, value, words));
}

/**
 * Writes a comment on a line of its own before an entry.
 *
 * @param path Of the entry of a list, or of the value of a key.
 */
export function commentBefore(text: string, path: readonly Segment[], comment: string): Edited {
  const source = sourceOf(text);
  if (typeof source === "string") return refused(source);
  const value = findNodeAtLocation(source.root, [...path]);
  if (!value || path.length === 0) return refused(`There is nothing at ${pathText(path)}`);
  const entry = value.parent?.type === "property" ? value.parent : value;
  return { kind: "edited", text: withCommentBefore(source, entry, wordsForComment(comment)) };
}

/** A comment as an edit: at the end of the line if it is free, else right after the name. */
function commentAt(
  { text }: EditedSource,
  name: Node,
  value: Node,
  words: string,
): readonly Edit[] {
  if (words === "") return [];
  const end = value.offset + value.length;
  const line = { length: 0, content: ` // ${words}` };
  const opened = value.offset + 1;
  if (value.children && name !== value && isLineEnd(text, opened)) {
    return [{ offset: opened, ...line }];
  }
  const comma = commaAfter(text, end);
  const isBeside = comma !== undefined && /^[ \t]*$/.test(text.slice(end, comma));
  const behind = isBeside ? comma + 1 : end;
  const isOneLine = !/[\r\n]/.test(text.slice(name.offset, end));
  if (isOneLine && isLineEnd(text, behind)) return [{ offset: behind, ...line }];
  return [{ offset: name.offset + name.length, length: 0, content: ` /* ${words} */` }];
}

function edited(
  { text }: EditedSource,
  { offset, length }: Node,
  content: string,
  comment: readonly Edit[],
): Edited {
  return { kind: "edited", text: applyEdits(text, [{ offset, length, content }, ...comment]) };
}

/** A name as a comment: on one line, and without anything that would end the comment. */
function wordsForComment(words: string): string {
  return words.replace(UNPRINTABLE, " ").replaceAll("*/", "* /").replace(/\s+/g, " ").trim();
}
