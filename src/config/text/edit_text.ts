/**
 * The three changes that a JSONC text can take: an entry is removed, replaced or put in.
 *
 * @module
 */

import type { Node } from "jsonc-parser";
import {
  commaAfter,
  commentsIn,
  endOfLineComments,
  indentOf,
  isFirstInLine,
  isLastInLine,
  lineStart,
} from "./comments.ts";
import { isList, isRecord, readTree } from "./tree.ts";

/** A text that was read, and how its writer lays it out. */
export interface Source {
  readonly text: string;
  readonly root: Node;
  /** Its line break. */
  readonly eol: string;
  /** One step of indentation. */
  readonly unit: string;
}

/** A short list stays on one line, up to so many characters. */
const LINE = 80;

/** A text that can be read, or why it cannot. */
export function sourceOf(written: string): Source | string {
  const tree = readTree(written);
  if (tree.kind === "faults") return tree.faults[0]?.message ?? "The file cannot be read";
  const { root } = tree;
  const inner = (root.children ?? []).find(({ offset }) => isFirstInLine(written, offset));
  const unit = inner &&
    indentOf(written, inner.offset).slice(indentOf(written, root.offset).length);
  return {
    text: written,
    root,
    eol: /\r\n|\r|\n/.exec(written)?.[0] ?? "\n",
    unit: unit || "  ",
  };
}

/** The text without an entry; the comments within it stay where they are. */
export function removed({ text, eol }: Source, value: Node): string {
  const entry = entryOf(value);
  const siblings = entry.parent?.children ?? [];
  const before = siblings[siblings.indexOf(entry) - 1];
  const end = entry.offset + entry.length;
  const ownComma = commaAfter(text, end);
  const comma = ownComma ?? (before && commaAfter(text, before.offset + before.length));

  const kept = keptComments(text, entry.offset, end, eol);
  if (ownComma !== undefined) {
    const rest = text.slice(end, ownComma) + text.slice(ownComma + 1);
    return joined(text.slice(0, entry.offset), kept, rest, eol);
  }
  const head = comma === undefined
    ? text.slice(0, entry.offset)
    : text.slice(0, comma) + text.slice(comma + 1, entry.offset);
  return joined(head, kept, text.slice(end), eol);
}

/** Joins what is left around the comments of what is gone. */
function joined(head: string, comments: string, rest: string, eol: string): string {
  if (comments === "") return tidied(head, rest);
  const isBroken = comments.endsWith(eol) && isLastInLine(rest, 0);
  if (!isBroken) return head + comments + rest;
  return head + comments.slice(0, -eol.length) + rest.replace(/^[ \t]+/, "");
}

