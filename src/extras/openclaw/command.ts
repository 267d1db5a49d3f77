/**
 * `barnacle config import`: converts an `openclaw.json`, and lists the settings that it cannot convert
 * (C11).
 */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { importConfig } from "./import.ts";
import { unparsed } from "../../config/parse.ts";
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

  const imported = importConfig(written);
  if (imported.kind === "refused" && imported.fault) {
    const { offset, why: message } = imported.fault;
    const fault = unparsed(source, written)(
      { severity: "error", path: [], message, offset, length: 1 },
    );
    if (json) io.out(JSON.stringify({ ok: false, notes: [], problems: [fault] }));
    else io.err(`${problemsText([fault], io)}\n\nNothing imported.`);
    return EXIT.config;
  }
  const { notes } = imported;
  if (imported.kind === "imported" && !imported.hasDiscord) {
    // It is more often the wrong file than one to convert.
    io.problem(
      `${printable(source)} has no channels.discord, so nothing is imported; ` +
        'to import the rest, add "channels": { "discord": {} } to it',
    );
    return EXIT.failed;
  }
  if (!json) { for (const note of notes) io.err(noteLine(source, note)); }
  if (imported.kind === "refused") {
    if (json) io.out(JSON.stringify({ ok: false, notes, problems: [] }));
    else io.err("Nothing imported.");
    return EXIT.config;
  }
  const { text } = imported;
  const file = resolve(io.cwd, out ?? "config.jsonc");
  const { kind, problems } = await checkAnywhere(file, text, io.env); // a valid config may admit too many people
  const ok = kind === "loaded";
  if (!json && ok && notes.length === 0) io.err("All settings imported.");
  if (!json && problems.length > 0) io.err(problemsText(problems, io));
  const writes = out !== undefined && !dryRun;
  const saved = writes ? writeText({ kind: "opened", file }, text) : undefined;
  if (saved?.kind === "unwritten") {
    io.problem(saved.message);
    return saved.code;
  }
  if (json) {
    const where = writes ? { file } : dryRun ? {} : { text };
    io.out(JSON.stringify({ ok, ...where, notes, problems }));
  } else if (writes) {
    io.err(`Wrote ${printable(file)}${ok ? "" : "; the bot starts once its errors are corrected"}`);
  } else if (!dryRun) io.out(text.trimEnd());
  return ok ? EXIT.done : EXIT.config;
}

/** `openclaw.json:12: not imported: channels.telegram: Barnacle is on Discord only`. */
function noteLine(file: string, { kind, path, line, why }: ImportNote): string {
  const at = line > 0 ? `${file}:${line}` : file;
  return printable(`${at}: ${KINDS[kind]}: ${path === "" ? "" : `${path}: `}${why}`);
}
