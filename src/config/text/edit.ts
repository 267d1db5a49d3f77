/**
 * Changes of a config's text that keep the rest of it as its writer wrote it (C10).
 *
 * A change is made token by token: what is not asked for stays, with its blanks, and so does each
 * comment, even one within what is removed. Whoever changes a setting must not lose the note that
 * says why it was so.
 *
 * @module
 */

import { findNodeAtLocation, type Node } from "jsonc-parser";
import { isDeepStrictEqual } from "node:util";
import { pathText } from "../../core/config_path.ts";
import { inserted, removed, replaced, type Source, sourceOf } from "./edit_text.ts";
import { isList, isRecord, nameOf, type Segment } from "./tree.ts";

/** A text with the change in it, or why it cannot be made. */
export type Edited =
  | { readonly kind: "edited"; readonly text: string }
  | { readonly kind: "refused"; readonly message: string };

/**
 * Puts a value at a path; what is missing on the way is made.
 *
 * Of an object or a list that is there already, only what differs is touched, so that a comment
 * stays with its entry. The index after the last of a list appends.
 *
 * @param text A blank one is an empty config.
 * @param value Plain data, as of `JSON.parse`.
 */
export function setAt(text: string, path: readonly Segment[], value: unknown): Edited {
  const isBlank = !/\S/.test(text.replace(/^\uFEFF/, ""));
  const start = isBlank ? `${text.trimEnd()}{}\n` : text;
  const source = sourceOf(start);
  if (typeof source === "string") return { kind: "refused", message: source };
  const node = findNodeAtLocation(source.root, [...path]);
  if (!node) return insertAt(source, path, value);
  return applied(start, difference(node, value, path));
}

/** Removes what stands at a path; nothing changes where nothing does. */
export function unsetAt(text: string, path: readonly Segment[]): Edited {
  if (path.length === 0) return { kind: "refused", message: "The whole file cannot be unset" };
  return applied(text, [{ kind: "remove", path }]);
}

/** The one change that another is made of. */
type Step =
  | { readonly kind: "replace" | "insert"; readonly path: readonly Segment[]; value: unknown }
  | { readonly kind: "remove"; readonly path: readonly Segment[] };

/** Each step reads the text anew: the one before it has moved everything. */
function applied(text: string, steps: readonly Step[]): Edited {
  let edited: Edited = { kind: "edited", text };
  for (const step of steps) {
    if (edited.kind === "refused") return edited;
    const source = sourceOf(edited.text);
    if (typeof source === "string") return { kind: "refused", message: source };
    if (step.kind === "insert") edited = insertAt(source, step.path, step.value);
    else {
      const node = findNodeAtLocation(source.root, [...step.path]);
      if (!node) continue;
      edited = {
        kind: "edited",
        text: step.kind === "remove" ? removed(source, node) : replaced(source, node, step.value),
      };
    }
  }
  return edited;
}

/** From what stands there to a value, in as few steps as keep comments in their place. */
function difference(node: Node, value: unknown, path: readonly Segment[]): readonly Step[] {
  if (node.type === "object" && isRecord(value)) return differenceOfObjects(node, value, path);
  if (node.type === "array" && isList(value)) return differenceOfLists(node, value, path);
  return isDeepStrictEqual(plain(node), value) ? [] : [{ kind: "replace", path, value }];
}

function differenceOfObjects(
  node: Node,
  value: Readonly<Record<string, unknown>>,
  path: readonly Segment[],
): readonly Step[] {
  const keys = (node.children ?? []).map(({ children }) => String(children?.[0]?.value));
  const gone = keys.filter((key) => !Object.hasOwn(value, key));
  return [
    ...gone.map((key): Step => ({ kind: "remove", path: [...path, key] })),
    ...Object.entries(value).flatMap(([key, inner]) => {
      const child = findNodeAtLocation(node, [key]);
      const here = [...path, key];
      return child
        ? difference(child, inner, here)
        : [{ kind: "insert", path: here, value: inner } as const];
    }),
  ];
}

/** What is the same at both ends stays; of the rest, entries are changed in place while they last. */
function differenceOfLists(
  node: Node,
  value: readonly unknown[],
  path: readonly Segment[],
): readonly Step[] {
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
  const steps: Step[] = [];
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

/** Puts a new entry into the deepest part of the path that is there. */
function insertAt(source: Source, path: readonly Segment[], value: unknown): Edited {
  let depth = path.length - 1;
  let parent: Node | undefined;
  while (depth >= 0 && !(parent = findNodeAtLocation(source.root, path.slice(0, depth)))) {
    depth -= 1;
  }
  const segment = path[depth];
  if (!parent || segment === undefined) {
    return { kind: "refused", message: "The path is of no place in the file" };
  }
  const made = built(path.slice(depth + 1), value);
  if (made === undefined) {
    return { kind: "refused", message: `${pathText(path)}: a new list begins with [0]` };
  }
  if (typeof segment === "string" && parent.type === "object") {
    if (segment === "__proto__") {
      return { kind: "refused", message: 'The key "__proto__" is not allowed' };
    }
    return { kind: "edited", text: inserted(source, parent, segment, made.value) };
  }
  if (typeof segment === "number" && parent.type === "array") {
    const length = parent.children?.length ?? 0;
    if (segment <= length) {
      return { kind: "edited", text: inserted(source, parent, segment, made.value) };
    }
    const list = pathText(path.slice(0, depth));
    return { kind: "refused", message: `${list} has ${length} entries, and none at [${segment}]` };
  }
  const place = pathText(path.slice(0, depth)) || "The file";
  const wanted = typeof segment === "number" ? "a list" : "an object";
  return { kind: "refused", message: `${place} is ${nameOf(parent)}, and not ${wanted}` };
}

/** The value with objects and lists around it; lists begin with their first entry. */
function built(
  path: readonly Segment[],
  value: unknown,
): { readonly value: unknown } | undefined {
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
