/**
 * Reads which file of the project imports which, for the architecture test and for the quick tests.
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

export interface Source {
  /** From the root, with slashes: `"src/core/inbound/verdict.ts"`. */
  readonly path: string;
  readonly text: string;
  /** Import specifiers as written, types and lazy imports included. */
  readonly specifiers: readonly string[];
  /** The imported files of the project, by path. */
  readonly imports: readonly string[];
}

const IS_SOURCE = /\.tsx?$/;

/** Reads the TypeScript files of some folders at the root. */
export function readSources(root: string, folders: readonly string[]): readonly Source[] {
  return folders.flatMap((folder) => filesIn(root, folder))
    .filter((path) => IS_SOURCE.test(path))
    .map((path): Source => {
      const text = readFileSync(join(root, path), "utf8");
      const specifiers = specifiersIn(text);
      const imports = specifiers
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => join(dirname(path), specifier).split(sep).join("/"))
        // By path, because Bun replaces the bare name `ws` by a shim.
        .filter((target) => IS_SOURCE.test(target) && !target.startsWith("node_modules/"));
      return { path, text, specifiers, imports };
    });
}

/** All files below a folder at the root, by path. */
export function filesIn(root: string, folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"));
}

/**
 * The import specifiers of a source: `from "…"`, `import "…"` and `import("…")`, each on one line or
 * several.
 */
export function specifiersIn(text: string): readonly string[] {
  return Array.from(
    text.matchAll(
      /^(?:import|export)\b[^;"]*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\(\s*"([^"]+)"/gm,
    ),
    ([, from, bare, lazy]) => from ?? bare ?? lazy ?? "",
  );
}
