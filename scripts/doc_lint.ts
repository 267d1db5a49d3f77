/**
 * Checks with `deno doc --lint` that exported symbols of `src` have explicit types, that exported types
 * use exported types only, and that members have docs where names and types do not say all
 * ({@link explainsItself}). Each module of `src` opens with its purpose.
 *
 * All files of `src` and `simulator` are entry points, since Deno takes a type as private if its file
 * is none. Findings of `simulator` do not count. The one argument is the project's root (default:
 * this project).
 */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { readSources, type Source } from "./import_graph.ts";

/** Folders whose exports are documented. */
export const FOLDERS: readonly string[] = ["src"];

/** Zod schemas, beside those that a line shows, and tables: their types are inferred. */
const SCHEMAS: readonly string[] = [
  "src/config/schema/",
  "src/discord/gateway/decode/",
  "src/mcp/oauth/provider.ts",
  "src/store/schema/",
];

/** Names that say the unit of a number, or an id, a port or a count. */
const SAYS_UNIT =
  /(?:Ms|At|Sec|Bytes|Tokens|Chars|Id|Count)$|^(?:now|at|ms|bytes|tokens|id|port|pid|count)$/;

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
 * A reference to a type of an npm package counts as private, too. This project cannot fix that, so
 * findings about types that no source declares are left out. So are those about functions: a type
 * that only one function takes needs no other reader than its module.
 *
 * @param root Absolute path of the project's root, as in the output.
 * @param folders Folders whose findings count, with slashes and from the root.
 */
function docFindings(
  output: string,
  root: string,
  folders: readonly string[],
  sources: readonly Pick<Source, "path" | "text">[],
): readonly DocFinding[] {
  return output.split(/^(?=error\[)/m).flatMap((text): readonly DocFinding[] => {
    const [, file = ""] = /^\s*--> (.+?):\d+:\d+$/m.exec(text) ?? [];
    const path = file.replaceAll("\\", "/").replace(`${root.replaceAll("\\", "/")}/`, "");
    if (!folders.some((folder) => path.startsWith(`${folder}/`))) return [];
    if (text.startsWith("error[missing-jsdoc]") && explainsItself(text)) return [];
    if (text.startsWith("error[missing-return-type]") && FACTORY.test(text)) return [];
    const isSchema = SCHEMAS.some((schema) => path.startsWith(schema)) ||
      /^src\/features\/\w+\/config\.ts$/.test(path) || / = (?:z\.|table\()/.test(text);
    if (isSchema && /^error\[missing-(?:explicit|return)-type\]/.test(text)) return [];
    const [, user = "", type] = /type '(.+?)' references private type '([\w$]+)'/.exec(text) ?? [];
    if (/^[a-z]\w*$/.test(user)) return []; // a function
    if (/^[A-Z][A-Z_]*$/.test(type ?? "")) return []; // a table, whose keys make the type
    if (type !== undefined && !sources.some((source) => declares(source.text, type))) return [];
    return [{ path, text: text.trimEnd() }];
  });
}

/** A function whose returned object is the one place of its contract: its type is inferred. */
const FACTORY =
  /\| export (?:async )?function ((?:create|start|open|prepare|connect|load)\w*)(?:<.+>)?\(/;

/**
 * Tells whether the finding is about a declaration whose name and type may say all. Numbers without a
 * unit in their names, and members that may be absent, need a doc: it says the unit, or what absence
 * means. Of the others a reader decides.
 */
function explainsItself(text: string): boolean {
  const [, name = "", optional, type] =
    /^ *\d+ \| +(?:readonly )?([\w$]+)(\??):(.*)$/m.exec(text) ?? [];
  if (type === undefined) return true;
  if (optional || /\b(?:undefined|null)\b/.test(type.replace(/\(.*\) => /, ""))) return false;
  return type !== " number;" || SAYS_UNIT.test(name);
}

/** A type that a module exports is never private, since every module is an entry point. */
function declares(text: string, type: string): boolean {
  return new RegExp(`^(?:abstract )?(?:interface|type|class|const) ${type}\\b`, "m").test(text);
}

/** Modules that open with no comment about the module, which a blank line ends. */
function withoutModuleDoc(
  sources: readonly Pick<Source, "path" | "text">[],
  folders: readonly string[],
): readonly DocFinding[] {
  return sources
    .filter(({ path, text }) =>
      folders.some((folder) => path.startsWith(`${folder}/`)) && !path.endsWith(".d.ts") &&
      !/^(?:(?:#!|\/\/).*\n)*\/\*\*(?:\n \*)? [^@*](?:(?!\*\/)[^])*\*\/\n\n/.test(text)
    )
    .map(({ path }) => ({ path, text: `${path} opens with no comment about the module` }));
}

/** Returns the exit code: 0 without findings, 1 with some, or if Deno checked nothing. */
function run(root: string): number {
  const sources = readSources(
    root,
    ["src", "simulator"].filter((top) => existsSync(join(root, top))),
  );
  const args = ["doc", "--lint", ...sources.map(({ path }) => path)];
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: Infinity, // each finding names the root's path, also those that do not count
    env: { ...process.env, NO_COLOR: "1" },
  });
  const output = `${stdout}${stderr}`;
  const hasFindings = /^error: Found \d+ documentation lint error/m.test(output);
  if (sources.length === 0 || (status !== 0 && !hasFindings)) {
    console.error(error ?? output);
    return 1;
  }
  const findings = [
    ...withoutModuleDoc(sources, FOLDERS),
    ...docFindings(output, root, FOLDERS, sources),
  ];
  for (const { text } of findings) console.error(`${text}\n`);
  if (findings.length > 0) {
    console.error(`${findings.length} exports or modules lack documentation`);
  }
  return findings.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  const [root = join(import.meta.dirname ?? ".", "..")] = process.argv.slice(2);
  process.exitCode = run(root);
}
