/**
 * Where a user's programs keep what lasts as long as they run: for the locks of
 * systems that have no better place.
 *
 * Everybody may write to the directory of temporary files, so a name there that
 * somebody else has made, or may change, is not used.
 *
 * @module
 */

import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import process from "node:process";

export interface RuntimeDirSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly tmp: string;
  /** Absent on Windows. */
  readonly uid?: number | undefined;
}

/**
 * A directory of this user's alone: `$XDG_RUNTIME_DIR`, or one made among the temporary files.
 *
 * @returns `undefined` where there is none to be trusted.
 */
export function runtimeDir(
  { env, tmp, uid }: RuntimeDirSources = {
    env: process.env,
    tmp: tmpdir(),
    uid: process.getuid?.(),
  },
): string | undefined {
  const named = env["XDG_RUNTIME_DIR"];
  if (named && isAbsolute(named) && isOursAlone(named, uid)) return named;
  const made = join(tmp, `barnacle-${uid ?? "user"}`);
  try {
    mkdirSync(made, { mode: 0o700 });
  } catch {
    // It is there already, or cannot be made: the next line tells.
  }
  return isOursAlone(made, uid) ? made : undefined;
}

/** Not by way of a link, which somebody else may have laid. */
function isOursAlone(path: string, uid: number | undefined): boolean {
  try {
    const found = lstatSync(path);
    if (!found.isDirectory()) return false;
    return uid === undefined || (found.uid === uid && (found.mode & 0o077) === 0);
  } catch {
    return false; // there is none
  }
}
