/**
 * Writes an imported config: JSON, with the comments of the imported entries.
 *
 * @module
 */

import { isList, isRecord } from "../text/tree.ts";
import { type Mark, markAt, UNMARKED } from "./read.ts";

/** Maximum length of a line; a shorter value without comments stays on one line. */
const WIDTH = 100;

/** The text of a file, with a line break at its end. */
export function printed(value: unknown, { above, beside, below }: Mark = UNMARKED): string {
  return [...above, written(value, "", WIDTH, beside, ""), ...below, ""].join("\n");
}

function entriesOf(value: unknown): readonly (readonly [name: string, unknown, Mark])[] {
  if (isList(value)) return value.map((inner, index) => ["", inner, markAt(value, index)]);
  if (!isRecord(value)) return [];
  return Object.entries(value).filter(([, inner]) => inner !== undefined).map((
    [key, inner],
  ) => [`${JSON.stringify(key)}: `, inner, markAt(value, key)]);
}

/** On one line; `undefined` if it contains a comment. */
function onOneLine(value: unknown): string | undefined {
  if (!isList(value) && !isRecord(value)) return JSON.stringify(value) ?? "null";
  const parts: string[] = [];
  for (const [name, inner, { above, beside, below }] of entriesOf(value)) {
    const text = onOneLine(inner);
    if (text === undefined || above.length + beside.length + below.length > 0) return undefined;
    parts.push(name + text);
  }
  if (isList(value)) return `[${parts.join(", ")}]`;
  return parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
}

/**
 * @param column Columns that its line has used; for the whole file, all.
 */
function written(
  value: unknown,
  indent: string,
  column: number,
  beside: readonly string[],
  comma: string,
): string {
  const notes = beside.map((note) => ` ${note}`).join("");
  const entries = entriesOf(value);
  const short = onOneLine(value);
  const fits = entries.length === 0 || (short && column + short.length < WIDTH);
  if (short !== undefined && fits) return `${short}${comma}${notes}`;
  const deeper = `${indent}  `;
  const lines = entries.flatMap(([name, inner, mark], index) => {
    const end = index < entries.length - 1 ? "," : "";
    const text = written(inner, deeper, deeper.length + name.length, mark.beside, end);
    return [...mark.above, name + text, ...mark.below].map((line) => deeper + line);
  });
  const [open, close] = isList(value) ? ["[", "]"] : ["{", "}"];
  return [`${open}${notes}`, ...lines, `${indent}${close}${comma}`].join("\n");
}
