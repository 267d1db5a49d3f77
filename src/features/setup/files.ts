/** Writes the files of a setup, all of them or none; and `barnacle secret set` (C5). */

import { chmodSync, chownSync, existsSync, mkdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import type { Env } from "../../lib/env.ts";
import { codeOf } from "../../lib/errors.ts";
import { FileRefusedError, readBounded } from "../../host/files/read_bounded.ts";
import { replaceFile, WriteError } from "../../host/files/write_file.ts";
import { printable } from "../../lib/text/quoted.ts";
import { checked, isSecretName, Secret } from "../../config/schema/parts/secrets.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { openConfig, type OpenedConfig, saveConfig, type Saved } from "../../cli/config/write.ts";
import {
  credentialsOf,
  problemsText,
  SECRET_MAX_BYTES,
  whyUnreadable,
} from "../../cli/shared/read_config.ts";
import type { SecretFile } from "./config_text.ts";
import { DialogueEnd } from "./dialogue.ts";

/** Only its owner may read a secret. */
const SECRET_MODE = 0o600;
const FOLDER_MODE = 0o700;

export function secretPath(configFile: string, name: string): string {
  return join(credentialsOf(configFile), name);
}

type UndoWrite = () => void;

/**
 * Writes the secrets with mode 0600, and then the config. If one of them fails, the others are undone.
 *
 * @returns The result of the config, or why a secret could not be written.
 */
export async function writeFiles(
  opened: OpenedConfig,
  text: string,
  secrets: readonly SecretFile[],
  env: Env,
): Promise<Saved> {
  const undo: UndoWrite[] = [];
  const undoAll = () => undo.toReversed().forEach((one) => one());
  try {
    for (const { name, text: secret } of secrets) {
      undo.push(writeSecret(secretPath(opened.file, name), secretText(secret)));
    }
    const saved = await saveConfig(opened, text, env);
    if (saved.kind === "invalid" || saved.kind === "unwritten") undoAll();
    return saved;
  } catch (error) {
    undoAll();
    return { kind: "unwritten", ...problemOf(error, credentialsOf(opened.file)) };
  }
}

/** Writes one secret, or tells why it cannot be written. */
export function trySecret(
  path: string,
  text: string,
): UndoWrite | { readonly code: ExitCode; readonly message: string } {
  try {
    return writeSecret(path, text);
  } catch (error) {
    return problemOf(error, path);
  }
}

/** @throws The error itself if it is no one of files. */
function problemOf(error: unknown, path: string) {
  if (error instanceof WriteError) return { code: EXIT.io, message: printable(error.message) };
  if (!(error instanceof FileRefusedError) && codeOf(error) === undefined) throw error;
  return { code: EXIT.io, message: `cannot write ${printable(path)}: ${whyUnreadable(error)}` };
}

/** The content of a secret's file. */
export function secretText(secret: string): string {
  return `${secret}\n`;
}

/**
 * Writes one secret. A copy of the old one would stay valid beside it, so none stays. The group that may
 * read root's config may read root's secrets: it is that of the service's user.
 */
function writeSecret(path: string, text: string): UndoWrite {
  const folder = dirname(path);
  const isNewFolder = !existsSync(folder);
  if (isNewFolder) {
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
    share(folder, FOLDER_MODE);
  }
  const expected = existsSync(path) ? readBounded(path, { maxBytes: SECRET_MAX_BYTES }) : undefined;
  if (expected === text) {
    share(path, SECRET_MODE);
    return () => {};
  }
  const { backup } = replaceFile({ path, text, expected });
  if (backup !== undefined) rmSync(backup, { force: true });
  share(path, SECRET_MODE); // a file that exists keeps its mode
  return () => {
    if (expected !== undefined) {
      const again = replaceFile({ path, text: expected, expected: text });
      if (again.backup !== undefined) rmSync(again.backup, { force: true });
      return;
    }
    rmSync(path, { force: true });
    if (isNewFolder) rmdirSync(folder);
  };
}

/** Sets the mode, and opens a path to the group that root has given its folder to. */
function share(path: string, mode: number): void {
  const { mode: above, gid } = statSync(dirname(path));
  const isGiven = process.geteuid?.() === 0 && gid !== process.getegid?.() && (above & 0o040) !== 0;
  if (isGiven) chownSync(path, 0, gid);
  chmodSync(path, isGiven ? mode | (mode & 0o500) >> 3 : mode);
}

/** `"config.jsonc.bak"`, for people. */
export function backupName({ backup }: Extract<Saved, { kind: "saved" }>): string | undefined {
  return backup === undefined ? undefined : basename(backup);
}

/** `barnacle secret set`: asks for the secret without showing it; without a terminal, reads it from stdin. */
export async function setSecret(
  flags: CommonFlags,
  name: string,
  io: Io,
  readStdin: () => Promise<string>,
): Promise<ExitCode> {
  if (!isSecretName(name)) {
    io.problem("a name has letters, digits, - and _ only, such as openai_api_key");
    return EXIT.usage;
  }
  const opened = openConfig(await configBefore(flags, io), io.env);
  if (opened.kind === "closed") {
    io.err(problemsText([opened.problem], io));
    return EXIT.config;
  }
  const text = process.stdin.isTTY === true ? await asked(name, io) : await readStdin();
  if (text === undefined) return EXIT.failed;
  const why = fault(text);
  if (why !== undefined) {
    io.problem(why);
    return EXIT.usage;
  }
  const path = secretPath(opened.file, name);
  const written = trySecret(path, secretText(text.trim()));
  if ("message" in written) {
    io.problem(written.message);
    return written.code;
  }
  if (flags.json) io.out(JSON.stringify({ ok: true, file: path }));
  else {
    io.out(`Wrote ${printable(path)}`, { isWhole: true });
    io.out(`In the config: { "file": "${name}" }`, { isWhole: true });
  }
  return EXIT.done;
}

function fault(text: string): string | undefined {
  const found = checked(text, "The text");
  return found instanceof Secret ? undefined : `${found.why}: ${found.hint}`;
}

async function asked(name: string, { errStyle, err }: Io): Promise<string | undefined> {
  const { openDialogue } = await import("./dialogue.ts");
  const dialogue = openDialogue(errStyle);
  try {
    return await dialogue.secret({ message: `Paste ${name} (not shown)`, check: fault });
  } catch (error) {
    if (!(error instanceof DialogueEnd)) throw error;
    err("Stopped. Nothing was written.");
    return undefined;
  } finally {
    dialogue.close();
  }
}
