/**
 * Reads the cells of one line of a Markdown table.
 *
 * @module
 */

export type Alignment = "left" | "center" | "right";

/** Of a cell of the delimiter row: `:--`, `:-:` or `--:`; left where it does not say. */
export function alignmentOf(cell: string): Alignment {
  if (!cell.endsWith(":")) return "left";
  return cell.startsWith(":") ? "center" : "right";
}

/** A pipe that a backslash escapes, code, or a pipe. */
const PART = /\\[\s\S]|(?<!`)(`{1,2})[^`]+\1(?!`)|\|/g;
const PLAIN_PART = /\\[\s\S]|\|/g;
const LINE_BREAK = /<br\s*\/?>/gi;

/**
 * The cells of a row, trimmed, with their pipes as they are meant.
 *
 * A pipe in code is text, as those who write it mean it, although GitHub's
 * Markdown wants it escaped; unless only the other reading gives the columns.
 *
 * @param columns How many there should be; 0 if nobody knows.
 */
export function cellsOf(row: string, columns: number): readonly string[] {
  const inner = row.trim();
  const first = splitAt(PART, inner);
  const second = first.length === columns ? first : splitAt(PLAIN_PART, inner);
  return second.length === columns ? second : first;
}

/** The cells of a row, of which no more may be than the head has: the last takes what is too much. */
export function rowOf(row: string, columns: number): readonly string[] {
  const cells = cellsOf(row, columns);
  if (cells.length <= columns) return cells;
  return [...cells.slice(0, columns - 1), cells.slice(columns - 1).join(" | ")];
}

function splitAt(pattern: RegExp, row: string): readonly string[] {
  const inner = row.startsWith("|") ? row.slice(1) : row;
  const cells = ESCAPING.test(inner) ? splitOutside(pattern, inner) : inner.split("|");
  const isClosed = cells.at(-1) === "";
  return (isClosed ? cells.slice(0, -1) : cells).map(textOf);
}

/** Where a row has none of these, each of its pipes ends a cell. */
const ESCAPING = /[\\`]/;

function splitOutside(pattern: RegExp, inner: string): readonly string[] {
  const cells: string[] = [];
  let start = 0;
  for (const { 0: part, index } of inner.matchAll(pattern)) {
    if (part !== "|") continue;
    cells.push(inner.slice(start, index));
    start = index + 1;
  }
  return [...cells, inner.slice(start)];
}

const UNEVEN = /\\\||<br|\s\s|[^\S ]/i;

/** Cells are in one line, so people write `<br>` for a new one. */
function textOf(cell: string): string {
  const text = cell.trim();
  if (!UNEVEN.test(text)) return text;
  return text.replaceAll("\\|", "|").replace(LINE_BREAK, " / ").replace(/\s+/g, " ").trim();
}
