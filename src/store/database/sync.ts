/**
 * Waits until the disk has a file, as SQLite does for its own.
 *
 * @module
 */

import { closeSync, fsyncSync, openSync } from "node:fs";
import process from "node:process";

export function syncFile(path: string): void {
  sync(path, "r+");
}

/** The names in a directory; Windows keeps them by itself and opens no directory. */
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
