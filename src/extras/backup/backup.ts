/**
 * `barnacle backup`: copies the store, the config and the workspaces into one file, also while the bot
 * runs.
 *
 * The copy is made by this process, not by the bot. So the bot's only share is the disk that both use.
 * The command's process has a low priority.
 */

import {
  accessSync,
  constants as fileConstants,
  existsSync,
  mkdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { constants, setPriority } from "node:os";
import { basename, dirname, extname, join, resolve } from "node:path";
import process from "node:process";
import { openTreeFile } from "./archive/file_tree.ts";
import { writeSealed } from "./archive/sealed_file.ts";
import { ArchiveError } from "./archive/source.ts";
import { type FileToArchive, writeTar } from "./archive/tar.ts";
import { BACKUPS_NAME, DATABASE_NAME } from "../../host/files/data_dir.ts";
import { removeDeadFiles } from "../../host/files/dead_files.ts";
import type { CrashPoints } from "../../host/process/crash_points.ts";
import { codeOf } from "../../lib/errors.ts";
import { jsonLine } from "../../lib/text/json.ts";
import { printable } from "../../lib/text/quoted.ts";
import { sizeOf } from "../../lib/text/units.ts";
import { copyDatabase } from "../../store/copy/copy.ts";
import { VERSION } from "../../version.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { configFlag, type DataChoice, dataProblem } from "../../cli/shared/find_data.ts";
import { reportingErrors, toStartError } from "../../cli/shared/start_error.ts";
import { openForCommand } from "../../cli/shared/store_access.ts";
import { withData } from "../../cli/shared/with_store.ts";
import { readConfigLeniently } from "../../cli/shared/read_config.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { type Contents, gatherContents } from "./contents.ts";
import {
  ENDINGS,
  FORMAT,
  type Manifest,
  MANIFEST_NAME,
  MAX_LEFT,
  STORE_PATH,
  SUMS_NAME,
} from "./manifest.ts";
import { type AskHidden, newPassphrase, type PassphraseFlags } from "./passphrase.ts";
import { secretLines } from "./report.ts";
import { assertRoom } from "./room.ts";
import { hashing, sumLine } from "./sums.ts";

export interface BackupFlags extends CommonFlags, PassphraseFlags {
  /** Path of the new file, or of a folder for it. */
  readonly to?: string;
  /** Whether to ask for a passphrase. */
  readonly encrypt: boolean;
}

interface BackupResult {
  readonly path: string;
  readonly bytes: number;
  readonly manifest: Manifest;
}

/**
 * Makes a backup, and prints its path.
 *
 * @param flags With the argument as `place`.
 * @param logN As for `encrypted()`.
 */
export function backup(
  flags: BackupFlags & { readonly place?: string },
  io: Io,
  ask: AskHidden | undefined,
  crash: CrashPoints,
  logN?: number,
): Promise<ExitCode> {
  const isRoot = process.geteuid?.() === 0;
  return reportingErrors(io, async () => {
    // Root can look there; the owner of the data, as whom the command goes on, perhaps not.
    const { place: typed, to = typed, encrypt, passphraseFile } = flags;
    if (typed !== undefined && typed !== to) {
      throw new StartError("the argument and --to name two places; leave one out", EXIT.usage);
    }
    const read = passphraseFile === undefined ? undefined : await newPassphrase(flags, ask);
    const isEncrypted = encrypt || read !== undefined;
    const named = to === undefined ? undefined : targetOf(resolve(io.cwd, to), to, isEncrypted);
    return await withData(flags, io, async (place) => {
      if (place.state !== "store") throw dataProblem(place);
      const own = join(place.dataDir, BACKUPS_NAME);
      const folder = named ? own : await folderFor(place, flags, io);
      const path = named ?? targetOf(folder, `${folder}/`, isEncrypted);
      if (dirname(path) !== own) assertWritable(dirname(path), isRoot); // own: made if it is missing
      const passphrase = read ?? (encrypt ? await newPassphrase(flags, ask) : undefined);
      return await backUp(place, path, passphrase);
    });
  });

  async function backUp(
    place: DataChoice,
    path: string,
    passphrase: string | undefined,
  ): Promise<ExitCode> {
    const config = configFlag(flags.config, place, io);
    const made = await io.during(
      "Copying",
      makeBackup({ config, dataDir: place.dataDir, path, passphrase, logN }, io, crash),
    );
    await record(made, place.dataDir, io);
    report(made, flags, io);
    return EXIT.done;
  }
}

/** `backup.folder` of the bot, or the folder in its data directory. */
async function folderFor(place: DataChoice, flags: BackupFlags, io: Io): Promise<string> {
  const loaded = await readConfigLeniently(configFlag(flags.config, place, io), io.env);
  const named = loaded.kind === "refused" ? undefined : loaded.config.backup.folder;
  return resolve(place.dataDir, named ?? BACKUPS_NAME);
}

/** @param wasRoot Whether the command gave up root's rights for those of the data's owner. */
function assertWritable(folder: string, wasRoot: boolean): void {
  try {
    accessSync(folder, fileConstants.W_OK | fileConstants.X_OK);
  } catch (error) {
    const uid = process.geteuid?.();
    if (codeOf(error) === "ENOENT") {
      throw new StartError(`there is no folder ${printable(folder)}`, EXIT.usage);
    }
    const who = wasRoot && uid !== 0
      ? `the command goes on as the owner of the data (user ${uid}), who may not write into ` +
        `${printable(folder)}. Choose a folder of that user, or leave out --to and copy the file`
      : `this user may not write into ${printable(folder)}`;
    throw new StartError(
      `${who} (${codeOf(error) ?? "unknown reason"}); no backup was made`,
      EXIT.io,
    );
  }
}

/** Stores the result for `status`; a store that cannot take it does not make the backup worse. */
async function record(
  { path, bytes, manifest: { createdAt: at } }: BackupResult,
  dataDir: string,
  io: Io,
): Promise<void> {
  try {
    const opened = await openForCommand(dataDir);
    if (!opened) return;
    try {
      const isElsewhere = dirname(path) !== join(dataDir, BACKUPS_NAME);
      await opened.store.settings.recordBackup({ kind: "made", at, path, bytes, isElsewhere });
    } finally {
      await opened.close();
    }
  } catch (error) {
    io.err(
      `The backup is whole, but \`barnacle status\` will not show it: ${
        toStartError(error).message
      }`,
    );
  }
}

/**
 * The path of the new file. An existing file is never replaced.
 *
 * @param named The file, or a folder for it.
 * @param typed As the operator typed it: a folder may end with a slash.
 */
function targetOf(named: string, typed: string, isEncrypted: boolean): string {
  const ending = isEncrypted ? ENDINGS.encrypted : ENDINGS.plain;
  const stamp = new Date().toISOString().replace(/\.\d+/, "").replaceAll(":", "-");
  const isFolder = typed.endsWith("/") || isDirectory(named);
  // A stick that is not mounted: a file of its name would hide below the next mount.
  if (!isFolder && extname(named) === "" && !existsSync(named)) {
    throw new StartError(
      `there is no folder ${printable(named)}; make it, or name a file that ends in ${ending}`,
      EXIT.usage,
    );
  }
  const names = ["", "-2", "-3", "-4"].map((more) => `barnacle-${stamp}${more}${ending}`);
  const name = names.find((name) => !existsSync(join(named, name))) ?? names[0] ?? "";
  const path = isFolder ? join(named, name) : named;
  if (!existsSync(path)) return path;
  throw new StartError(`${printable(path)} exists already; choose another name`, EXIT.usage);
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false; // the check of its folder says why it cannot be seen
  }
}

