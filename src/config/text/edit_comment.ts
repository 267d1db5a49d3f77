/**
 * An id in the place of a name, with the name as a comment beside it.
 *
 * What `config import` and `access resolve --write` leave must be read by people: a list of bare
 * ids is one that nobody dares to change.
 *
 * @module
 */

import { findNodeAtLocation, type Node } from "jsonc-parser";
import { pathText } from "../../core/config_path.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { commaAfter, isLastInLine, wordsForComment } from "./comments.ts";
import type { Edited } from "./edit.ts";
import { type Source, sourceOf } from "./edit_text.ts";
import type { Segment } from "./tree.ts";

/** What comes in the place of what is at a path: a plain value, or another name for the key. */
export type Replacement =
  | { readonly value: string | number | boolean }
  | { readonly key: string };

/**
 * Puts an entry of a list, or the key of an object, in the place of the one that is there.
 *
 * @param path Of the entry, or of what stands behind the key.
 * @param comment Words; marks are added, and whatever would end a comment is taken out.
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
    if (value.children) return { kind: "refused", message: `${pathText(path)} is no plain value` };
    return edited(source, value, JSON.stringify(to.value), commentAt(source, value, value, words));
  }
  const key = value.parent?.children?.[0];
  if (value.parent?.type !== "property" || !key) {
    return { kind: "refused", message: `${pathText(path)} has no key` };
  }
  const siblings = value.parent.parent?.children ?? [];
  if (siblings.some(({ children }) => children?.[0] !== key && children?.[0]?.value === to.key)) {
    const message = `${pathText(path)}: the key ${quoted(to.key)} is there already`;
    return { kind: "refused", message };
  }
  return edited(source, key, JSON.stringify(to.key), commentAt(source, key, value, words));
}

/** A comment and where it goes. */
interface Note {
  readonly offset: number;
  readonly text: string;
}

/** At the end of the line where nothing else is said there, else right behind the name. */
function commentAt({ text }: Source, name: Node, value: Node, words: string): Note | undefined {
  if (words === "") return undefined;
  const end = value.offset + value.length;
  const opened = value.offset + 1;
  if (value.children && name !== value && isLastInLine(text, opened)) {
    return { offset: opened, text: ` // ${words}` };
  }
  const comma = commaAfter(text, end);
  const isBeside = comma !== undefined && /^[ \t]*$/.test(text.slice(end, comma));
  const behind = isBeside ? comma + 1 : end;
  const isOneLine = !/[\r\n]/.test(text.slice(name.offset, end));
  if (isOneLine && isLastInLine(text, behind)) return { offset: behind, text: ` // ${words}` };
  return { offset: name.offset + name.length, text: ` /* ${words} */` };
}

function edited(source: Source, name: Node, written: string, note: Note | undefined): Edited {
  const end = name.offset + name.length;
  const { offset, text } = note ?? { offset: end, text: "" };
  return {
    kind: "edited",
    text: source.text.slice(0, name.offset) + written + source.text.slice(end, offset) + text +
      source.text.slice(offset),
  };
}
