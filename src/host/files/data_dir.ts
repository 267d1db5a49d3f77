/**
 * Where everything lives that Barnacle keeps, and that nobody else reads it (X2).
 *
 * A directory that holds other people's or other programs' files is refused
 * rather than made private: `--data /tmp` must not lock everybody out of `/tmp`.
 *
 * @module
 */

import { accessSync, chmodSync, constants, mkdirSync, readdirSync, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import process from "node:process";
import { codeOf } from "../../lib/error_code.ts";

/**
 * - `not_a_directory`: something else has the name.
 * - `not_ours`: another user owns it.
 * - `not_private`: others can read it, and what is in it is not Barnacle's.
 * - `unwritable`: it cannot be made or written to.
 */
export type DataDirErrorKind = "not_a_directory" | "not_ours" | "not_private" | "unwritable";

/** The data directory cannot be used as it is; the message says what to do. */
export class DataDirError extends Error {
  override readonly name = "DataDirError";
  readonly kind: DataDirErrorKind;
  readonly path: string;

  constructor(
    message: string,
    details: { readonly kind: DataDirErrorKind; readonly path: string; readonly cause?: unknown },
  ) {
    super(message, { cause: details.cause });
    this.kind = details.kind;
    this.path = details.path;
  }
}

export interface DataDirSources {
  /** `--data`. */
  readonly flag?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home directory. */
  readonly home: string;
}

/** The name of the store in it; by it a directory is known to be Barnacle's. */
export const DATABASE_NAME = "barnacle.db";

/**
 * Which directory it is: `--data`, `BARNACLE_DATA`, `$STATE_DIRECTORY` (systemd;
 * the first, where it names several), `$XDG_DATA_HOME/barnacle`, and else
 * `~/.local/share/barnacle`. An empty value is none, and so is a relative
 * `$XDG_DATA_HOME`, as its specification demands.
 *
 * @returns An absolute path; what was written relative counts from the working directory.
 */
export function findDataDir({ flag, env, home }: DataDirSources): string {
  const named = flag || env["BARNACLE_DATA"] || env["STATE_DIRECTORY"]?.split(":")[0];
  if (named) return resolve(named);
  const xdg = env["XDG_DATA_HOME"];
  return xdg && isAbsolute(xdg) ? join(xdg, "barnacle") : join(home, ".local", "share", "barnacle");
}

/**
 * Makes the directory where need be, and sees that it is ours, private and writable.
 *
 * @throws {DataDirError} Where it is not, and is not to be made so.
 */
export function prepareDataDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(path);
    if (process.platform !== "win32") { // Windows has no modes; a user's folder is his there
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
    `The data directory ${path} belongs to user ${owner}, and Barnacle runs as user ${us}; ` +
      `run it as that user, give the directory away by \`chown ${us} ${path}\`, ` +
      "or name another one by --data",
    { kind: "not_ours", path },
  );
}

function makePrivate(path: string): void {
  const names = readdirSync(path);
  if (names.length > 0 && !names.includes(DATABASE_NAME)) {
    throw new DataDirError(
      `Others can read the data directory ${path}, and it holds files that are not Barnacle's; ` +
        `name a directory of its own by --data, or make this one private by \`chmod 700 ${path}\``,
      { kind: "not_private", path },
    );
  }
  chmodSync(path, 0o700);
}

function toDataDirError(cause: unknown, path: string): DataDirError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const code = codeOf(cause);
  const kind = code === "EEXIST" || code === "ENOTDIR" ? "not_a_directory" : "unwritable";
  return new DataDirError(
    `Cannot use the data directory ${path} (${reason}); ` +
      "see that it can be made and written to, or name another one by --data",
    { kind, path, cause },
  );
}
