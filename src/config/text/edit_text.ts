/**
 * Removes, replaces or inserts one entry of a JSONC text, and formats a text.
 *
 * `modify` of jsonc-parser does not serve here. It drops the comments of removed parts, gives a
 * comment beside the last entry to a new one, leaves `{,}` of `{"a": 1,}`, and `["1""]` of `["1",
 * "2"]` without its last. So the edits are made here, and the library applies them.
 */

import { applyEdits, createScanner, type Edit, format, type Node } from "jsonc-parser";
import type { Span } from "./problem.ts";
import { isList, isRecord, readTree } from "./tree.ts";

export interface EditedSource {
  readonly text: string;
  readonly root: Node;
  readonly comments: readonly Span[];
}

/** Parses a text, or returns why it cannot. */
export function sourceOf(text: string): EditedSource | string {
  const tree = readTree(text);
  if (tree.kind === "tree") return { text, root: tree.root, comments: tree.comments };
  return tree.faults[0]?.message ?? "The file cannot be read";
}

/** The text without an entry; comments within the entry keep their place. */
export function withoutEntry(source: EditedSource, value: Node): string {
  const { text } = source;
  const entry = value.parent?.type === "property" ? value.parent : value;
  const siblings = entry.parent?.children ?? [];
  const previous = siblings[siblings.indexOf(entry) - 1];
  const own = commaAfter(text, endOf(entry));
  const end = endOf(entry);
  const behind = own === undefined ? end : own + 1;
  const next = afterBlanks(text, behind);
  const isJoined = own === undefined || afterBlanks(text, end) === own; // with its comma
  const isAlone = isJoined && isLineEnd(text, next);
  const isFirst = isFirstInLine(text, entry.offset);
  const kept = commentsIn(source, entry).map((comment) => partOf(text, comment));
  const isBare = kept.length === 0;

  // An entry alone in its line goes with the line. A text may begin with a byte order mark.
  const blanks = isFirst && isAlone ? /(?:\r\n|\r|\n)?[ \t]*$/ : /[ \t]*$/;
  const before = isBare && (isAlone || !isFirst) ? blanks.exec(text.slice(0, entry.offset)) : null;
  const from = entry.offset - (before?.[0].length ?? 0);
  const to = isAlone || isFirst || !isBare ? next : behind;
  const content = layComments(source, entry.offset, kept, isAlone);
  if (isJoined) {
    const other = own === undefined && previous ? commaAfter(text, endOf(previous)) : undefined;
    return applyEdits(text, [
      ...(other === undefined ? [] : [{ offset: other, length: 1, content: "" }]),
      { offset: from, length: to - from, content },
    ]);
  }
  return applyEdits(text, [
    { offset: from, length: end - from, content },
    { offset: own, length: to - own, content: "" },
  ]);
}

/** The text with another value at a node; comments within the old value come before it. */
export function withValue(source: EditedSource, node: Node, value: unknown): string {
  const { text } = source;
  const kept = commentsIn(source, node).map((comment) => partOf(text, comment));
  const comments = layComments(source, node.offset, kept, false);
  const indent = indentOf(text, node.offset);
  const content = comments + written(value, source, indent, true);
  return applyEdits(text, [{ offset: node.offset, length: node.length, content }]);
}

/**
 * The text with one more entry.
 *
 * @param parent The object or list to extend.
 * @param place Its key, as the last one; or its index.
 */
export function withEntry(
  source: EditedSource,
  parent: Node,
  place: string | number,
  value: unknown,
): string {
  const { text, root, comments } = source;
  const children = parent.children ?? [];
  const index = typeof place === "number" ? place : children.length;
  const before = children[index - 1];
  const isLast = index === children.length;
  const close = endOf(parent) - 1;
  const first = children.find(({ offset }) => isFirstInLine(text, offset));
  const isOnLines = first !== undefined ||
    (children.length === 0
      ? parent === root || /[\r\n]/.test(text)
      : /[\r\n]/.test(partOf(text, parent)) && isFirstInLine(text, close));
  const outer = indentOf(text, parent.offset);
  const indent = first ? indentOf(text, first.offset) : outer + unitOf(source);

  const end = before ? endOf(before) : parent.offset + 1;
  const comma = before && commaAfter(text, end);
  // A comment beside the entry before, or in an empty object, stays before the new entry.
  let anchor = comma === undefined ? end : comma + 1;
  for (const { offset, length } of comments) {
    const gap = offset < anchor || offset > close ? "x" : text.slice(anchor, offset);
    const isOwn = children.length === 0 ? /^\s*$/ : /^[ \t]*$/;
    const isBeside = children.length === 0 || isLineEnd(text, offset + length);
    if (isOwn.test(gap) && isBeside) anchor = offset + length;
  }
  const name = typeof place === "number" ? "" : `${JSON.stringify(place)}: `;
  const own = name + written(value, source, isOnLines ? indent : outer, isOnLines);
  const tail = isLast && comma === undefined ? "" : ",";
  const skipped = afterBlanks(text, anchor) - anchor;
  const edits: Edit[] = before && comma === undefined
    ? [{ offset: end, length: 0, content: "," }]
    : [];
  if (isOnLines || isLineComment(source, anchor)) {
    const eol = eolOf(text);
    // The following token moves to a line of its own: the next entry, or the bracket.
    const goesOn = isLineEnd(text, anchor + skipped) ? undefined : eol + (isLast ? outer : indent);
    const content = `${eol}${indent}${own}${tail}${goesOn ?? ""}`;
    edits.push({ offset: anchor, length: goesOn === undefined ? 0 : skipped, content });
  } else {
    const gap = before || anchor > end ? " " : "";
    const content = `${gap}${own}${tail}${isLast ? "" : " "}`;
    edits.push({ offset: anchor, length: isLast ? 0 : skipped, content });
  }
  return applyEdits(text, edits);
}

