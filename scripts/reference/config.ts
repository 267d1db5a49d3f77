/**
 * Writes the files that come from the config's schema: `config.example.jsonc`,
 * `docs/configuration.md` with the pages in `docs/configuration/`, and `docs/texts.md`.
 *
 * With `--check`, it writes nothing, and fails if a file is out of date. So no key can be added
 * without its documentation (C4).
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { exampleText } from "../../src/config/reference.ts";
import { configurationPage, taskPages, textsPage } from "./config_page.ts";

/** A file that this script writes. */
export interface GeneratedFile {
  /** Path from the project's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** The files with their current texts. */
export function generatedFiles(): readonly GeneratedFile[] {
  return [
    { path: "config.example.jsonc", text: exampleText("short") },
    { path: "docs/configuration.md", text: configurationPage() },
    ...Object.entries(taskPages()).map(([path, text]) => ({ path: `docs/${path}`, text })),
    { path: "docs/texts.md", text: textsPage() },
  ];
}

function main(): void {
  const root = join(import.meta.dirname ?? ".", "..", "..");
  for (const { path, text } of generatedFiles()) {
    const target = join(root, path);
    if (existsSync(target) && readFileSync(target, "utf8") === text) continue;
    if (process.argv.includes("--check")) {
      console.error(
        `${path} is out of date. To update it: deno run -A scripts/reference/config.ts`,
      );
      process.exitCode = 1;
    } else writeFileSync(target, text);
  }
}

if (import.meta.main) main();
