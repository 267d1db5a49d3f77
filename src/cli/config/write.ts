/**
 * Writes the config file: only a valid config, and only if no one changed the file meanwhile (C10).
 */

import { basename } from "node:path";
import { z } from "zod";
import type { Env } from "../../lib/env.ts";
import { type KeyChange, planReload } from "../../config/changes.ts";
import type { Loaded } from "../../config/load.ts";
import type { Problem } from "../../config/text/problem.ts";
import { readTyped } from "../../config/text/edit.ts";
import type { Schema } from "../../config/schema/parts/key.ts";
import { replaceFile, WriteError } from "../../host/files/write_file.ts";
import { bounded, printable } from "../../lib/text/quoted.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { Io } from "../terminal/io.ts";
import {
  checkConfig,
  findConfig,
  problemsText,
  readConfigText,
  whyUnreadable,
} from "../shared/read_config.ts";

export interface OpenedConfig {
  readonly kind: "opened";
  readonly file: string;
  /** Absent if the file does not exist yet. */
  readonly text?: string;
}

/**
 * Reads the config file. If there is none, the file to create is the one in the user's home.
 *
 * @returns `closed`: no file can be changed; the problem says why.
 */
export function openConfig(
  flag: string | undefined,
  env: Env,
): OpenedConfig | { readonly kind: "closed"; readonly problem: Problem } {
  const found = findConfig(flag, env);
  if ("problem" in found) return { kind: "closed", ...found };
  if ("looked" in found) {
    const [here = "./config.jsonc", home] = found.looked;
    return { kind: "opened", file: found.looked.length > 2 && home ? home : here };
  }
  const { file } = found;
  try {
    return { kind: "opened", file, text: readConfigText(file) };
  } catch (cause) {
    const message = `Cannot read the file: ${whyUnreadable(cause)}`;
    return { kind: "closed", problem: { severity: "error", file, path: "", message } };
  }
}

export type Saved =
  | {
    readonly kind: "saved";
    readonly changes: readonly KeyChange[];
    /** New warnings, such as a secret that other users may read. */
    readonly problems: readonly Problem[];
    readonly backup?: string;
  }
  | { readonly kind: "unchanged" }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] }
  | { readonly kind: "unwritten"; readonly code: ExitCode; readonly message: string };

/** Replaces the text that was read, if the new one is a valid config. */
export async function saveConfig(opened: OpenedConfig, text: string, env: Env): Promise<Saved> {
  const after = await checkAnywhere(opened.file, text, env);
  if (after.kind === "refused") return { kind: "invalid", problems: after.problems };
  if (text === opened.text) return { kind: "unchanged" };
  const before = await checkAnywhere(opened.file, opened.text ?? "{}", env);
  const changes = before.kind === "loaded" ? planReload(before, after).changes : [];
  const known = new Set(before.problems.map(keyOf));
  const problems = after.problems.filter((problem) =>
    !known.has(keyOf(problem)) || changes.some(({ path }) => path === problem.path)
  );
  const result = writeText(opened, text);
  return result.kind === "unwritten" ? result : { ...result, kind: "saved", changes, problems };
}

/** Identifies a problem, though its line may have moved. */
function keyOf({ path, message }: Problem): string {
  return `${path}: ${message}`;
}

/** Writes a text without checking it. */
export function writeText(
  { file, text: expected }: OpenedConfig,
  text: string,
): { readonly kind: "written"; readonly backup?: string } | Saved & { readonly kind: "unwritten" } {
  try {
    const { backup } = replaceFile({ path: file, text, expected });
    return { kind: "written", backup };
  } catch (error) {
    if (!(error instanceof WriteError)) throw error;
    const code = error.kind === "changed" ? EXIT.tryAgain : EXIT.io;
    const message = `${printable(error.message)}; ` +
      (error.kind === "changed" ? "try again" : "the file is unchanged");
    return { kind: "unwritten", code, message };
  }
}

/** Prints the result, and returns the exit code. */
export function reportSaved(file: string, saved: Saved, json: boolean, io: Io): ExitCode {
  const code = codeFor(saved);
  if (json) {
    const { kind, ...rest } = saved;
    io.out(JSON.stringify({ ok: code === EXIT.done, file, wrote: kind === "saved", ...rest }));
    return code;
  }
  switch (saved.kind) {
    case "invalid":
      io.err(`${problemsText(saved.problems, io)}\n\n${printable(file)} is unchanged.`);
      break;
    case "unwritten":
      io.problem(saved.message);
      break;
    case "unchanged":
      io.out(`${printable(file)}: nothing to change`);
      break;
    case "saved":
      for (const change of saved.changes) io.out(changeLine(change));
      if (saved.problems.length > 0) io.err(`${problemsText(saved.problems, io)}\n`);
      io.err(`Wrote ${printable(file)}${backupText(saved.backup)}`);
  }
  return code;
}

function codeFor(saved: Saved): ExitCode {
  if (saved.kind === "invalid") return EXIT.config;
  return saved.kind === "unwritten" ? saved.code : EXIT.done;
}

function backupText(backup: string | undefined): string {
  return backup === undefined ? "" : `; the previous file is ${printable(basename(backup))}`;
}

/** `channels.discord.historyLimit: 20 → 30`. */
function changeLine({ path, from, to, takesEffect }: KeyChange): string {
  const [old, now] = [from, to].map((json) =>
    json === undefined ? undefined : bounded(json, MAX_VALUE)
  );
  const change = old === undefined
    ? `set to ${now}`
    : now === undefined
    ? `removed, was ${old}`
    : `${old} → ${now}`;
  return printable(`${path}: ${change}${EFFECTS[takesEffect]}`);
}

/** Longest value of a change to print, in UTF-16 units of its JSON. */
const MAX_VALUE = 200;

const EFFECTS: Readonly<Record<KeyChange["takesEffect"], string>> = {
  now: "",
  reconnect: " (the bot reconnects)",
  restart: " (from the next start)",
};

/** Checks a text without the service's environment: a secret that is missing here is no problem. */
export function checkAnywhere(file: string, text: string, env: Env): Promise<Loaded> {
  return checkConfig({ file, text }, env, { isElsewhere: true });
}

/**
 * Reads a typed value: as JSON if the key accepts that, else as text. So an id needs no quotes, and
 * the prompt `true` stays a text.
 */
export function valueFor(schema: Schema | undefined, typed: string): unknown {
  const json = readTyped(typed);
  if (!schema) return json === undefined ? typed : json.value;
  const isTaken = (value: unknown): boolean =>
    z.safeParse(schema, value, { jitless: true }).success;
  if (json !== undefined && isTaken(json.value)) return json.value;
  return isTaken(typed) || json === undefined ? typed : json.value;
}
