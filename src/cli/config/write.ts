/**
 * Writing the config file: only what the loader takes, only over what was read (C10).
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { type Change, planReload } from "../../config/changes.ts";
import type { Loaded } from "../../config/load.ts";
import { locateConfig } from "../../config/locate.ts";
import type { Problem } from "../../config/text/problem.ts";
import { replaceFile, WriteError } from "../../host/files/write_file.ts";
import { codeOf } from "../../lib/error_code.ts";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { Env, Io } from "../terminal/io.ts";
import { checkConfig, shown } from "../shared/read_config.ts";

/** The file that is to be changed, as it was read. */
export interface OpenedConfig {
  readonly kind: "opened";
  readonly file: string;
  /** Absent where there is no file yet. */
  readonly text?: string;
}

/** There is no file to change; the problem says why. */
export interface ClosedConfig {
  readonly kind: "closed";
  readonly problem: Problem;
}

/** Reads the config file; where there is none anywhere, the user's own is the one to be made. */
export function openConfig(flag: string | undefined, env: Env): OpenedConfig | ClosedConfig {
  const located = locateConfig(flag, env, existsSync);
  if (located.kind === "missing") {
    return closed(located.path, `There is no such file, and ${located.named} names it`);
  }
  if (located.kind === "none") {
    const [here = "./config.jsonc", home] = located.looked;
    return { kind: "opened", file: located.looked.length > 2 && home ? home : here };
  }
  try {
    return { kind: "opened", file: located.path, text: readFileSync(located.path, "utf8") };
  } catch (cause) {
    const why = codeOf(cause) ?? "unknown reason";
    return closed(located.path, `The file cannot be read: ${why}`);
  }
}

function closed(file: string, message: string): ClosedConfig {
  return { kind: "closed", problem: { severity: "error", file, path: "", message } };
}

/** What writing came to. */
export type Saved =
  | {
    readonly kind: "saved";
    readonly changes: readonly Change[];
    /** Warnings that the file had not before: of a secret that others may read, for one. */
    readonly problems: readonly Problem[];
    readonly backup?: string;
  }
  | { readonly kind: "unchanged" }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] }
  | { readonly kind: "unwritten"; readonly code: ExitCode; readonly message: string };

/** Writes a text in the place of the one that was read, if Barnacle would start with it. */
export async function saveConfig(opened: OpenedConfig, text: string, env: Env): Promise<Saved> {
  const after = await checkAnywhere(opened.file, text, env);
  if (after.kind === "refused") return { kind: "invalid", problems: after.problems };
  if (text === opened.text) return { kind: "unchanged" };
  const before = await checkAnywhere(opened.file, opened.text ?? "{}", env);
  const written = writeText(opened, text);
  if (written.kind === "unwritten") return written;
  const changes = before.kind === "loaded" ? planReload(before, after).changes : [];
  const known = new Set(before.problems.map(wordsOf));
  const problems = after.problems.filter((one) => !known.has(wordsOf(one)));
  return { ...written, kind: "saved", changes, problems };
}

/** What a problem is known by, wherever its line has gone. */
function wordsOf({ path, message }: Problem): string {
  return `${path}: ${message}`;
}

/** Writes a text, whatever it says. */
export function writeText(
  { file, text: expected }: OpenedConfig,
  text: string,
): { readonly kind: "written"; readonly backup?: string } | Saved & { readonly kind: "unwritten" } {
  try {
    const { backup } = replaceFile({ path: file, text, expected });
    return { kind: "written", ...(backup !== undefined && { backup }) };
  } catch (error) {
    if (!(error instanceof WriteError)) throw error;
    const code = error.kind === "changed" ? EXIT.tryAgain : EXIT.io;
    const message = `${printable(error.message)}; ` +
      (error.kind === "changed" ? "try again" : "it is as it was");
    return { kind: "unwritten", code, message };
  }
}

/** Tells what became of it. */
export function report(file: string, saved: Saved, json: boolean, io: Io): ExitCode {
  const code = codeFor(saved);
  if (json) {
    const { kind, ...rest } = saved;
    io.out(JSON.stringify({ ok: code === EXIT.done, file, wrote: kind === "saved", ...rest }));
    return code;
  }
  switch (saved.kind) {
    case "invalid":
      io.err(`${shown(saved.problems, io)}\n\n${printable(file)} is as it was`);
      break;
    case "unwritten":
      io.err(saved.message);
      break;
    case "unchanged":
      io.out(`${printable(file)} is as it was: there is nothing to change`);
      break;
    case "saved":
      for (const change of saved.changes) io.out(changeLine(change));
      if (saved.problems.length > 0) io.err(`${shown(saved.problems, io)}\n`);
      io.err(`${printable(file)} is written${beside(saved.backup)}`);
  }
  return code;
}

function codeFor(saved: Saved): ExitCode {
  if (saved.kind === "invalid") return EXIT.config;
  return saved.kind === "unwritten" ? saved.code : EXIT.done;
}

function beside(backup: string | undefined): string {
  return backup === undefined ? "" : `; what it was is in ${printable(basename(backup))}`;
}

/** `channels.discord.historyLimit: 20 → 30`. */
export function changeLine({ path, from, to, takesEffect }: Change): string {
  const what = from === undefined
    ? `is ${to} now`
    : to === undefined
    ? `is gone, it was ${from}`
    : `${from} → ${to}`;
  return printable(`${path}: ${what}${EFFECTS[takesEffect]}`);
}

const EFFECTS: Readonly<Record<Change["takesEffect"], string>> = {
  now: "",
  reconnect: " (the bot connects anew for it)",
  restart: " (from the next start on)",
};

/**
 * Checks a text where the environment of the service may not be: a secret that is not to be had
 * here is taken to be there.
 */
export function checkAnywhere(file: string, text: string, env: Env): Promise<Loaded> {
  return checkConfig({ file, text }, env, { isElsewhere: true });
}
