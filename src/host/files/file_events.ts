/**
 * Asks the kernel to report changes of a file, so that an idle process need not poll.
 *
 * The watch is on the file itself, not on its directory: the database may be in the same directory,
 * and each of its writes would wake the process. The kernel also reports a file that another one
 * replaces, because it loses its name; after that, the listener must start again. For a link, its
 * directory is watched too, because the link itself changes.
 *
 * @module
 */

import { lstatSync, statfsSync, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";

/**
 * Calls back at each event of the file, several times for one change.
 *
 * @returns Stops listening; `undefined` if the kernel reports nothing: the file does not exist, is
 * on a network file system, or the system has no watch left.
 */
export type FileEvents = (path: string, onEvent: () => void) => (() => void) | undefined;

/**
 * Magic numbers of Linux file systems that others change without this kernel's knowledge: NFS, SMB
 * (three numbers), FUSE (and virtiofs), 9P, Ceph, AFS, VirtualBox.
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

/** Reports the kernel's events of a file. */
export function fileEvents(path: string, onEvent: () => void): (() => void) | undefined {
  const ends: (() => void)[] = [];
  const end = () => ends.splice(0).forEach((stop) => stop());
  try {
    statSync(path);
    if (process.platform === "linux" && REMOTE.has(statfsSync(path).type >>> 0)) return undefined;
    const isLink = lstatSync(path).isSymbolicLink();
    for (const watched of isLink ? [path, dirname(path)] : [path]) {
      const watcher = watch(watched, { persistent: false }, onEvent);
      watcher.on("error", onEvent); // the next check finds the state
      ends.push(() => watcher.close());
    }
    return end;
  } catch {
    end(); // no file, no permission, or no watch left: the slow check finds changes
    return undefined;
  }
}
