/** Writes generated files, or says with `--check` which ones are out of date. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** The project's folder. */
export const ROOT: string = join(import.meta.dirname ?? ".", "..", "..");

/** A generated file; its path is from the root. */
export interface GeneratedFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Brings files up to date. With `--check`, it changes nothing, and the process ends with 1 if one is not.
 *
 * @param script The script that generates them, from the root.
 */
export function updateGenerated(script: string, files: readonly GeneratedFile[]): void {
  for (const { path, text } of files) {
    const target = join(ROOT, path);
    if (existsSync(target) && readFileSync(target, "utf8") === text) continue;
    if (process.argv.includes("--check")) {
      console.error(`${path} is out of date. To update it: deno run -A ${script}`);
      process.exitCode = 1;
    } else writeFileSync(target, text);
  }
}
