/**
 * Formats a table as a code block with aligned columns, or as a list.
 *
 * @module
 */

import { displayWidth } from "./display_width.ts";
import type { Alignment } from "./table_cells.ts";

/** A parsed table. */
export interface Table {
  /** Quote marks and indentation of its lines. */
  readonly prefix: string;
  /** Cells of the head. */
  readonly head: readonly string[];
  /** One alignment for each column. */
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
 * Text that code would break: people cannot follow a link there, a mention is a number, and three
 * backticks end the block.
 */
const LOST_IN_CODE = /```|<(?:[@#:/]|a:|t:|id:)|https?:\/\//;

/**
 * Formats a table as a code block.
 *
 * @returns `undefined` if the block would be too wide, or would break something.
 */
export function asCode({ prefix, head, alignments, rows }: Table): string | undefined {
  const all = [head, ...rows];
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
