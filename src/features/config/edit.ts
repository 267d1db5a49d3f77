/** `barnacle config get`, `set` and `unset`. */

import {
  type Edited,
  isList,
  parsePath,
  positionOf,
  readTree,
  type Segment,
  setAt,
  unsetAt,
  valueAt,
} from "../../config/text/edit.ts";
import { parseConfig } from "../../config/parse.ts";
import { shortened } from "../../config/text/problem.ts";
import { configSchema } from "../../config/schema/root.ts";
import { nearestPath } from "../../config/checks/issues.ts";
import { docOf, schemaAt } from "../../config/schema/parts/key.ts";
import { pathText, printable } from "../../lib/text/quoted.ts";
import type { ConfigFlags } from "../../cli/shared/command.ts";
import {
  openConfig,
  type OpenedConfig,
  reportSaved,
  saveConfig,
  valueFor,
} from "../../cli/config/write.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { effectiveValues } from "../../config/schema/accounts.ts";
import { problemsText, readConfigLeniently, tellRefused } from "../../cli/shared/read_config.ts";

/** Prints the effective value at a path, defaults and inheritance included; of a secret, its source. */
export async function get(
  { config: flag, json }: ConfigFlags,
  typed: string,
  io: Io,
): Promise<ExitCode> {
  const read = parsePath(typed);
  if (read.kind === "problem") return usage(read.message, io);
  if (read.appends) return usage("[+] works with `config set` only", io);
  const loaded = await readConfigLeniently(flag, io.env);
  if (tellRefused(loaded, io)) return EXIT.config;
  const path = pathText(read.path);
  // As JSON, a secret is its source, without its value.
  const value = valueAt(JSON.parse(JSON.stringify(effectiveValues(loaded.written))), read.path);
  const isWritten = valueAt(loaded.written, read.path) !== undefined;
  const place = isWritten && loaded.text !== undefined ? positionOf(loaded.text, path) : undefined;
  if (json) {
    const { file } = loaded.config;
    io.out(JSON.stringify({ path, value, isWritten, ...(place && { file, ...place }) }));
    return value === undefined ? EXIT.failed : EXIT.done;
  }
  if (value !== undefined) {
    io.out(typeof value === "string" ? value : JSON.stringify(value, undefined, 2));
    return EXIT.done;
  }
  const schema = schemaAt(configSchema, read.path);
  const unset = schema && docOf(schema)?.unset;
  io.problem(
    schema
      ? `${printable(shortened(path))} is not set${
        unset === undefined ? "" : ` (default: ${unset})`
      }`
      : await unknownKey(read.path),
  );
  return schema ? EXIT.failed : EXIT.usage;
}

/** Writes a value, and prints the changes. */
export async function set(
  flags: ConfigFlags,
  { path: typedPath, value: typed }: { readonly path: string; readonly value: string },
  io: Io,
): Promise<ExitCode> {
  const read = parsePath(typedPath);
  if (read.kind === "problem") return usage(read.message, io);
  if (read.path.length === 0) return usage("the key is missing: the path is empty", io);
  const opened = openConfig(flags.config, io.env);
  if (opened.kind === "closed") return refuse(opened.problem.message, opened.problem.file, io);

  const path = read.appends ? [...read.path, lengthAt(opened, read.path)] : read.path;
  const value = valueFor(schemaAt(configSchema, path), typed);
  return await change(flags, opened, setAt(opened.text ?? "", path, value), io);
}

/** Removes a key from the file, so that its default applies. */
export async function unset(flags: ConfigFlags, typed: string, io: Io): Promise<ExitCode> {
  const read = parsePath(typed);
  if (read.kind === "problem") return usage(read.message, io);
  if (read.appends) return usage("[+] works with `config set` only", io);
  const opened = openConfig(flags.config, io.env);
  if (opened.kind === "closed") return refuse(opened.problem.message, opened.problem.file, io);
  if (opened.text === undefined) return refuse("no config file", undefined, io);
  const tree = readTree(opened.text);
  if (
    read.path.length > 0 && tree.kind === "tree" && valueAt(tree.value, read.path) === undefined
  ) {
    return await notSet(flags, opened.file, read.path, io);
  }
  return await change(flags, opened, unsetAt(opened.text, read.path), io);
}

/** Says that a key to remove is not in the file: that is the wanted state, unless it is misspelt. */
async function notSet(
  { json }: ConfigFlags,
  file: string,
  path: readonly Segment[],
  io: Io,
): Promise<ExitCode> {
  const name = printable(pathText(path));
  if (!schemaAt(configSchema, path)) return usage(await unknownKey(path), io);
  if (json) io.out(JSON.stringify({ ok: true, file, wrote: false }));
  else io.out(`${name} is not set in ${printable(file)}: nothing to remove`);
  return EXIT.done;
}

/** The message about a key that the schema does not have, with the nearest one. */
async function unknownKey(path: readonly Segment[]): Promise<string> {
  const { distance } = await import("fastest-levenshtein"); // only faulty commands need it
  const nearest = nearestPath(configSchema, path, distance);
  return printable(
    `unknown key ${shortened(pathText(path))}; ` +
      (nearest
        ? `did you mean ${pathText(nearest)}?`
        : "`barnacle config explain <words>` finds keys"),
  );
}

async function change(
  { json }: ConfigFlags,
  opened: OpenedConfig,
  edited: Edited,
  io: Io,
): Promise<ExitCode> {
  if (edited.kind === "refused") {
    const { file, text = "" } = opened;
    if (readTree(text).kind === "tree") return refuse(edited.message, file, io);
    io.err(problemsText((await parseConfig({ file, text })).problems, io));
    return EXIT.config;
  }
  return reportSaved(opened.file, await saveConfig(opened, edited.text, io.env), json, io);
}

/** The index that `[+]` stands for: the length of the list. */
function lengthAt({ text = "" }: OpenedConfig, path: readonly Segment[]): number {
  const tree = readTree(text);
  const list = tree.kind === "tree" ? valueAt(tree.value, path) : undefined;
  return isList(list) ? list.length : 0;
}

function usage(message: string, io: Io): ExitCode {
  io.problem(printable(message));
  return EXIT.usage;
}

function refuse(message: string, file: string | undefined, io: Io): ExitCode {
  io.err(problemsText([{ severity: "error", file, path: "", message }], io));
  return EXIT.config;
}
