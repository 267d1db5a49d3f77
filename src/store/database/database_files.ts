/** Checks and watches the files of a database, and waits until the disk has them. */

import process from "node:process";
import { closeSync, fsyncSync, openSync, readFileSync, type Stats, statSync } from "node:fs";
import { StoreError } from "./store_error.ts";

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
      `Cannot use the database ${path}: ${file} is ${kindOf(stats)}; move it away, and start again`,
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

function kindOf(stats: Stats): string {
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

/** Places in the header of the log's index, and the bytes of a log's and of a frame's own headers. */
const INDEX = { pageBytes: 14, frames: 16, copied: 96, end: 100 } as const;
const LOG = { header: 32, frame: 24 } as const;

/**
 * Whether the log lacks the last commits that its index knows: after a power cut, or in a copy of the
 * files. SQLite takes such a log for a whole one. Without an index, nothing shows it.
 */
export function lacksCommits(path: string): boolean {
  const index = indexOf(`${path}-shm`);
  if (!index || index.length < INDEX.end) return false;
  const [frames, copied] = [index.readUInt32LE(INDEX.frames), index.readUInt32LE(INDEX.copied)];
  const frameBytes = LOG.frame + index.readUInt16LE(INDEX.pageBytes);
  const bytes = statOf(`${path}-wal`)?.size ?? 0;
  return copied < frames && bytes < LOG.header + frames * frameBytes;
}

function indexOf(file: string): Buffer | undefined {
  try {
    return statOf(file)?.isFile() ? readFileSync(file) : undefined;
  } catch {
    return undefined; // the open itself says so, with its reason
  }
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
