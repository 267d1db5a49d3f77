/**
 * Rows of a table in columns, as a terminal shows them.
 *
 * Names come from Discord, and may be Japanese or an emoji: what a text takes is counted in columns
 * of the screen, not in letters, and nothing in it may move the cursor.
 *
 * @module
 */

import { displayWidth } from "../../render/markdown/display_width.ts";
import { graphemesOf } from "../../render/markdown/graphemes.ts";
import { printable } from "../../lib/text/quoted.ts";

const GAP = "  ";

/**
 * Lays rows out; the last column is as long as it is.
 *
 * @param most Columns of the screen that one cell may take, by its place in the row; what is longer
 * is cut. Without one it takes what it needs.
 * @returns Lines without spaces at their ends.
 */
export function inColumns(
  rows: readonly (readonly string[])[],
  most: readonly (number | undefined)[] = [],
): readonly string[] {
  const cells = rows.map((row) => row.map((cell, at) => fitted(printable(cell), most[at])));
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

/** Filled up with spaces to a width. */
export function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

function fitted(text: string, most: number | undefined): string {
  if (most === undefined || displayWidth(text) <= most) return text;
  let kept = "";
  let width = 0;
  for (const grapheme of graphemesOf(text)) {
    width += displayWidth(grapheme);
    if (width >= most) break;
    kept += grapheme;
  }
  return `${kept}…`;
}
