/**
 * Names the config section without which a tool does not exist.
 *
 * @module
 */

/** The sections of such tools, by the tools' names. */
const SECTIONS: Readonly<
  Record<string, { readonly section: string; readonly field: "exec" | "search" | "draw" }>
> = {
  exec: { section: "exec", field: "exec" },
  process: { section: "exec", field: "exec" },
  web_search: { section: "search", field: "search" },
  draw: { section: "tools.draw", field: "draw" },
};

/** The missing section of a tool; `undefined` if the config has everything for it. */
export function missingSection(
  tool: string,
  config: { readonly exec?: unknown; readonly search?: unknown; readonly draw?: unknown },
): string | undefined {
  const needed = Object.hasOwn(SECTIONS, tool) ? SECTIONS[tool] : undefined;
  return needed && config[needed.field] === undefined ? needed.section : undefined;
}
