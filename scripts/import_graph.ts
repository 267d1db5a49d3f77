/**
 * Reads which file of the project imports which, and finds the modules that a start evaluates.
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

export interface Source {
  /** From the root, with slashes: `"src/core/inbound/inbox.ts"`. */
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

/** The modules that `barnacle run` loads one after the other until its IDENTIFY. */
export const BEFORE_IDENTIFY: readonly string[] = [
  "src/main.ts",
  "src/cli/app.ts",
  "src/features/features.ts",
  "src/cli/run/commands.ts",
  "src/cli/run/run.ts",
];

/** The modules that it loads once the IDENTIFY has left. */
export const AFTER_IDENTIFY: readonly string[] = [
  "src/bot/account/running.ts",
  "src/bot/process/tool_services.ts",
  "src/discord/gateway/read/reader.ts",
];

/** The static imports of a source that are more than types. */
export function staticImports(text: string): readonly string[] {
  const statements = text.matchAll(
    /^(?:import|export)\s+(?!type\b)([^;"]*?)\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"/gm,
  );
  return Array.from(statements).flatMap(([, names = "", from, bare]) => {
    const braces = /^\s*\{([^}]*)\}\s*$/.exec(names)?.[1];
    const isTypes = braces !== undefined &&
      braces.split(",").every((name) => /^\s*(?:type\s|$)/.test(name));
    return isTypes ? [] : [from ?? bare ?? ""];
  });
}

/**
 * All files and packages that the roots load.
 *
 * @param sources The sources by path.
 */
export function loadedBy(
  roots: readonly string[],
  sources: ReadonlyMap<string, Pick<Source, "text">>,
): ReadonlySet<string> {
  const loaded = new Set<string>();
  const waiting = [...roots];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    for (const specifier of staticImports(sources.get(path)?.text ?? "")) {
      waiting.push(specifier.startsWith(".") ? join(path, "..", specifier) : specifier);
    }
  }
  return loaded;
}
