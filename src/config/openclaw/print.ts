/**
 * Writes an imported config: JSON, with the comments of the entries that were carried.
 *
 * @module
 */

import { isList, isRecord } from "../text/tree.ts";
import { type Mark, markAt } from "./read.ts";

/** A value without comments stays on one line, up to so many characters. */
const WIDTH = 100;

/** The text of a file, with a line break at its end. */
export function printed(
  value: unknown,
  { head = [], tail = [] }: {
    readonly head?: readonly string[];
    readonly tail?: readonly string[];
  } = {},
): string {
  return [...head, onLines(value, "", []), ...tail, ""].join("\n");
}

function entriesOf(value: unknown): readonly (readonly [name: string, unknown, Mark])[] {
  if (isList(value)) return value.map((inner, index) => ["", inner, markAt(value, index)]);
  if (!isRecord(value)) return [];
  return Object.entries(value).filter(([, inner]) => inner !== undefined).map((
    [key, inner],
  ) => [`${JSON.stringify(key)}: `, inner, markAt(value, key)]);
}

/** On one line; `undefined` if a comment stands within. */
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

function onLines(value: unknown, indent: string, beside: readonly string[]): string {
  const deeper = `${indent}  `;
  const entries = entriesOf(value);
  const lines = entries.flatMap(([name, inner, mark], index) => {
    const comma = index < entries.length - 1 ? "," : "";
    const short = onOneLine(inner);
    const isShort = short !== undefined && deeper.length + name.length + short.length < WIDTH;
    const notes = mark.beside.map((note) => ` ${note}`).join("");
    const text = isShort ? short + comma + notes : onLines(inner, deeper, mark.beside) + comma;
    return [...mark.above, name + text, ...mark.below].map((line) => deeper + line);
  });
  const [open, close] = isList(value) ? ["[", "]"] : ["{", "}"];
  if (lines.length === 0) return open + close;
  const notes = beside.map((note) => ` ${note}`).join("");
  return [`${open}${notes}`, ...lines, `${indent}${close}`].join("\n");
}
