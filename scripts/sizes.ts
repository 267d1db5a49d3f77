/**
 * Compares the sizes of the project with `tests/sizes.json`, so that it cannot grow unseen.
 *
 *     deno run -A scripts/sizes.ts                          prints each row that differs
 *     deno run -A scripts/sizes.ts --write                  lowers rows to the present size
 *     deno run -A scripts/sizes.ts --raise src/agent "why"  raises one row, with the reason
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { countStartModules, filesIn } from "./import_graph.ts";

const ROOT = join(import.meta.dirname!, "..");
const TABLE = join(ROOT, "tests", "sizes.json");

/** The row of modules that a start evaluates. */
const MODULES = "modules of a start";

/** The largest size of a row: lines, or modules. */
export interface SizeRow {
  readonly max: number;
  /** Why the row was raised last; absent: it never was. */
  readonly why?: string;
}

/** The present sizes: lines of each room of `src`, of tests and of docs, and modules of a start. */
export function presentSizes(): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const path of ["src", "tests", "docs"].flatMap((top) => filesIn(ROOT, top))) {
    const room = roomOf(path);
    if (room === undefined) continue;
    const lines = readFileSync(join(ROOT, path), "latin1").split("\n").length - 1;
    sizes.set(room, (sizes.get(room) ?? 0) + lines);
  }
  sizes.set(MODULES, countStartModules(ROOT));
  return new Map([...sizes].toSorted(([one], [other]) => one < other ? -1 : 1));
}

/**
 * The row of a file: `"src/policy"`, `"src/discord/gateway"`, `"src/extras/demo"`, `"src"` for the files
 * at its top, `"tests"` or `"docs"`; `undefined` for a file that no row counts.
 */
export function roomOf(path: string): string | undefined {
  const [top = "", ...folders] = path.split("/").slice(0, -1);
  if (top === "docs") return path.endsWith(".md") ? top : undefined;
  if (top === "tests") return path === "tests/sizes.json" ? undefined : top;
  const depth = folders[0] === "discord" || folders[0] === "extras" ? 2 : 1;
  return [top, ...folders.slice(0, depth)].join("/");
}

export function readSizes(): Readonly<Record<string, SizeRow>> {
  return JSON.parse(readFileSync(TABLE, "utf8"));
}

/** The table with each row lowered to its present size, and without the rows of deleted folders. */
export function lowered(
  table: Readonly<Record<string, SizeRow>>,
  present: ReadonlyMap<string, number>,
): Readonly<Record<string, SizeRow>> {
  return Object.fromEntries(
    Object.entries(table).flatMap(([room, row]) => {
      const size = present.get(room);
      if (size === undefined) return [];
      const max = Math.min(row.max, roundedUp(room, size));
      return [[room, max === row.max ? row : { ...row, max }]];
    }),
  );
}

/** Tests and docs grow with each change of a room, so their rows have room for some. */
function roundedUp(room: string, size: number): number {
  const step = room === "tests" || room === "docs" ? 500 : 1;
  return Math.ceil(size / step) * step;
}

function write(table: Readonly<Record<string, SizeRow>>): void {
  const sorted = Object.entries(table).toSorted(([one], [other]) => one < other ? -1 : 1);
  writeFileSync(TABLE, `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`);
}

if (import.meta.main) {
  const [mode, room = "", why = ""] = process.argv.slice(2);
  const present = presentSizes();
  const table = readSizes();
  if (mode === "--write") write(lowered(table, present));
  else if (mode === "--raise") {
    const size = present.get(room);
    if (size === undefined || why.trim() === "") throw new RangeError("name a row and the reason");
    write({ ...table, [room]: { max: roundedUp(room, size), why } });
  } else if (mode !== undefined) throw new RangeError(`unknown option ${mode}`);
  else {
    for (const [name, size] of present) {
      const max = table[name]?.max;
      if (max !== roundedUp(name, size)) {
        console.log(`${name}: ${size} (table: ${max ?? "no row"})`);
      }
    }
  }
}
