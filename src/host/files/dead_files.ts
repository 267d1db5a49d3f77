/**
 * Removes unfinished files of processes that died.
 *
 * Each process puts its number into the name of its unfinished files. So two processes at once need no
 * lock: neither writes or removes a file of the other.
 */

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { codeOf } from "../../lib/errors.ts";

/**
 * Removes them from a folder.
 *
 * @param form Matches their names; its first group is the number of the process.
 */
export function removeDeadFiles(folder: string, form: RegExp): void {
  for (const name of readdirSync(folder)) {
    const pid = form.exec(name)?.[1];
    if (pid !== undefined && !isOther(Number(pid))) {
      rmSync(join(folder, name), { force: true, recursive: true });
    }
  }
}

/** Whether another process has this number; an earlier one had the number of this process. */
function isOther(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}
