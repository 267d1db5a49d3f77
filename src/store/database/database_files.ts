/**
 * Checks and watches the files of a database, waits until the disk has them, and classifies failures of
 * the store by the next step of the operator or the bot.
 *
 * SQLite's result code is the best source. But Deno gives the code only for errors of a running
 * statement, not for errors of opening, preparing and `exec()`. The text of an error is SQLite's
 * own in every case, so it decides if there is no code.
 */

import process from "node:process";
import { closeSync, fsyncSync, openSync, type Stats, statSync } from "node:fs";
import type { StoreErrorKind } from "../../core/store/store.ts";
import { codeOf, PathError } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";

/**
 * A failure of the disk or of the database file, never of the work. Nothing of the work is stored.
 */
export class StoreError extends PathError<StoreErrorKind> {
  override readonly name = "StoreError";
}

/**
 * SQLite's primary result codes for failures of the environment, with the beginning of their texts.
 */
const RESULTS: readonly (readonly [code: number, text: string, kind: StoreErrorKind])[] = [
  [5, "database is locked", "unavailable"],
  [6, "database table is locked", "unavailable"],
  [8, "attempt to write a readonly database", "unavailable"],
  [10, "disk I/O error", "unavailable"],
  [11, "database disk image is malformed", "damaged"],
  [11, "malformed database schema", "damaged"],
  [13, "database or disk is full", "full"],
  [14, "unable to open database file", "unavailable"],
  [26, "file is not a database", "damaged"],
];

/** The same for `node:fs`, which copies the file before a migration. */
const FILE_RESULTS: Readonly<Record<string, StoreErrorKind>> = {
  EISDIR: "unavailable",
  ENOSPC: "full",
  EDQUOT: "full",
  EIO: "unavailable",
  EROFS: "unavailable",
  EACCES: "unavailable",
  EPERM: "unavailable",
};

/**
 * Makes a {@link StoreError} from an error of SQLite or of the file system.
 *
 * @returns `thrown` itself if the disk did not fail: a violated constraint, or a bug of ours.
 */
export function toStoreError(thrown: unknown, path: string): unknown {
  if (!(thrown instanceof Error) || thrown instanceof StoreError) return thrown;
  const kind = kindOf(thrown);
  if (!kind) return thrown;
  return new StoreError(messageOf(kind, thrown.message, path), { kind, path, cause: thrown });
}

/** Whether an error of SQLite says that the disk refuses for now; the same work may succeed later. */
export function isOfDisk(thrown: unknown): boolean {
  const kind = thrown instanceof Error ? kindOf(thrown) : undefined;
  return kind === "full" || kind === "unavailable";
}

/** Maximum length of SQLite's text in a message. */
const REASON_CHARS = 200;

/**
 * The schema is always complete, so a part that is missing shows damage; and so does a number of SQLite's
 * own that is in use.
 */
const DAMAGE =
  /^(?:no such (?:table|column|index)\b|table \S+ has no column named |UNIQUE constraint failed: outbox\.id$)/;

function kindOf(thrown: Error): StoreErrorKind | undefined {
  if (DAMAGE.test(thrown.message)) return "damaged";
  if ("errcode" in thrown && typeof thrown.errcode === "number") {
    const code = thrown.errcode & 0xff; // the other bits tell SQLite's action
    return RESULTS.find(([known]) => known === code)?.[2];
  }
  return FILE_RESULTS[codeOf(thrown) ?? ""] ??
    RESULTS.find(([, text]) => thrown.message.startsWith(text))?.[2];
}

/** @param text SQLite's; it quotes the schema of a damaged file, with line ends. */
function messageOf(kind: StoreErrorKind, text: string, path: string): string {
  const reason = printable(text.length > REASON_CHARS ? `${text.slice(0, REASON_CHARS)}…` : text);
  switch (kind) {
    case "damaged":
      return `The database ${path} is damaged (${reason}). It stays unchanged. ` +
        "`barnacle restore <file> --force` installs a backup, and keeps this file; to start anew, " +
        "choose another directory with --data";
    case "full":
      return `Cannot write to ${path}: the disk is full (${reason}); free some space on it`;
    case "gone":
    case "newer":
    case "unwritable":
    case "unavailable":
      return `Cannot use the database ${path} now (${reason}); ` +
        "check that the disk is mounted, writable and not full, and that no other program uses the file";
  }
}

/** The ends of the names that SQLite opens: the database, its log, the log's index, the journal. */
const ENDS = ["", "-wal", "-shm", "-journal"] as const;

/**
 * Refuses a database if one of its files is a folder, a pipe or a device.
 *
 * An open of a pipe waits for the pipe's other end, without a limit. And SQLite does not tell that a
 * file is a folder.
 *
 * @throws {StoreError} `unwritable`, if one is no regular file.
 */
export function assertRegularFiles(path: string): void {
  for (const file of ENDS.map((end) => `${path}${end}`)) {
    const stats = statOf(file);
    if (!stats || stats.isFile()) continue;
    throw new StoreError(
      `Cannot use the database ${path}: ${file} is ${
        fileKindOf(stats)
      }; move it away, and start again`,
      { kind: "unwritable", path },
    );
  }
}

function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined; // no access to the folder: the open itself says so, with its reason
  }
}

function fileKindOf(stats: Stats): string {
  if (stats.isDirectory()) return "a folder";
  if (stats.isFIFO()) return "a pipe, not a file";
  return "no regular file";
}

/**
 * Remembers the file that has this name now. The open file keeps working without a name. Without this
 * check, all stored data would be lost silently when the process ends.
 *
 * @param path The database file. `":memory:"` and other names without a file always pass.
 * @returns A check that throws a {@link StoreError} of kind `gone` once the name belongs to another
 * file, or to none.
 */
export function watchFile(path: string): () => void {
  const opened = identityOf(path);
  return () => {
    if (opened === undefined || identityOf(path) === opened) return;
    throw new StoreError(
      `The database ${path} was removed or replaced while Barnacle uses it; all stored data is ` +
        "lost when Barnacle stops. If the file was moved, put it back; " +
        "otherwise restart to begin with a new one",
      { kind: "gone", path },
    );
  };
}

function identityOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}

/**
 * Waits until the disk has a file's content.
 *
 * @throws {Error} If the file is missing, or the disk refuses.
 */
export function syncFile(path: string): void {
  sync(path, "r+");
}

/**
 * Waits until the disk has the names in a directory. Does nothing on Windows, because Windows
 * stores names by itself and cannot open directories.
 *
 * @throws {Error} If the directory is missing, or the disk refuses.
 */
export function syncDirectory(path: string): void {
  if (process.platform !== "win32") sync(path, "r");
}

function sync(path: string, flags: string): void {
  const descriptor = openSync(path, flags);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
