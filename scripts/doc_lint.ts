/**
 * Checks with `deno doc --lint` that every exported symbol of the rooms in {@link ROOMS} is
 * documented, has explicit types, and uses exported types only.
 *
 * All files of `src` are entry points, since Deno takes a type as private if its file is none.
 * Findings outside the rooms do not count. The one argument is the project's root (default: this
 * project).
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { readSources, type Source } from "./import_graph.ts";

/** Rooms without findings. A room joins this list once its exports are documented. */
export const ROOMS: readonly string[] = [
  "src/agent",
  "src/core",
  "src/flows",
  "src/interactions",
  "src/lib",
  "src/policy",
  "src/render",
  "src/store",
];

/** One exported symbol that `deno doc --lint` complains about. */
export interface DocFinding {
  /** Path from the project's root, with slashes: `"src/lib/log.ts"`. */
  readonly path: string;
  /** The complaint as Deno prints it, with the line of code. */
  readonly text: string;
}

/**
 * Reads the output of `deno doc --lint`.
 *
 * A reference to a type of an npm package counts as private, too. No change of ours could mend that,
 * so findings about types that no source declares are left out.
 *
 * @param root Absolute path of the project's root, as the output has it.
 * @param rooms Folders whose findings count, with slashes and from the root.
 */
export function docFindings(
  output: string,
  root: string,
  rooms: readonly string[],
  sources: readonly Pick<Source, "text">[],
): readonly DocFinding[] {
  return output.split(/^(?=error\[)/m).flatMap((text): readonly DocFinding[] => {
    const [, file = ""] = /^\s*--> (.+?):\d+:\d+$/m.exec(text) ?? [];
    const path = file.replaceAll("\\", "/").replace(`${root.replaceAll("\\", "/")}/`, "");
    if (!rooms.some((room) => path.startsWith(`${room}/`))) return [];
    const [, type] = /references private type '(\w+)'/.exec(text) ?? [];
    if (type !== undefined && !sources.some((source) => declares(source.text, type))) return [];
    return [{ path, text: text.trimEnd() }];
  });
}

function declares(text: string, type: string): boolean {
  return new RegExp(`\\b(?:interface|type|class|const) ${type}\\b`).test(text);
}

/** Returns the exit code: 0 without findings, 1 with some, or if Deno checked nothing. */
function run(root: string): number {
  const sources = readSources(root, ["src"]);
  const args = ["doc", "--lint", ...sources.map(({ path }) => path)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  const output = `${stdout}${stderr}`;
  const hasFindings = /^error: Found \d+ documentation lint error/m.test(output);
  if (sources.length === 0 || (status !== 0 && !hasFindings)) {
    console.error(output);
    return 1;
  }
  const findings = docFindings(output, root, ROOMS, sources);
  for (const { text } of findings) console.error(`${text}\n`);
  if (findings.length > 0) console.error(`${findings.length} exports lack documentation`);
  return findings.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  const [root = join(import.meta.dirname ?? ".", "..")] = process.argv.slice(2);
  process.exitCode = run(root);
}
