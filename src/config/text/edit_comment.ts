/**
 * Replaces a name in the config with its id, and keeps the name as a comment beside it.
 *
 * Operators must be able to read the results of `config import` and `access resolve --write`: they
 * would not dare to change a list of bare ids.
 *
 * @module
 */

import { applyEdits, type Edit, findNodeAtLocation, type Node } from "jsonc-parser";
import { pathText } from "../../core/config_file.ts";
import { quoted, UNPRINTABLE } from "../../lib/text/quoted.ts";
import type { Edited } from "./edit.ts";
import { commaAfter, isLineEnd, type Source, sourceOf } from "./edit_text.ts";
import type { Segment } from "./tree.ts";

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

/** A comment as an edit: at the end of the line if it is free, else right after the name. */
function commentAt({ text }: Source, name: Node, value: Node, words: string): readonly Edit[] {
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
  { text }: Source,
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