/** Names of unfinished files, with the number of the process; SQLite adds the ending of its journal. */
const UNFINISHED = /^\..+-(\d+)\.part(?:-journal)?$/;

/**
 * Makes a backup. Several at once do not disturb each other.
 *
 * @throws {StartError} If there is no room.
 */
async function makeBackup(
  { dataDir, path, passphrase, logN, config }: Pick<BackupFlags, "config"> & {
    readonly dataDir: string;
    readonly path: string;
    readonly passphrase: string | undefined;
    readonly logN: number | undefined;
  },
  io: Io,
  crash: CrashPoints,
): Promise<BackupResult> {
  const folder = join(dataDir, BACKUPS_NAME);
  makeFolder(folder);
  const database = join(dataDir, DATABASE_NAME);
  // With a dot: `backups/*` of a shell names the backups only.
  const copy = join(folder, `.copy-${process.pid}.part`);
  try {
    removeDeadFiles(folder, UNFINISHED);
    const hasSecrets = passphrase !== undefined;
    const contents = await gatherContents({ dataDir, config, env: io.env, hasSecrets });
    for (const problem of contents.problems) io.problem(problem);
    const storeBytes = sizeIfAny(database) + sizeIfAny(`${database}-wal`);
    await assertRoom(folder, storeBytes);
    await assertRoom(dirname(path), storeBytes + contents.bytes);
    const createdAt = Date.now();
    const facts = copyDatabase(database, copy);
    crash.at("copied");
    const manifest: Manifest = {
      format: FORMAT,
      barnacle: VERSION,
      ...facts,
      accounts: [...facts.accounts],
      createdAt,
      bytes: sizeIfAny(copy) + contents.bytes,
      hasSecrets,
      setAgain: contents.setAgain,
      logins: contents.logins,
      config: contents.config,
      workspaces: contents.workspaces,
      left: contents.left.length > MAX_LEFT
        ? [
          ...contents.left.slice(0, MAX_LEFT),
          `… and ${contents.left.length - MAX_LEFT} more`,
        ]
        : contents.left,
    };
    const part = join(dirname(path), `.${basename(path)}-${process.pid}.part`);
    const bytes = await writeSealed(
      { path, part, passphrase, logN, onWritten: () => crash.at("packed") },
      writeTar(withSums(filesOf(manifest, copy, contents)), createdAt),
    );
    return { path, bytes, manifest };
  } catch (error) {
    throw asFull(error);
  } finally {
    rmSync(copy, { force: true });
  }
}

