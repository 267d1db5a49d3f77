/**
 * Shows Markdown tables in a form that Discord can display.
 *
 * Discord renders no tables. A code block with aligned columns is the nearest form. If a block
 * would be too wide for a phone, or would break something that works outside of code, a list shows
 * the same.
 */

import { edited, type TextRange } from "../../lib/text/edits.ts";
import {
  type CodeFence,
  codeFences,
  codeRegions,
  fenceAt,
  MAX_CHUNK_LENGTH,
  pairsOf,
} from "./code_fence.ts";
import { displayWidth } from "./chunk.ts";
import { columnsOf, isWithin } from "./spans.ts";

export interface MarkdownTable {
  /** Quote marks and indentation of its lines. */
  readonly prefix: string;
  readonly head: readonly string[];
  readonly alignments: readonly Alignment[];
  /** Rows, each with at most as many cells as the head. */
  readonly rows: readonly (readonly string[])[];
}

/**
 * Maximum columns of a line. A window beside Discord's lists can show them, and so can a phone
 * turned sideways.
 */
const WIDEST = 80;
/** Minimum columns of a cell: Markdown needs three dashes. */
const NARROWEST_COLUMN = 3;
/**
 * Text that code would break: people cannot follow a link there, a mention is a number, and a spoiler
 * is not hidden.
 */
