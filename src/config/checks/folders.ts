/**
 * Checks whether other users may replace the config by way of its folders (SEC-R11).
 *
 * The mode of a file protects its content only. A user who may write its folder can put another
 * file in its place. A user who may write a folder above can exchange the whole folder.
 *
 * @module
 */

import { printable } from "../../lib/text/quoted.ts";
import type { Problem } from "../text/problem.ts";

/** POSIX facts of a folder. */
export interface FolderFacts {
  /** Absolute path without links. */
  readonly path: string;
  /** Permission bits with the sticky bit, such as `0o1777`; other bits do not matter. */
  readonly mode: number;
  /** Owner of the folder. */
  readonly uid: number;
  /** Group of the folder. */
  readonly gid: number;
  /** Whether the file is in it, and not in a folder below. */
  readonly isDirect: boolean;
}

const OTHERS_WRITE = 0o002;
const GROUP_WRITE = 0o020;
/** In such a folder, users may rename and remove their own files only. */
const STICKY = 0o1000;
const MODE = 0o1777;

/**
 * Problems of the folders of a config: errors that prevent the start, and warnings.
 *
 * Groups and owners count for the file's own folder only: some systems have trusted groups for
 * folders such as `/usr/local`.
 *
 * @param file Path of the config, for the problems.
 * @param self The process's own ids.
 */
export function auditFolders(
  file: string,
  folders: readonly FolderFacts[],
  self: { readonly uid: number; readonly gid: number },
): readonly Problem[] {
  return folders.flatMap(({ path, mode, uid, gid, isDirect }) => {
    const problems: Problem[] = [];
    const add = (severity: Problem["severity"], message: string, hint: string) =>
      problems.push({ severity, file, path: "", message, hint });
    if (isDirect && uid !== 0 && uid !== self.uid) {
      add(
        "error",
        `Another user (uid ${uid}) owns the folder ${printable(path)}, and could replace the file`,
        `chown ${self.uid} ${printable(path)}, or --insecure-permissions to start anyway`,
      );
    }
    const isGroupForeign = isDirect && gid !== self.gid;
    if ((mode & OTHERS_WRITE) === 0 && !(isGroupForeign && (mode & GROUP_WRITE) !== 0)) {
      return problems;
    }
    const shown = `the folder ${printable(path)} (mode ${
      (mode & MODE).toString(8).padStart(4, "0")
    })`;
    if ((mode & STICKY) === 0) {
      add(
        "error",
        `Other users may write ${shown}, and could replace the file`,
        `chmod go-w ${printable(path)}, or --insecure-permissions to start anyway`,
      );
    } else if (isDirect) {
      add(
        "warning",
        `Other users may create files in ${shown}, beside the config`,
        "move the config to a folder that only you can write",
      );
    }
    return problems;
  });
}