/**
 * Lowers the priority of this process: replies go first. The lowest one would starve a backup for
 * hours on a busy machine.
 */
export function yieldToOthers(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A system without priorities.
  }
}

function sizeIfAny(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function* filesOf(
  manifest: Manifest,
  copy: string,
  contents: Contents,
): AsyncGenerator<FileToArchive> {
  const list = new TextEncoder().encode(`${JSON.stringify(manifest, undefined, 2)}\n`);
  yield { path: MANIFEST_NAME, size: list.length, content: [list] };
  const store = await openTreeFile(copy);
  if (!store) throw new StartError("the copy of the store was removed meanwhile", EXIT.tryAgain);
  yield { path: STORE_PATH, ...store };
  yield* contents.files();
}

async function* withSums(files: AsyncIterable<FileToArchive>): AsyncGenerator<FileToArchive> {
  let sums = "";
  for await (const file of files) {
    const hashed = hashing(file);
    yield hashed;
    sums += sumLine(file.path, hashed.digest());
  }
  const bytes = new TextEncoder().encode(sums);
  yield { path: SUMS_NAME, size: bytes.length, content: [bytes] };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const code = codeOf(error);
    if (code !== "EEXIST" && code !== "ENOTDIR") throw asFull(error);
    throw new StartError(
      `${printable(folder)} is no folder, so no backup was made; move that file away`,
      EXIT.io,
      error,
    );
  }
}

function asFull(error: unknown): unknown {
  if (error instanceof ArchiveError) {
    const fix = "move some files out of the agents' workspaces; no backup was made";
    return new StartError(`a backup cannot be made: ${error.message}; ${fix}`, EXIT.failed, error);
  }
  const code = codeOf(error);
  return code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG"
    ? new StartError(`the disk is full (${code}); no backup was made`, EXIT.io, error)
    : code === "EACCES" || code === "EPERM" || code === "EROFS"
    ? new StartError(`this user may not write there (${code}); no backup was made`, EXIT.io, error)
    : error;
}

function report({ path, bytes, manifest }: BackupResult, { json }: BackupFlags, io: Io): void {
  if (json) {
    io.out(jsonLine({ path, size: bytes, manifest }));
    return;
  }
  io.out(path);
  io.err(`${sizeOf(bytes)}, ${manifest.hasSecrets ? "encrypted" : "not encrypted"}`);
  for (const line of secretLines(manifest)) io.err(line);
  for (const name of manifest.left) {
    io.err(`Left out: ${printable(name)}, which is no regular file or Barnacle's own`);
  }
  io.err("Not in it: log files, older backups, and folders of `skills.folders`");
}
