/**
 * Lays help texts out in 80 columns: headings, paragraphs and lists of terms.
 *
 * @module
 */

import { wrapped } from "../../lib/text/cut.ts";
import type { Style } from "../terminal/style.ts";

/** Columns of a help text. */
export const WIDTH = 80;

const INDENT = "  ";
const GAP = 2;

/** Columns that a term may take; the text of a longer one starts on the next line. */
const MAX_TERM = 26;

/** A term and its explanation: `["--json", "Print the result as JSON"]`. */
export type Row = readonly [term: string, text: string];

/** A heading and its list, after an empty line; nothing for an empty list. */
export function section(title: string, rows: readonly Row[], style: Style): readonly string[] {
  return rows.length === 0 ? [] : ["", style.bold(`${title}:`), ...list(rows)];
}

function list(rows: readonly Row[]): readonly string[] {
  const width = Math.min(MAX_TERM, Math.max(...rows.map(([term]) => term.length)));
  const left = INDENT.length + width + GAP;
  return rows.flatMap(([term, text]) => {
    const [first = "", ...rest] = wrapped(text, WIDTH - left);
    const below = rest.map((line) => " ".repeat(left) + line);
    return term.length > width
      ? [INDENT + term, " ".repeat(left) + first, ...below]
      : [INDENT + term.padEnd(width + GAP) + first, ...below];
  });
}
