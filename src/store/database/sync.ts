/**
 * Waits until a file is on the disk, as SQLite does for its own files.
 *
 * @module
 */

import { closeSync, fsyncSync, openSync } from "node:fs";
import process from "node:process";

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
