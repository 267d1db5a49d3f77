/**
 * Asks the kernel to tell when a file changes, so that an idle process need not look.
 *
 * The file itself is watched, not its directory: the database may be in the same one, and each of its
 * writes would wake the process. A file that another takes the place of is told as well, since it
 * loses its name; after that, whoever listens asks again. Only of a link is the directory watched
 * too, for the link is what changes.
 *
 * @module
 */

import { lstatSync, statfsSync, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";

/**
 * Calls back at each event of the file, several times for one change.
 *
 * @returns What ends it; `undefined` where the kernel tells nothing: the file is not there, is on
 * another machine's disk, or the system has no watch left.
 */
export type FileEvents = (path: string, onEvent: () => void) => (() => void) | undefined;

/**
 * File systems of Linux that others write to without this kernel's knowledge: NFS, SMB (3 of them),
 * FUSE (and virtiofs), 9P, Ceph, AFS, VirtualBox.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/statfs.2.html}
 */
const REMOTE: ReadonlySet<number> = new Set([
  0x6969,
  0x517b,
  0xff534d42,
  0xfe534d42,
  0x65735546,
  0x01021997,
  0x00c36400,
  0x5346414f,
  0x786f4256,
]);

export const fileEvents: FileEvents = (path, onEvent) => {
  const ends: (() => void)[] = [];
  const end = () => ends.splice(0).forEach((one) => one());
  try {
    statSync(path);
    if (process.platform === "linux" && REMOTE.has(statfsSync(path).type >>> 0)) return undefined;
    const isLink = lstatSync(path).isSymbolicLink();
    for (const watched of isLink ? [path, dirname(path)] : [path]) {
      const watcher = watch(watched, { persistent: false }, onEvent);
      watcher.on("error", onEvent); // the look that follows finds out what there is
      ends.push(() => watcher.close());
    }
    return end;
  } catch {
    end(); // no file, no right, or no watch left: the slow look finds what changes
    return undefined;
  }
};
