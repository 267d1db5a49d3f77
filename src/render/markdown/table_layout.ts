/**
 * Lays out a table: as a code block with aligned columns, or as a list.
 *
 * @module
 */

import { displayWidth } from "./display_width.ts";
import type { Alignment } from "./table_cells.ts";

/** A table as it was read. */
export interface Table {
  /** Quote marks and indentation of its lines. */
  readonly prefix: string;
  readonly head: readonly string[];
  /** One each column. */
  readonly alignments: readonly Alignment[];
  /** A row may have fewer cells than the head, never more. */
  readonly rows: readonly (readonly string[])[];
}

/** Columns of a line that a window beside Discord's lists can show; a phone turned sideways too. */
const WIDEST = 80;
/** As in Markdown, a column has at least three dashes. */
const NARROWEST_COLUMN = 3;
/** In code a link cannot be followed, a mention is a number, and the marks of a block end it. */
const LOST_IN_CODE = /```|<(?:[@#:/]|a:|t:|id:)|https?:\/\//;

/** @returns Undefined where a code block would be too wide, or would lose something. */
export function asCode({ prefix, head, alignments, rows }: Table): string | undefined {
  const all = [head, ...rows];
  // A table of a thousand columns is not measured to know that it is too wide.
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

/** A longer name of a column is not said again in each row. */
const LONGEST_NAME = 200;
const BETWEEN = " · ";

/**
 * One bullet for each row, with the column's name before each cell; in one
 * line where all of them are short.
 *
 * @returns Undefined where the names of the columns are no names.
 */
export function asBullets({ prefix, head, rows }: Table): string | undefined {
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

function boldOf(text: string): string {
  const isBold = /^\*\*[^*]+\*\*$/.test(text);
  return isBold ? text : `**${text.replaceAll("**", "")}**`;
}
