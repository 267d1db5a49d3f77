/**
 * Checks whether other users may read, write or replace the config (C8, SEC-R11).
 *
 * The mode of a file protects its content only. A user who may write its folder can put another
 * file in its place. A user who may write a folder above can exchange the whole folder.
 */

import { printable } from "../../lib/text/quoted.ts";
import type { Problem } from "../text/problem.ts";

/** POSIX facts of a file and of the process; Windows has none. */
export interface FileFacts {
  readonly path: string;
  /** Permission bits, such as `0o640`; bits above 0o777 do not matter. */
  readonly mode: number;
  /** Owner of the file. */
  readonly uid: number;
  /** Group of the file. */
  readonly gid: number;
  readonly self: {
    readonly uid: number;
    /** The process's own group. */
    readonly gid: number;
  };
  /** Whether it contains a secret: a literal in the config, or a file with one. */
  readonly holdsSecret: boolean;
  /** Whether it is the config, and not only a file with a secret. */
  readonly isConfig: boolean;
}

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

const OTHERS = 0o007;
const OTHERS_WRITE = 0o002;
const GROUP_READ = 0o040;
const GROUP_WRITE = 0o020;
/** In such a folder, users may rename and remove their own files only. */
const STICKY = 0o1000;

/** Problems of a file's mode and owner: warnings, and errors that prevent the start. */
export function auditPermissions(facts: FileFacts): readonly Problem[] {
  const { path, mode, uid, gid, self, holdsSecret, isConfig } = facts;
  const foreignGroup = gid !== self.gid;
  const { problems, add } = problemsOf(path);
  const shownMode = octal(mode & 0o777);
  if (isConfig && uid !== 0 && uid !== self.uid) {
    add(
      "error",
      `Another user (uid ${uid}) owns the file, and could change it at any time`,
      `chown ${self.uid} ${printable(path)}, or --insecure-permissions to start anyway`,
    );
  }
  if (isConfig && ((mode & OTHERS_WRITE) !== 0 || (foreignGroup && (mode & GROUP_WRITE) !== 0))) {
    add(
      "error",
      `Other users may write the file (mode ${shownMode})`,
      `chmod 600 ${printable(path)}, or --insecure-permissions to start anyway`,
    );
  }
  // Only root can give root's file to a group, as `service install` does. So its members may read it.
  const isGiven = self.uid === 0 && uid === 0;
  const groupReads = foreignGroup && !isGiven && (mode & GROUP_READ) !== 0;
  if (holdsSecret && ((mode & OTHERS) !== 0 || groupReads)) {
    add(
      "warning",
      `The file contains a secret, and other users may read it (mode ${shownMode})`,
      `chmod 600 ${printable(path)}`,
    );
  }
  return problems;
}

/**
 * Problems of the folders of a config: errors that prevent the start, and warnings.
 *
 * Groups and owners count for the file's own folder only: some systems have trusted groups for
 * folders such as `/usr/local`.
 */
export function auditFolders(
  file: string,
  folders: readonly FolderFacts[],
  self: { readonly uid: number; readonly gid: number },
): readonly Problem[] {
  return folders.flatMap(({ path, mode, uid, gid, isDirect }) => {
    const { problems, add } = problemsOf(file);
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
    const shown = `the folder ${printable(path)} (mode ${octal(mode & 0o1777)})`;
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

function problemsOf(file: string) {
  const problems: Problem[] = [];
  const add = (severity: Problem["severity"], message: string, hint: string) =>
    problems.push({ severity, file, path: "", message, hint });
  return { problems, add };
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
