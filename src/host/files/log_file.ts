/**
 * Writes the log's file (`log.file`), and replaces it before it grows too large (O2).
 *
 * The file `x.log` has its older parts beside it: `x.log.1` is the newest of them. So a log takes a
 * bounded part of the disk without another program.
 */

import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import { codeOf } from "../../lib/errors.ts";

const OLDER_FILES = 4;

/** Paths of a log's files, the newest first; some of them may not exist. */
function logFilesOf(path: string): readonly string[] {
  return [path, ...Array.from({ length: OLDER_FILES }, (_, at) => `${path}.${at + 1}`)];
}

/**
 * Opens the file, which only this user may read.
 *
 * @returns Appends whole lines. It never throws.
 * @throws {Error} If the file cannot be opened.
 */
export function openLogFile(
  { path, maxBytes, onFailed }: {
    /** Absolute path. */
    readonly path: string;
    /** Size of the file and its older ones together. */
    readonly maxBytes: number;
    /** Gets the first of several failures in a row; those lines are lost. */
    readonly onFailed: (error: unknown) => void;
  },
): (lines: string) => void {
  const files = logFilesOf(path);
  const most = maxBytes / files.length;
  let { fd, size } = open(path);
  let isFailing = false;

  function replace(): void {
    for (let at = files.length - 1; at > 0; at -= 1) {
      const [from = path, to = path] = [files[at - 1], files[at]];
      try {
        renameSync(from, to);
      } catch (error) {
        if (codeOf(error) !== "ENOENT") throw error;
      }
    }
    closeSync(fd);
    ({ fd, size } = open(path));
  }

  return (lines) => {
    try {
      if (size > 0 && size + lines.length > most) replace();
      size += writeSync(fd, lines);
      isFailing = false;
    } catch (error) {
      if (isFailing) return;
      isFailing = true;
      onFailed(error);
    }
  };
}

function open(path: string): { readonly fd: number; readonly size: number } {
  const fd = openSync(path, "a", 0o600);
  return { fd, size: fstatSync(fd).size };
}
