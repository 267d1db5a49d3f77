/**
 * Reads the permissions of all folders by which a file can be exchanged.
 *
 * @module
 */

import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { codeOf } from "../../lib/errors.ts";

/** POSIX facts of a folder. */
export interface FolderStat {
  /** Absolute path without links. */
  readonly path: string;
  /** Permission bits with the sticky bit, below the bits of its type. */
  readonly mode: number;
  /** Owner. */
  readonly uid: number;
  /** Group. */
  readonly gid: number;
  /** Whether the file, or a link to it, is in it. */
  readonly isDirect: boolean;
}

/**
 * Reads the folder of a file and all folders above, up to the root. If the path is a link, the
 * folders of its target count too. Folders of a read-only file system are left out, because no one
 * can change them: Kubernetes mounts a config with the mode 777 in such a one.
 *
 * @param path An existing file.
 * @throws If the path, or a folder of it, does not exist.
 */
export function foldersOf(path: string): readonly FolderStat[] {
  const direct = new Set([realpathSync(dirname(path)), dirname(realpathSync(path))]);
  const all = new Set([...direct].flatMap(upFrom));
  return [...all].filter((folder) => !isReadOnly(folder)).map((folder) => {
    const { mode, uid, gid } = statSync(folder);
    return { path: folder, mode, uid, gid, isDirect: direct.has(folder) };
  });
}

/** `["/etc/barnacle", "/etc", "/"]`. */
function upFrom(folder: string): readonly string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...upFrom(above)];
}

/** Deno answers from the mode, without asking the kernel; so on Deno, no folder is read-only. */
function isReadOnly(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return false;
  } catch (error) {
    return codeOf(error) === "EROFS";
  }
}
