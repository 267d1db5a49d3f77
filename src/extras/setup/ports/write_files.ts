/** Writes the files of a setup: all of them, or none. */

import { chmodSync, existsSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Env } from "../../../lib/env.ts";
import { codeOf } from "../../../lib/errors.ts";
import { FileRefusedError, readBounded } from "../../../host/files/read_bounded.ts";
import { replaceFile, WriteError } from "../../../host/files/write_file.ts";
import { printable } from "../../../lib/text/quoted.ts";
import { type OpenedConfig, saveConfig, type Saved } from "../../../cli/config/write.ts";
import { whyUnreadable } from "../../../cli/shared/read_config.ts";
import type { SecretFile } from "../answers/config_text.ts";

/** Largest secret; a longer file is no secret of Barnacle's. */
const SECRET_MAX_BYTES = 64 * 1_024;

/** Only its owner may read a secret. */
const SECRET_MODE = 0o600;

/** Path of a secret's file: where the systemd unit expects it, too. */
export function secretPath(configFile: string, name: string): string {
  return join(dirname(configFile), "credentials", name);
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
    if (error instanceof WriteError) {
      return { kind: "unwritten", code: 74, message: printable(error.message) };
    }
    if (!(error instanceof FileRefusedError) && codeOf(error) === undefined) throw error;
    const folder = printable(join(dirname(opened.file), "credentials"));
    const message = `a secret in ${folder} cannot be replaced: ${whyUnreadable(error)}`;
    return { kind: "unwritten", code: 74, message };
  }
}

/** The content of a secret's file. */
export function secretText(secret: string): string {
  return `${secret}\n`;
}

/** Writes one secret. A copy of the old one would stay valid beside it, so none stays. */
function writeSecret(path: string, text: string): UndoWrite {
  const folder = dirname(path);
  const isNewFolder = !existsSync(folder);
  const expected = existsSync(path) ? readBounded(path, { maxBytes: SECRET_MAX_BYTES }) : undefined;
  if (expected === text) {
    chmodSync(path, SECRET_MODE);
    return () => {};
  }
  const { backup } = replaceFile({ path, text, expected });
  if (backup !== undefined) rmSync(backup, { force: true });
  chmodSync(path, SECRET_MODE); // a file that exists keeps its mode
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

/** `"config.jsonc.bak"`, for people. */
export function backupName({ backup }: Extract<Saved, { kind: "saved" }>): string | undefined {
  return backup === undefined ? undefined : basename(backup);
}