/** The text with a comment of its own line before an entry. */
export function withCommentBefore({ text }: EditedSource, entry: Node, words: string): string {
  const gap = eolOf(text) + indentOf(text, entry.offset);
  return applyEdits(text, [{ offset: entry.offset, length: 0, content: `// ${words}${gap}` }]);
}

/** The offset of the next comma, if only blanks and comments come before it. */
export function commaAfter(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  return Number(scanner.scan()) === COMMA ? scanner.getTokenOffset() : undefined;
}

// From a const enum of jsonc-parser, which does not exist in single-file compilation.
const COMMA = 5;

/** Whether only blanks follow in the line. */
export function isLineEnd(text: string, offset: number): boolean {
  return /^[ \t]*(?:[\r\n]|$)/.test(text.slice(offset));
}

function afterBlanks(text: string, offset: number): number {
  return offset + (/^[ \t]*/.exec(text.slice(offset))?.[0].length ?? 0);
}

function isFirstInLine(text: string, offset: number): boolean {
  return /(?:^\uFEFF?|[\r\n])[ \t]*$/.test(text.slice(0, offset));
}

/** The blanks at the start of an offset's line. */
function indentOf(text: string, offset: number): string {
  return /(?:^|[\r\n])([ \t]*)[^\r\n]*$/.exec(text.slice(0, offset))?.[1] ?? "";
}

/** One step of indentation, as in the text. */
function unitOf({ text, root }: EditedSource): string {
  const first = root.children?.find(({ offset }) => isFirstInLine(text, offset));
  const unit = first && indentOf(text, first.offset).slice(indentOf(text, root.offset).length);
  return unit || "  ";
}

function eolOf(text: string): string {
  return /\r\n|\r|\n/.exec(text)?.[0] ?? "\n";
}

function endOf({ offset, length }: Span): number {
  return offset + length;
}

function partOf(text: string, { offset, length }: Span): string {
  return text.slice(offset, offset + length);
}

function commentsIn({ comments }: EditedSource, node: Span): readonly Span[] {
  return comments.filter(({ offset }) => offset > node.offset && offset < endOf(node));
}

function isLineComment({ text, comments }: EditedSource, end: number): boolean {
  return comments.some((comment) =>
    endOf(comment) === end && partOf(text, comment).startsWith("//")
  );
}

/** The comments of a replaced entry; a value may follow, unless the line ends there. */
function layComments(
  { text }: EditedSource,
  offset: number,
  comments: readonly string[],
  endsLine: boolean,
): string {
  const gap = eolOf(text) + indentOf(text, offset);
  return comments.map((comment, index) => {
    if (index === comments.length - 1 && endsLine) return comment;
    return comment + (comment.startsWith("//") ? gap : " ");
  }).join("");
}

/** Maximum length of a list on one line. */
const LINE = 80;

/** A value as JSON in the layout of the text. */
function written(value: unknown, source: EditedSource, indent: string, isOnLines: boolean): string {
  const list = isList(value);
  if (!list && !isRecord(value)) return JSON.stringify(value);
  const [open, close] = list ? ["[", "]"] : ["{", "}"];
  const deeper = indent + unitOf(source);
  const parts = (inLines: boolean): readonly string[] =>
    Object.entries(value).map(([key, inner]) =>
      (list ? "" : `${JSON.stringify(key)}: `) + written(inner, source, deeper, inLines)
    );
  const gap = list ? "" : " ";
  const inline = `${open}${gap}${parts(false).join(", ")}${gap}${close}`;
  const isFlat = list && value.every((inner) => !isList(inner) && !isRecord(inner));
  if (Object.keys(value).length === 0) return open + close;
  if (!isOnLines || (isFlat && inline.length <= LINE)) return inline;
  const eol = eolOf(source.text);
  return `${open}${eol}${deeper}${parts(true).join(`,${eol}${deeper}`)}${eol}${indent}${close}`;
}

/** The formatted text, with a line break at its end. */
export function formatText(text: string): string {
  const edits = format(text, undefined, { insertSpaces: true, tabSize: 2, keepLines: true })
    // `[1]` and `{}` need no blanks within.
    .filter(({ offset, length, content }) =>
      length > 0 || content !== " " ||
      !/^(?:\[.|.\]|\{\})$/.test(text.slice(offset - 1, offset + 1))
    );
  return `${applyEdits(text, edits).trimEnd()}${/\r\n|\r|\n/.exec(text)?.[0] ?? "\n"}`;
}
