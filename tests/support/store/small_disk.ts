/** Gives tests a disk that can be full: a small one in memory, which only root may mount. */

import { execFileSync } from "node:child_process";
import process from "node:process";
import { skipUnless } from "../skip.ts";
import { tempDirectory } from "../temp_directory.ts";

const canMount = process.platform === "linux" && process.geteuid?.() === 0 && mounts();

export const NEEDS_SMALL_DISK = skipUnless(canMount, "no tmpfs for a full disk");

/** Mounts a disk of this size in KiB. */
export function mountSmallDisk(kib: number) {
  const folder = tempDirectory();
  const mount = (options: string) =>
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "none", folder.path]);
  mount(`size=${kib}k`);
  return {
    path: folder.path,
    /** Makes room. */
    grow: () => mount("remount,size=64m"),
    [Symbol.dispose]() {
      execFileSync("umount", [folder.path]);
      folder[Symbol.dispose]();
    },
  };
}

/** Whether this process may mount. */
function mounts(): boolean {
  using folder = tempDirectory();
  try {
    execFileSync("mount", ["-t", "tmpfs", "none", folder.path], { stdio: "ignore" });
    execFileSync("umount", [folder.path]);
    return true;
  } catch {
    return false;
  }
}
