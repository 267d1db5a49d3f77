/**
 * Checks whether other users may read or write the config (C8, SEC-R11).
 *
 * @module
 */

import { printable } from "../../lib/text/quoted.ts";
import { type Problem } from "../text/problem.ts";

/** POSIX facts of a file and of the process; Windows has none. */
export interface FileFacts {
  /** Path of the file. */
  readonly path: string;
  /** Permission bits, such as `0o640`; bits above 0o777 do not matter. */
  readonly mode: number;
  /** Owner of the file. */
  readonly uid: number;
  /** Group of the file. */
  readonly gid: number;
  /** The process's own ids. */
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

const OTHERS = 0o007;
const OTHERS_WRITE = 0o002;
const GROUP_READ = 0o040;
const GROUP_WRITE = 0o020;

/** Problems of a file's mode and owner: warnings, and errors that prevent the start. */
export function auditPermissions(facts: FileFacts): readonly Problem[] {
  const { path, mode, uid, gid, self, holdsSecret, isConfig } = facts;
  const foreignGroup = gid !== self.gid;
  const problems: Problem[] = [];

  if (isConfig && uid !== 0 && uid !== self.uid) {
    problems.push({
      severity: "error",
      file: path,
      path: "",
      message: `Another user (uid ${uid}) owns the file, and could change it at any time`,
      hint: `chown ${self.uid} ${printable(path)}, or --insecure-permissions to start anyway`,
    });
  }
  if (isConfig && ((mode & OTHERS_WRITE) !== 0 || (foreignGroup && (mode & GROUP_WRITE) !== 0))) {
    problems.push({
      severity: "error",
      file: path,
      path: "",
      message: `Other users may write the file (mode ${octal(mode)})`,
      hint: `chmod 600 ${printable(path)}, or --insecure-permissions to start anyway`,
    });
  }
  if (holdsSecret && ((mode & OTHERS) !== 0 || (foreignGroup && (mode & GROUP_READ) !== 0))) {
    problems.push({
      severity: "warning",
      file: path,
      path: "",
      message: `The file contains a secret, and other users may read it (mode ${octal(mode)})`,
      hint: `chmod 600 ${printable(path)}`,
    });
  }
  return problems;
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, "0");
}
