/**
 * Writes the files that come from the config's schema: `docs/configuration.md` with the pages in `docs/configuration/`.
 *
 * With `--check`, it writes nothing, and fails if a file is out of date. So no key can be added
 * without its documentation (C4).
 */

import { configurationPage, taskPages } from "./config_page.ts";
import { type GeneratedFile, updateGenerated } from "./generated.ts";

/** The files with their current texts. */
export function generatedFiles(): readonly GeneratedFile[] {
  return [
    { path: "docs/configuration.md", text: configurationPage() },
    ...Object.entries(taskPages()).map(([path, text]) => ({ path: `docs/${path}`, text })),
  ];
}

if (import.meta.main) {
  updateGenerated("scripts/reference/config.ts", generatedFiles());
}
