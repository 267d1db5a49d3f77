/**
 * Chooses the data directory, and makes sure that only this user can read it (X2).
 *
 * Barnacle refuses a directory that holds files of other users or programs: `--data /tmp` must not
 * lock everyone out of `/tmp`.
 *
 * Files that last as long as a program runs have a directory of their own: the locks of bot tokens are
 * there. Every user may write to the directory of temporary files. So a name
 * there that another user has created, or may change, is not used.
 */

import process from "node:process";
import {
  accessSync,
  chmodSync,
  constants,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { isAbsolute, join, posix, resolve, win32 } from "node:path";
import { homedir } from "node:os";
import type { Env } from "../../lib/env.ts";
import { codeOf, PathError, wordsOfCode } from "../../lib/errors.ts";

/**
 * - `not_a_directory`: the path is something else.
 * - `not_ours`: another user owns it.
 * - `not_private`: others can read it, and it holds files that are not Barnacle's.
 * - `unwritable`: Barnacle cannot create it or write to it.
 */
export type DataDirErrorKind =
  | "not_a_directory"
  | "not_ours"
  | "not_private"
  | "unwritable";

/** The data directory cannot be used; the message says what to do. */
export class DataDirError extends PathError<DataDirErrorKind> {
  override readonly name = "DataDirError";
}

export interface DataDirSources {
  /** `--data`. */
  readonly flag?: string;
  readonly env: Env;
  readonly home: string;
  /** In the runtime's names; this machine's if absent. */
  readonly platform?: string;
}

/** The store's file name, which marks a directory as Barnacle's. */
export const DATABASE_NAME = "barnacle.db";

export const MEDIA_NAME = "media";

export const BACKUPS_NAME = "backups";

/** The folder to which a restore moves the old data. */
export function oldContentName(stamp: string): string {
  return `before-restore-${stamp}.bak`;
}

export function isOldContent(name: string): boolean {
  return name.startsWith("before-restore-") && name.endsWith(".bak");
}

/** The folder for people's own sign-ins: no server has this name, and no backup takes it (T13a). */
export const OWN_LOGINS = "mcp/own.logins";

export function dropLogins(dataDir: string, userId: string): void {
  rmSync(join(dataDir, OWN_LOGINS, userId), { recursive: true, force: true });
}

/** Hashes of the people who were forgotten. */
export const FORGOTTEN_NAME = "forgotten.jsonl";

/** Files and folders that a backup has and a restore replaces. All others belong to this machine. */
export const DATA_ITEMS = [DATABASE_NAME, "agents", MEDIA_NAME, "mcp", FORGOTTEN_NAME] as const;

/**
 * Chooses the directory: `--data`, `BARNACLE_DATA`, `$STATE_DIRECTORY` (systemd; the first, if it
 * names several), `$XDG_DATA_HOME/barnacle`, or else `~/.local/share/barnacle`; on Windows
 * `%LOCALAPPDATA%\\barnacle\\data`, which does not roam to other machines. Empty values are
 * ignored, and so is a relative `$XDG_DATA_HOME`, as its specification demands.
 *
 * @returns An absolute path; relative values count from the working directory.
 */
export function findDataDir(
  { flag, env, home, platform = process.platform }: DataDirSources,
): string {
  const isWindows = platform === "win32";
  const named = flag || env["BARNACLE_DATA"];
  if (named) return (isWindows ? win32 : posix).resolve(named);
  if (isWindows) return win32.join(localFolder(env, home), "data");
  const [state] = env["STATE_DIRECTORY"]?.split(":") ?? [];
  if (state) return resolve(state);
  const xdg = env["XDG_DATA_HOME"];
  return xdg && isAbsolute(xdg) ? join(xdg, "barnacle") : join(home, ".local", "share", "barnacle");
}

/** Barnacle's folder for files of this machine, on Windows. */
function localFolder(env: Env, home: string): string {
  const local = env["LOCALAPPDATA"];
  const isSet = local !== undefined && win32.isAbsolute(local);
  return win32.join(isSet ? local : win32.join(home, "AppData", "Local"), "barnacle");
}

/**
 * Creates the directory if needed, and makes sure that it is ours, private and writable.
 *
 * @throws {DataDirError} If it cannot be used, or must not be made private.
 */
export function prepareDataDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(path);
    if (process.platform !== "win32") { // Windows has no modes; `doctor` reads its access list
      refuseStranger(path, uid);
      if ((mode & 0o077) !== 0) makePrivate(path);
    }
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw cause instanceof DataDirError ? cause : toDataDirError(cause, path);
  }
}

function refuseStranger(path: string, owner: number): void {
  const us = process.geteuid?.();
  if (us === undefined || us === owner) return;
  throw new DataDirError(
    `The data directory ${path} belongs to user ${owner}, but Barnacle runs as user ${us}. ` +
      `Run it as that user, change the owner with \`chown ${us} ${path}\`, ` +
      "or choose another directory with --data",
    { kind: "not_ours", path },
  );
}

function makePrivate(path: string): void {
  const names = readdirSync(path);
  if (names.length > 0 && !names.includes(DATABASE_NAME)) {
    throw new DataDirError(
      `Others can read the data directory ${path}, and it holds files that are not Barnacle's. ` +
        `Choose a separate directory with --data, or make this one private with \`chmod 700 ${path}\``,
      { kind: "not_private", path },
    );
  }
  chmodSync(path, 0o700);
}

function toDataDirError(cause: unknown, path: string): DataDirError {
  const code = codeOf(cause);
  const reason = code === "EEXIST"
    ? "it is no folder"
    : wordsOfCode(cause) ?? (cause instanceof Error ? cause.message : String(cause));
  const kind = code === "EEXIST" || code === "ENOTDIR" ? "not_a_directory" : "unwritable";
  return new DataDirError(
    `Cannot use the data directory ${path} (${reason}). ` +
      "Make it writable, or choose another one with --data",
    { kind, path, cause },
  );
}

/**
 * Returns a directory that only this user can change: `$XDG_RUNTIME_DIR` or its usual place, or a new one
 * among the temporary files; on Windows, one beside the data directory of this user.
 *
 * @returns `undefined` if there is no safe one.
 */
export function runtimeDir(
  { env, tmp, uid, platform = "" }: {
    readonly env: Env;
    readonly tmp: string;
    /** Absent on Windows. */
    readonly uid?: number;
    readonly platform?: string;
    // Not `tmpdir()`: starts with another TMPDIR must find the same folder.
  } = { env: process.env, tmp: "/tmp", uid: process.getuid?.(), platform: process.platform },
): string | undefined {
  if (platform === "win32") {
    const folder = join(localFolder(env, homedir()), "run");
    try {
      mkdirSync(folder, { recursive: true });
      return folder;
    } catch {
      return undefined; // no profile of this user
    }
  }
  // A start by `su` or `cron` lacks the variable, and must find the same folder.
  const named = env["XDG_RUNTIME_DIR"] || `/run/user/${uid}`;
  if (isAbsolute(named) && isOursAlone(named, uid)) return named;
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
