/**
 * Lays the rows of a table out in columns of the terminal.
 *
 * Names come from Discord, and may be Japanese or an emoji. So a cell's width is its columns on the
 * screen, not its letters, and no cell may move the cursor.
 *
 * @module
 */

import { displayWidth, graphemesOf } from "../../render/markdown/graphemes.ts";
import { printable } from "../../lib/text/quoted.ts";

const GAP = "  ";

/**
 * Aligns all cells of a column; the last one is not padded.
 *
 * @param maxWidths Widest cell of each column, in columns of the screen; a longer cell is cut.
 * `undefined` sets no limit.
 * @returns Lines without spaces at their ends.
 */
export function inColumns(
  rows: readonly (readonly string[])[],
  maxWidths: readonly (number | undefined)[] = [],
): readonly string[] {
  const cells = rows.map((row) => row.map((cell, at) => fitted(printable(cell), maxWidths[at])));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [at, cell] of row.entries()) {
      widths[at] = Math.max(widths[at] ?? 0, displayWidth(cell));
    }
  }
  return cells.map((row) =>
    row.map((cell, at) => padded(cell, widths[at] ?? 0)).join(GAP).trimEnd()
  );
}

/** Pads a text with spaces to a width in columns of the screen. */
export function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

function fitted(text: string, maxWidth: number | undefined): string {
  if (maxWidth === undefined || displayWidth(text) <= maxWidth) return text;
  let kept = "";
  let width = 0;
  for (const grapheme of graphemesOf(text)) {
    width += displayWidth(grapheme);
    if (width >= maxWidth) break;
    kept += grapheme;
  }
  return `${kept}…`;
}
