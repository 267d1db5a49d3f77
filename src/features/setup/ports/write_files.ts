/** Writes the files of a setup: all of them, or none. */

import { chmodSync, chownSync, existsSync, mkdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import type { Env } from "../../../lib/env.ts";
import { codeOf } from "../../../lib/errors.ts";
import { FileRefusedError, readBounded } from "../../../host/files/read_bounded.ts";
import { replaceFile, WriteError } from "../../../host/files/write_file.ts";
import { printable } from "../../../lib/text/quoted.ts";
import { EXIT, type ExitCode } from "../../../cli/shared/exit_code.ts";
import { type OpenedConfig, saveConfig, type Saved } from "../../../cli/config/write.ts";
import { credentialsOf, SECRET_MAX_BYTES, whyUnreadable } from "../../../cli/shared/read_config.ts";
import type { SecretFile } from "../answers/config_text.ts";

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
