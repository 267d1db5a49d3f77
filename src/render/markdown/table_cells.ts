/**
 * Reads the cells of one line of a Markdown table.
 *
 * @module
 */

/** Alignment of a column. */
export type Alignment = "left" | "center" | "right";

/** The alignment of a cell in the delimiter row: `:--`, `:-:` or `--:`; left by default. */
export function alignmentOf(cell: string): Alignment {
  if (!cell.endsWith(":")) return "left";
  return cell.startsWith(":") ? "center" : "right";
}

/** An escaped character, code, or a pipe. */
const PART = /\\[\s\S]|(?<!`)(`{1,2})[^`]+\1(?!`)|\|/g;
const PLAIN_PART = /\\[\s\S]|\|/g;
const LINE_BREAK = /<br\s*\/?>/gi;

/**
 * The cells of a row, trimmed and with unescaped pipes.
 *
 * A pipe in code is text, because authors mean it so, although GitHub's Markdown requires an
 * escape. If only the other reading gives the expected number of columns, that reading counts.
 *
 * @param columns Expected number of cells; 0 if unknown.
 */
export function cellsOf(row: string, columns: number): readonly string[] {
  const inner = row.trim();
  const first = splitAt(PART, inner);
  const second = first.length === columns ? first : splitAt(PLAIN_PART, inner);
  return second.length === columns ? second : first;
}

/** The cells of a row, at most as many as in the head. The last cell contains the rest. */
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

/** If a row contains none of these, each of its pipes ends a cell. */
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

/** The text of a cell on one line. Authors write `<br>` for a new line in a cell. */
function textOf(cell: string): string {
  const text = cell.trim();
  if (!UNEVEN.test(text)) return text;
  return text.replaceAll("\\|", "|").replace(LINE_BREAK, " / ").replace(/\s+/g, " ").trim();
}
