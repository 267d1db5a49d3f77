/**
 * Refuses a database if one of its files is a folder, a pipe or a device.
 *
 * An open of a pipe waits for the pipe's other end, without a limit. And SQLite does not tell that a
 * file is a folder.
 *
 * @module
 */

import { type Stats, statSync } from "node:fs";
import { StoreError } from "./store_error.ts";

/** The ends of the names that SQLite opens: the database, its log, the log's index, the journal. */
const ENDS = ["", "-wal", "-shm", "-journal"] as const;

/**
 * Checks all files of a database that exist.
 *
 * @param path The database file.
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
