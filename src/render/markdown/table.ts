/**
 * Shows Markdown tables in a form that Discord can display.
 *
 * Discord renders no tables. A code block with aligned columns is the nearest form. If a block
 * would be too wide for a phone, or would break something that works outside of code, a list shows
 * the same.
 */

import { columnsOf } from "./open_marks.ts";
import { type CodeFence, codeFences, fenceAt, MAX_CHUNK_LENGTH } from "./code_fence.ts";
import {
  alignmentOf,
  asBullets,
  asCode,
  cellsOf,
  type MarkdownTable,
  rowOf,
} from "./table_layout.ts";

/** `messages.tables`. */
export type TableMode = "code" | "bullets" | "off";

/**
 * Replaces the tables of a text (R5), in the syntax of GitHub's Markdown, also in quotes and lists.
 * Each row needs a pipe, so that text directly below a table is not a row.
 *
 * @returns The text itself if it has no table.
 */
export function renderTables(text: string, mode: TableMode): string {
  if (mode === "off" || !text.includes("|") || !text.includes("-")) return text;
  const fences = codeFences(text, MAX_CHUNK_LENGTH);
  const parts: string[] = [];
  let done = 0;
  for (const { 0: { length }, index } of text.matchAll(DELIMITER_ROW)) {
    if (index <= done || !isLine(text, index, index + length)) continue;
    const found = tableAt(text, fences, done, index);
    if (!found) continue;
    const shown = (mode === "code" ? asCode(found.table) : undefined) ?? asBullets(found.table);
    if (shown === undefined) continue;
    parts.push(text.slice(done, found.start), shown);
    done = found.end;
  }
  return parts.length === 0 ? text : parts.join("") + text.slice(done);
}

/** The line below the head: `|---|:-:|`, also in a quote or a list. */
const DELIMITER_ROW =
  /^(?:> ?)*[^\S\n]*(?:\|[^\S\n]*)?:?-+:?[^\S\n]*(?:\|[^\S\n]*:?-+:?[^\S\n]*)*(?:\|[^\S\n]*)?$/gm;

/** Whether a match is a whole line: patterns know other line ends than Markdown. */
function isLine(text: string, start: number, end: number): boolean {
  return text.charAt(start - 1) === "\n" && (end === text.length || text.charAt(end) === "\n");
}

/** @param from End of the last table. */
function tableAt(
  text: string,
  fences: readonly CodeFence[],
  from: number,
  delimiterStart: number,
): {
  readonly table: MarkdownTable;
  readonly start: number;
  /** End of its last line, without the newline. */
  readonly end: number;
} | undefined {
  const start = Math.max(from, text.lastIndexOf("\n", delimiterStart - 2) + 1);
  if (fenceAt(fences, start + 1) || fenceAt(fences, delimiterStart)) return undefined;
  const first = lineOf(text, start);
  const second = lineOf(text, delimiterStart);
  if (!isRow(first) || !second.content.includes("|") || first.depth !== second.depth) {
    return undefined;
  }
  if (isIndentedCode(text, start, first.indent)) return undefined;
  const alignments = cellsOf(second.content, 0).map(alignmentOf);
  const head = cellsOf(first.content, alignments.length);
  if (head.length !== alignments.length) return undefined;

  const rows: (readonly string[])[] = [];
  let { end } = second;
  while (end < text.length) {
    const row = lineOf(text, end + 1);
    if (!isRow(row) || row.depth !== first.depth || fenceAt(fences, end + 2)) break;
    rows.push(rowOf(row.content, head.length));
    ({ end } = row);
  }
  return { table: { prefix: first.prefix, head, alignments, rows }, start, end };
}

interface TableLine {
  /** Quote marks and indentation. */
  readonly prefix: string;
  /** Number of quotes around it. */
  readonly depth: number;
  readonly indent: string;
  readonly content: string;
  readonly end: number;
}

const PREFIX = /^((?:> ?)*)([^\S\n]*)/;

function lineOf(text: string, start: number): TableLine {
  const newline = text.indexOf("\n", start);
  const end = newline === -1 ? text.length : newline;
  const line = text.slice(start, end);
  const [prefix = "", quotes = "", indent = ""] = PREFIX.exec(line) ?? [];
  return {
    prefix,
    depth: quotes.replaceAll(" ", "").length,
    indent,
    content: line.slice(prefix.length).trimEnd(),
    end,
  };
}

const OTHER_BLOCK = /^(?:[-*+]|\d{1,9}[.)]|#{1,6}|>+)[^\S\n]/;

function isRow({ content }: TableLine): boolean {
  return content.includes("|") && !OTHER_BLOCK.test(content);
}

const ITEM = /^(?:> ?)*([^\S\n]*(?:[-*+]|\d{1,9}[.)])[^\S\n]+)/;

/** Whether a line is indented by at least four columns, and not because it is in a list. */
function isIndentedCode(text: string, start: number, indent: string): boolean {
  const columns = columnsOf(indent);
  if (columns < 4) return false;
  const above = text.slice(Math.max(0, start - MAX_CHUNK_LENGTH), start).trimEnd().split("\n");
  for (const line of above.reverse()) {
    const item = ITEM.exec(line)?.[1];
    if (item !== undefined && columnsOf(item) <= columns) return columns - columnsOf(item) >= 4;
    if (item === undefined && /^\S/.test(line)) return true;
  }
  return true;
}
