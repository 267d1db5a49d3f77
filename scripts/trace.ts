/**
 * Rewrites the stack traces of a released binary to files and lines of the source.
 *
 * `deno run -A scripts/trace.ts linux-x64 < log` reads text from stdin, in a checkout of the commit
 * that `barnacle version` names. A released binary has no source maps: they would be 5.5 MB of each
 * download. The same commit gives the same chunks again, with their maps.
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { SourceMap } from "node:module";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import process from "node:process";

/** `"/$bunfs/root/main-f98y8mkf.js:12:345"`, on Windows `"B:\~BUN\root\…"`. */
const POSITION = /(?:\/\$bunfs\/root\/|B:[\\/]~BUN[\\/]root[\\/])([\w.-]+\.js):(\d+):(\d+)/g;

/**
 * Replaces the positions in chunks by positions in source files. A position that no map has stays.
 *
 * @param mapOf The map of a chunk by its name.
 */
export function withSources(
  text: string,
  mapOf: (chunk: string) => SourceMap | undefined,
): string {
  return text.replaceAll(POSITION, (found, chunk: string, line: string, column: string) => {
    const entry = mapOf(chunk)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (entry === undefined || !("originalSource" in entry)) return found;
    return `${normalize(entry.originalSource)}:${entry.originalLine + 1}:${
      entry.originalColumn + 1
    }`;
  });
}

/** Reads the maps of a folder, each once. */
function mapsIn(folder: string): (chunk: string) => SourceMap | undefined {
  const known = new Map<string, SourceMap | undefined>();
  return (chunk) => {
    if (!known.has(chunk)) {
      const path = join(folder, `${chunk}.map`);
      known.set(
        chunk,
        existsSync(path) ? new SourceMap(JSON.parse(readFileSync(path, "utf8"))) : undefined,
      );
    }
    return known.get(chunk);
  };
}

function main(target: string): void {
  const out = mkdtempSync(join(tmpdir(), "barnacle-trace-"));
  try {
    const compile = ["run", "-A", "--quiet", "scripts/compile.ts", target, "--maps"];
    execFileSync(process.execPath, [...compile, `--out=${out}`], { stdio: ["ignore", 2, 2] });
    const maps = mapsIn(join(out, "maps", `barnacle-${target}`));
    process.stdout.write(withSources(readFileSync(0, "utf8"), maps));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

if (import.meta.main) main(process.argv[2] ?? "linux-x64");