/** Joins what is left where nothing is in between; the blanks of what is gone go, too. */
function tidied(head: string, rest: string): string {
  const start = lineStart(head, head.length);
  if (!/\S/.test(head.slice(start)) && isLastInLine(rest, 0)) {
    // A line of its own: it goes whole. At the start of a text there may be a byte order mark.
    return head.slice(0, start) + rest.replace(/^[ \t]*(?:\r\n|\r|\n|$)/, "");
  }
  if (/^[ \t]/.test(rest)) {
    return isLastInLine(rest, 0)
      ? head.replace(/[ \t]+$/, "") + rest
      : head + rest.replace(/^[ \t]+/, /[\s([{]$/.test(head) ? "" : " ");
  }
  const closes = /^[\]}\r\n]/.test(rest) && /\S/.test(head.slice(start));
  return (closes ? head.replace(/[ \t]+$/, "") : head) + rest;
}

/** The text with another value in the place of one; the comments within that come before it. */
export function replaced(source: Source, node: Node, value: unknown): string {
  const { text, eol, unit } = source;
  const end = node.offset + node.length;
  const rest = text.slice(end);
  const head = text.slice(0, node.offset);
  const indent = indentOf(text, node.offset);
  const comments = commentsIn(text, node.offset, end);
  const told = (gap: string): string =>
    comments.map(({ offset, length }) => text.slice(offset, offset + length) + gap).join("");

  if (!comments.some(({ isLine }) => isLine)) {
    return `${head}${told(" ")}${writtenAs(value, source, indent, true)}${rest}`;
  }
  // What a line comment ends with is a line break, so the value comes in a line of its own.
  const isFirst = isFirstInLine(text, node.offset);
  const deeper = isFirst ? indent : indent + unit;
  const gap = eol + deeper;
  const before = isFirst ? head : head.replace(/[ \t]+$/, "") + gap;
  return `${before}${told(gap)}${writtenAs(value, source, deeper, true)}${rest}`;
}

/**
 * The text with one more entry.
 *
 * @param parent The object or list that it goes into.
 * @param place Its key, which comes last; or its index.
 */
export function inserted(
  source: Source,
  parent: Node,
  place: string | number,
  value: unknown,
): string {
  const { text, eol, unit } = source;
  const children = parent.children ?? [];
  const index = typeof place === "number" ? place : children.length;
  const name = typeof place === "number" ? "" : `${JSON.stringify(place)}: `;
  const before = children[index - 1];
  const last = children.at(-1);
  const close = parent.offset + parent.length - 1;
  const outer = indentOf(text, parent.offset);

  const first = children.find(({ offset }) => isFirstInLine(text, offset));
  const isOnLines = first !== undefined || (isFirstInLine(text, close) && close > 0 &&
    lineStart(text, close) > parent.offset) ||
    (!last && /[\r\n]/.test(text)) ||
    (!last && parent === source.root);
  const indent = first ? indentOf(text, first.offset) : outer + unit;
  const entry = name + writtenAs(value, source, isOnLines ? indent : outer, isOnLines);

  const beforeEnd = before ? before.offset + before.length : parent.offset + 1;
  const comma = before && commaAfter(text, beforeEnd);
  const isLastEntry = index === children.length;
  const needsComma = before !== undefined && comma === undefined;
  const from = comma === undefined ? beforeEnd : comma + 1;
  const anchor = !last
    ? endOfComments(text, from, close)
    : isOnLines
    ? endOfLineComments(text, from)
    : from;
  const tail = isLastEntry ? (comma === undefined ? "" : ",") : ",";
  const head = needsComma
    ? `${text.slice(0, beforeEnd)},${text.slice(beforeEnd, anchor)}`
    : text.slice(0, anchor);
  const rest = text.slice(anchor);
  if (!isOnLines) {
    const gap = before || anchor > from ? " " : "";
    const next = isLastEntry ? rest : ` ${rest.replace(/^[ \t]+/, "")}`;
    return `${head}${gap}${entry}${tail}${next}`;
  }
  const own = `${head}${eol}${indent}${entry}${tail}`;
  if (isLastInLine(rest, 0)) return own + rest;
  // Whatever stood behind goes on in a line of its own: the next entry, or the bracket.
  return `${own}${eol}${isLastEntry ? outer : indent}${rest.replace(/^[ \t]+/, "")}`;
}

/** Of an object or a list that has comments only. */
function endOfComments(text: string, from: number, to: number): number {
  const comment = commentsIn(text, from, to).at(-1);
  return comment ? comment.offset + comment.length : from;
}

/** The comments of a part of the text, laid out as they were; nothing where there are none. */
function keptComments(text: string, from: number, to: number, eol: string): string {
  const indent = indentOf(text, from);
  const comments = commentsIn(text, from, to);
  return comments.map(({ offset, length, isLine }, index) => {
    const comment = text.slice(offset, offset + length);
    if (isLine) return `${comment}${eol}${index < comments.length - 1 ? indent : ""}`;
    return index < comments.length - 1 ? `${comment} ` : comment;
  }).join("");
}

/** A property, where the value is one's. */
function entryOf(value: Node): Node {
  return value.parent?.type === "property" ? value.parent : value;
}

/** A value as JSON in the layout of the text. */
function writtenAs(
  value: unknown,
  source: Pick<Source, "eol" | "unit">,
  indent: string,
  isOnLines: boolean,
): string {
  const { eol, unit } = source;
  const list = isList(value);
  const entries = list
    ? value.map((inner) => ["", inner] as const)
    : isRecord(value)
    ? Object.entries(value).map(([key, inner]) => [`${JSON.stringify(key)}: `, inner] as const)
    : undefined;
  if (!entries) return JSON.stringify(value);
  const [open, close] = list ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0) return `${open}${close}`;

  const inline = (gap: string): string => {
    const inner = entries.map(([name, one]) => name + writtenAs(one, source, indent, false));
    return `${open}${gap}${inner.join(", ")}${gap}${close}`;
  };
  if (!isOnLines) return inline(list ? "" : " ");
  const isFlat = entries.every(([, one]) => !isList(one) && !isRecord(one));
  if (list && isFlat && inline("").length <= LINE) return inline("");
  const deeper = indent + unit;
  const lines = entries.map(([name, one]) =>
    `${deeper}${name}${writtenAs(one, source, deeper, true)}`
  );
  return `${open}${eol}${lines.join(`,${eol}`)}${eol}${indent}${close}`;
}
