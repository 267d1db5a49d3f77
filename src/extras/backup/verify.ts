/** `barnacle verify`: checks whether backups are whole, and whether their stores can be used. */

import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { readPid } from "../../host/process/boot.ts";
import { jsonLine } from "../../lib/text/json.ts";
import { checkCopy, NEWEST_SCHEMA } from "../../store/copy/copy.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { dataDirOf } from "../../cli/shared/store_access.ts";
import { toStartError } from "../../cli/shared/start_error.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { type Manifest, STORE_PATH } from "./manifest.ts";
import { type AskHidden, knownPassphrase, type PassphraseFlags } from "./passphrase.ts";
import { type GetPassphrase, unpackBackup } from "./read_backup.ts";
import { manifestLine, secretLines } from "./report.ts";
import { assertRoom } from "./room.ts";
import { StoreError } from "../../store/database/store_error.ts";
import { printable } from "../../lib/text/quoted.ts";

export interface VerifyFlags extends CommonFlags, PassphraseFlags {}

/**
 * Checks each backup.
 *
 * @returns The exit code of the first one that is not whole.
 */
export async function verify(
  flags: VerifyFlags,
  files: readonly string[],
  io: Io,
  ask: AskHidden | undefined,
): Promise<ExitCode> {
  let asked: Promise<string | undefined> | undefined;
  const passphrase = () => asked ??= knownPassphrase(flags, ask); // one for all: stdin ends once
  const codes: ExitCode[] = [];
  for (const file of files) codes.push(await verifyOne(flags, file, io, passphrase));
  return codes.find((code) => code !== EXIT.done) ?? EXIT.done;
}

/** Reads the whole backup, checks all checksums, and every page of the store. */
async function verifyOne(
  flags: VerifyFlags,
  file: string,
  io: Io,
  passphrase: GetPassphrase,
): Promise<ExitCode> {
  try {
    const path = resolve(io.cwd, file);
    const manifest = await io.during("Checking", check(path, flags, io, passphrase));
    if (flags.json) io.out(jsonLine({ path, manifest }));
    else {
      io.out(`Whole: ${printable(path)}`);
      io.err(manifestLine(manifest));
      if (manifest.schema < NEWEST_SCHEMA) {
        io.err(`A restore updates the store to schema ${NEWEST_SCHEMA}`);
      }
      for (const line of secretLines(manifest)) io.err(line);
    }
    return EXIT.done;
  } catch (error) {
    const { message, code } = toStartError(error);
    if (flags.json) io.out(jsonLine({ path: file, problem: message }));
    io.problem(message);
    return code;
  }
}

/** Where the store is written out: the folder has the process in its name. */
const FOLDER = ".verify-";

/** @throws {StartError} If there is something else. */
function isFolder(path: string): boolean {
  if (!existsSync(path)) return false;
  if (statSync(path).isDirectory()) return true;
  throw new StartError(`${printable(path)} is no folder; set --data to the bot's`, EXIT.usage);
}

/** Removes what a killed check has left: the store of a backup that may be encrypted. */
function removeLeft(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = /^\.verify-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && readPid(Number(pid)).kind === "gone") {
      rmSync(join(parent, name), { recursive: true, force: true });
    }
  }
}

async function check(
  path: string,
  flags: VerifyFlags,
  io: Io,
  passphrase: GetPassphrase,
): Promise<Manifest> {
  // The store is written out to check it: in the data directory, not beside an encrypted backup.
  const dataDir = dataDirOf(flags.data, io);
  const parent = isFolder(dataDir) ? dataDir : tmpdir();
  removeLeft(parent);
  const folder = mkdtempSync(join(parent, `${FOLDER}${process.pid}-`));
  try {
    const manifest = await unpackBackup(path, passphrase, {
      folder,
      isWanted: (inBackup) => inBackup === STORE_PATH,
      onManifest: ({ bytes }) => assertRoom(folder, bytes),
      assertRoom: () => assertRoom(folder, 0),
    });
    checkStore(join(folder, STORE_PATH), path);
    return manifest;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Checks the store of a backup.
 *
 * @throws {StartError} Which names the backup, not the temporary file.
 */
export function checkStore(store: string, backup: string): number {
  const name = printable(backup);
  if (!existsSync(store)) {
    throw new StartError(`${name} cannot be used: it has no ${STORE_PATH}`, EXIT.failed);
  }
  try {
    return checkCopy(store);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const words = error.kind === "newer"
      ? "a newer Barnacle made it: its store has a newer schema. Use that version"
      : error.kind === "damaged"
      ? "its store is damaged. Use another backup"
      : error.message;
    throw new StartError(`${name} cannot be used: ${words}`, EXIT.failed, error);
  }
}