const LOST_IN_CODE = /<(?:[@#:/]|a:|t:|id:)|https?:\/\/|\|\|.+\|\|/;

/**
 * Formats a table as a code block.
 *
 * @returns `undefined` if the block would be too wide, or would break something.
 */
export function asCode({ prefix, head, alignments, rows }: MarkdownTable): string | undefined {
  const all = [head, ...rows].map((row) => row.map(plainOf));
  // So many columns are too wide even if all cells are empty. That saves measuring the texts.
  if (head.length * (NARROWEST_COLUMN + 3) > WIDEST) return undefined;
  if (all.some((row) => row.some((cell) => LOST_IN_CODE.test(cell)))) return undefined;
  const widths: number[] = head.map(() => NARROWEST_COLUMN);
  const measured = all.map((row) => row.map((text) => ({ text, width: displayWidth(text) })));
  for (const row of measured) {
    for (const [column, { width }] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, width);
    }
  }
  const total = widths.reduce((sum, width) => sum + width + 3, 1);
  if (total > WIDEST) return undefined;

  const lines = measured.map((row) =>
    widths.map((width, column) => padded(row[column] ?? EMPTY, width, alignments[column]))
  );
  const rule = widths.map((width, column) => ruleOf(width, alignments[column]));
  const [first = [], ...rest] = lines;
  const shown = [first, rule, ...rest].map((cells) => `| ${cells.join(" | ")} |`);
  return ["```", ...shown, "```"].map((line) => prefix + line).join("\n");
}

/** A cell as people see it outside of code. In code, they would see its marks. */
function plainOf(cell: string): string {
  if (!/[*_~`\\]/.test(cell)) return cell;
  const code = codeRegions(cell);
  const edits = pairsOf(cell).flatMap(({ start, end, mark: { length } }) => [
    { start, end: start + length, text: "" },
    { start: end - length, end, text: "" },
  ]);
  for (const { index: start } of cell.matchAll(/\\(?=[^0-9A-Za-z\s])/g)) {
    if (!isWithin(code, start)) edits.push({ start, end: start + 1, text: "" });
  }
  return edited(cell, edits);
}

interface Measured {
  readonly text: string;
  readonly width: number;
}

const EMPTY: Measured = { text: "", width: 0 };

function padded({ text, width }: Measured, to: number, alignment: Alignment = "left"): string {
  const room = to - width;
  const before = alignment === "right" ? room : alignment === "center" ? room >> 1 : 0;
  return " ".repeat(before) + text + " ".repeat(room - before);
}

function ruleOf(width: number, alignment: Alignment = "left"): string {
  switch (alignment) {
    case "left":
      return "-".repeat(width);
    case "right":
      return "-".repeat(width - 1) + ":";
    case "center":
      return ":" + "-".repeat(width - 2) + ":";
  }
}

/** Maximum UTF-16 units of a column name; each row repeats it. */
const LONGEST_NAME = 200;
const BETWEEN = " · ";

/**
 * Formats a table as a list: one bullet for each row, with the column's name before each cell. If
 * all rows are short, each is one line.
 *
 * @returns `undefined` if a column's name is too long.
 */
export function asBullets({ prefix, head, rows }: MarkdownTable): string | undefined {
  if (head.some(({ length }) => length > LONGEST_NAME)) return undefined;
  const names = head.map(nameOf);
  const bullets = rows.map((row) =>
    row.flatMap((cell, column) => cell === "" ? [] : [names[column] + cell])
  ).filter(({ length }) => length > 0);
  if (bullets.length === 0) {
    return prefix + head.filter((cell) => cell !== "").map(boldOf).join(BETWEEN);
  }
  const lengthOf = (cells: readonly string[]) =>
    cells.reduce((sum, { length }) => sum + length + BETWEEN.length, 0);
  const areShort = bullets.every((cells) => lengthOf(cells) <= WIDEST);
  const between = areShort ? BETWEEN : `\n${prefix}  `;
  return bullets.map((cells) => `${prefix}- ${cells.join(between)}`).join("\n");
}

function nameOf(head: string): string {
  return head === "" ? "" : `${boldOf(head)}: `;
}

/** A text in bold, without bold in it. A star or backslash at its end stays apart. */
export function boldOf(text: string): string {
  const isBold = /^\*\*[^*]+\*\*$/.test(text);
  return isBold ? text : `**${text.replaceAll("**", "").replace(/[*\\]$/, "$&\u200b")}**`;
}

export type Alignment = "left" | "center" | "right";

/** The alignment of a cell in the delimiter row: `:--`, `:-:` or `--:`; left by default. */
export function alignmentOf(cell: string): Alignment {
  if (!cell.endsWith(":")) return "left";
  return cell.startsWith(":") ? "center" : "right";
}

/** An escaped character, or a pipe. */
const PART = /\\[\s\S]|\|/g;
/** The same, but the pipes of a spoiler part no cells. */
const PART_OR_SPOILER = /\\[\s\S]|\|\|[^\s|](?:[^|]*[^\s|])?\|\||\|/g;

/**
 * The cells of a row, trimmed and with unescaped pipes.
 *
 * A pipe in code or of a spoiler is text, because authors mean it so, although GitHub's Markdown requires an
 * escape. If only the other reading gives the expected number of columns, that reading counts.
 *
 * @param columns Expected number of cells; 0 if unknown.
 */
export function cellsOf(row: string, columns: number): readonly string[] {
  const inner = row.trim().replace(/^\|/, "");
  const first = splitOutside(codeRegions(inner), inner, PART_OR_SPOILER);
  const second = first.length === columns ? first : splitOutside([], inner, PART);
  return second.length === columns ? second : first;
}

/** The cells of a row, at most as many as in the head. The last cell contains the rest. */
export function rowOf(row: string, columns: number): readonly string[] {
  const cells = cellsOf(row, columns);
  if (cells.length <= columns) return cells;
  return [...cells.slice(0, columns - 1), cells.slice(columns - 1).join(" | ")];
}

function splitOutside(code: readonly TextRange[], inner: string, parts: RegExp): readonly string[] {
  const cells: string[] = [];
  let start = 0;
  for (const { 0: part, index } of inner.matchAll(parts)) {
    if (part !== "|" || isWithin(code, index)) continue;
    cells.push(inner.slice(start, index));
    start = index + 1;
  }
  if (start < inner.length) cells.push(inner.slice(start));
  return cells.map(textOf);
}

const UNEVEN = /\\\||\s\s|[^\S ]/;

function textOf(cell: string): string {
  const text = cell.trim();
  if (!UNEVEN.test(text)) return text;
  return text.replaceAll("\\|", "|").replace(/\s+/g, " ").trim();
}

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
