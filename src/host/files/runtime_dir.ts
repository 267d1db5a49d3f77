/**
 * Finds the directory for files that last as long as a program runs. Systems without abstract
 * sockets keep their locks there.
 *
 * Every user may write to the directory of temporary files. So a name there that another user has
 * created, or may change, is not used.
 *
 * @module
 */

import type { Env } from "../../lib/env.ts";
import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import process from "node:process";

/** The sources that may name the directory. */
export interface RuntimeDirSources {
  /** The process environment. */
  readonly env: Env;
  /** Folder for temporary files. */
  readonly tmp: string;
  /** Absent on Windows. */
  readonly uid?: number | undefined;
}

/**
 * Returns a directory that only this user can change: `$XDG_RUNTIME_DIR`, or a new one among the
 * temporary files.
 *
 * @returns `undefined` if there is no safe one.
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
    // It exists already, or cannot be created: the next line finds out.
  }
  return isOursAlone(made, uid) ? made : undefined;
}

/** Does not follow a link, which another user may have created. */
function isOursAlone(path: string, uid: number | undefined): boolean {
  try {
    const found = lstatSync(path);
    if (!found.isDirectory()) return false;
    return uid === undefined || (found.uid === uid && (found.mode & 0o077) === 0);
  } catch {
    return false; // it does not exist
  }
}
