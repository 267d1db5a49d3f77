/**
 * `barnacle config import`: converts an `openclaw.json`, and lists the settings that it cannot convert
 * (C11).
 */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { importConfig } from "./import.ts";
import type { ImportNote } from "./rules.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { ConfigFlags } from "../../cli/shared/command.ts";
import { checkAnywhere, writeText } from "../../cli/config/write.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { problemsText, readConfigText, whyUnreadable } from "../../cli/shared/read_config.ts";

export interface ImportFlags extends ConfigFlags {
  /** Path of the file to create; stdout if absent. */
  readonly out?: string;
  /** Writes no config, only the list. */
  readonly dryRun: boolean;
}

const KINDS: Readonly<Record<ImportNote["kind"], string>> = {
  left: "not imported",
  changed: "changed",
  invalid: "error",
};

/** Imports a file: the config goes to stdout or `--out`, notes go to stderr. */
export async function importFile(flags: ImportFlags, source: string, io: Io): Promise<ExitCode> {
  const { out, dryRun, json } = flags;
  if (out !== undefined && !dryRun && existsSync(resolve(io.cwd, out))) {
    io.problem(`${printable(out)} already exists: choose another --out, or remove it`);
    return EXIT.failed;
  }
  let written: string;
  try {
    written = readConfigText(resolve(io.cwd, source));
  } catch (cause) {
    io.problem(`cannot read ${printable(source)}: ${whyUnreadable(cause)}`);
    return EXIT.failed;
  }

  const imported = await importConfig(written);
  const { notes } = imported;
  if (imported.kind === "imported" && !imported.hasDiscord) {
    return withoutDiscord(flags, source, notes, io);
  }
  const file = out ?? "config.jsonc";
  const checked = imported.kind === "imported"
    ? await checkAnywhere(resolve(io.cwd, file), imported.text, io.env)
    : undefined;
  const problems = checked?.problems ?? []; // warnings, too: a valid config may admit too many people
  const ok = checked?.kind === "loaded";
  if (!json) {
    for (const note of notes) io.err(noteLine(source, note));
    if (ok && notes.length === 0) io.err("All settings imported.");
    if (problems.length > 0) io.err(problemsText(problems, io));
    if (!ok) io.err("Nothing imported.");
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
    io.problem(saved.message);
    return saved.code;
  }
  if (json) {
    const text = target === undefined && !dryRun ? { text: imported.text } : {};
    const file = target === undefined ? {} : { file: target };
    io.out(JSON.stringify({ ok, ...file, ...text, notes, problems }));
  } else if (target !== undefined) io.err(`Wrote ${printable(target)}`);
  else if (!dryRun) io.out(imported.text.trimEnd());
  return EXIT.done;
}

/** A file that is not about Discord is more often the wrong file than one to convert. */
function withoutDiscord(
  { json }: ImportFlags,
  source: string,
  allNotes: readonly ImportNote[],
  io: Io,
): ExitCode {
  const notes = allNotes.filter(({ kind }) => kind !== "changed"); // nothing is imported
  if (json) io.out(JSON.stringify({ ok: false, notes, problems: [] }));
  else for (const note of notes) io.err(noteLine(source, note));
  io.problem(
    `${printable(source)} has no channels.discord, so nothing is imported; ` +
      'to import the rest, add "channels": { "discord": {} } to it',
  );
  return EXIT.failed;
}

/** `openclaw.json:12: not imported: channels.telegram: Barnacle is on Discord only`. */
function noteLine(file: string, { kind, path, line, why }: ImportNote): string {
  const at = line > 0 ? `${file}:${line}` : file;
  return printable(`${at}: ${KINDS[kind]}: ${path === "" ? "" : `${path}: `}${why}`);
}
