/**
 * `barnacle config import`: an `openclaw.json` as ours, and what it did not take over (C11).
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { importConfig } from "../../config/openclaw/import.ts";
import type { ImportNote } from "../../config/openclaw/rules.ts";
import { codeOf } from "../../lib/error_code.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { ConfigFlags } from "./show.ts";
import { checkAnywhere, writeText } from "./write.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { Io } from "../terminal/io.ts";
import { shown } from "../shared/read_config.ts";

export interface ImportFlags extends ConfigFlags {
  /** The file to make; without it the config goes to stdout. */
  readonly out?: string;
  /** Writes nothing, and only tells. */
  readonly dryRun: boolean;
}

/** What a note says first. */
const KINDS: Readonly<Record<ImportNote["kind"], string>> = {
  left: "not taken over",
  changed: "changed",
  invalid: "error",
};

/** Imports a file. The config goes to stdout or `--out`, what is said of it to stderr. */
export async function importFile(flags: ImportFlags, source: string, io: Io): Promise<ExitCode> {
  const { out, dryRun, json } = flags;
  if (out !== undefined && !dryRun && existsSync(resolve(io.cwd, out))) {
    io.err(`${printable(out)} is there already: give another --out, or move it away first`);
    return EXIT.failed;
  }
  let written: string;
  try {
    written = readFileSync(resolve(io.cwd, source), "utf8");
  } catch (cause) {
    io.err(`${printable(source)} cannot be read (${codeOf(cause) ?? "unknown reason"})`);
    return EXIT.failed;
  }

  const imported = await importConfig(written);
  const { notes } = imported;
  const file = out ?? "config.jsonc";
  const checked = imported.kind === "imported"
    ? await checkAnywhere(resolve(io.cwd, file), imported.text, io.env)
    : undefined;
  const problems = checked?.problems ?? []; // of one that is imported, too: who may be let in by it
  const ok = checked?.kind === "loaded";
  if (!json) {
    for (const note of notes) io.err(noteLine(source, note));
    if (ok && notes.length === 0) io.err("All of it was taken over");
    if (problems.length > 0) io.err(shown(problems, io));
    if (!ok) io.err("Nothing was imported");
  }
  if (imported.kind === "refused" || !ok) {
    if (json) io.out(JSON.stringify({ ok, notes, problems }));
    return EXIT.config;
  }

  const target = out === undefined || dryRun ? undefined : resolve(io.cwd, out);
  const saved = target === undefined
    ? undefined
    : writeText({ kind: "opened", file: target }, imported.text);
  if (saved?.kind === "unwritten") {
    io.err(saved.message);
    return saved.code;
  }
  if (json) {
    const text = target === undefined && !dryRun ? { text: imported.text } : {};
    const file = target === undefined ? {} : { file: target };
    io.out(JSON.stringify({ ok, ...file, ...text, notes, problems }));
  } else if (target !== undefined) io.err(`${printable(target)} is written`);
  else if (!dryRun) io.out(imported.text.trimEnd());
  return EXIT.done;
}

/** `openclaw.json:12: not taken over: channels.telegram: Barnacle is on Discord only`. */
function noteLine(file: string, { kind, path, line, why }: ImportNote): string {
  const at = line > 0 ? `${file}:${line}` : file;
  return printable(`${at}: ${KINDS[kind]}: ${path === "" ? "" : `${path}: `}${why}`);
}
