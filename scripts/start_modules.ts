/**
 * Finds the modules that `barnacle run` evaluates, by the static imports of its roots: the test of a
 * start lists its parts, and the table of sizes holds its count.
 */

import { join } from "node:path";
import { readSources, type Source } from "./import_graph.ts";

/** The modules that `barnacle run` loads one after the other until its IDENTIFY. */
export const BEFORE_IDENTIFY: readonly string[] = [
  "src/main.ts",
  "src/cli/app.ts",
  "src/cli/run/commands.ts",
  "src/cli/run/run.ts",
];

/** The modules that it loads once the IDENTIFY has left. */
export const AFTER_IDENTIFY: readonly string[] = [
  "src/bot/account/running.ts",
  "src/bot/process/tool_services.ts",
  "src/discord/gateway/read/reader.ts",
];

/** The modules that the first reply needs beside them: the gateway thread's and a model's wire. */
const UNTIL_REPLY: readonly string[] = ["src/worker.ts", "src/providers/chat_completions.ts"];

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

/** Counts the modules of `src` that a start evaluates until its first reply, in both threads. */
export function countStartModules(root: string): number {
  const sources = new Map(readSources(root, ["src"]).map((source) => [source.path, source]));
  const loaded = loadedBy([...BEFORE_IDENTIFY, ...AFTER_IDENTIFY, ...UNTIL_REPLY], sources);
  return [...loaded].filter((path) => sources.has(path)).length;
}
