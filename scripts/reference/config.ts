/**
 * Writes the files that come from the config's schema: `docs/configuration.md` with the pages in
 * `docs/configuration/`, and the defaults of sections that a config lacks.
 *
 * With `--check`, it writes nothing, and fails if a file is out of date. So no key can be added
 * without its documentation (C4).
 */

import { DEFAULTS } from "../../src/config/schema/parts/defaults.ts";
import { sections } from "../../src/config/schema/parts/key.ts";
import { configurationPage, taskPages } from "./config_page.ts";
import { type GeneratedFile, updateGenerated } from "./generated.ts";

/** The files with their current texts. */
function generatedFiles(): readonly GeneratedFile[] {
  for (const name of Object.keys(DEFAULTS)) delete DEFAULTS[name]; // derives all anew
  return [
    { path: "docs/configuration.md", text: configurationPage() },
    ...Object.entries(taskPages()).map(([path, text]) => ({ path: `docs/${path}`, text })),
    { path: "src/config/schema/parts/defaults.ts", text: defaultsModule() },
  ];
}

/** The text of the module with the defaults. The pages have built all sections. */
function defaultsModule(): string {
  return [
    "// deno-fmt-ignore-file",
    "/**",
    " * Holds the defaults of the config's sections, which a start would take long to derive from their",
    " * schemas. Generated: deno run -A scripts/reference/config.ts",
    " */",
    "",
    "export const DEFAULTS: Record<string, unknown> = {",
    ...Array.from(
      sections,
      ([name, build]) => `  "${name}": ${JSON.stringify(build().parse({}))},`,
    ).toSorted(), // the order in which modules load depends on who imports them first
    "};",
    "",
  ].join("\n");
}

if (import.meta.main) {
  updateGenerated("scripts/reference/config.ts", generatedFiles());
}
