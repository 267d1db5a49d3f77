/**
 * Whose a listening socket in the abstract namespace is, by the kernel's word.
 *
 * Such a name has no owner and no permissions, so what is said on it may be
 * said by anybody; what `/proc` says of it is not.
 *
 * @module
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { codeOf } from "../../lib/error_code.ts";

/** What is read of `/proc`; each throws where it may not be read. */
export interface SocketTables {
  /** `/proc/self/net/unix`; what is not below a pid may be hidden from a service. */
  readonly sockets: () => string;
  /** What each open file of a process is: `"socket:[635990]"`. */
  readonly filesOf: (pid: number) => readonly string[];
}

const TABLES: SocketTables = {
  sockets: () => readFileSync("/proc/self/net/unix", "utf8"),
  filesOf: (pid) =>
    readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)];
      } catch {
        return []; // closed since it was listed
      }
    }),
};

/**
 * @param name Without the zero that it begins with.
 * @returns `undefined` where there is no telling, as of another user's process.
 */
export function holdsSocket(
  pid: number,
  name: string,
  tables: SocketTables = TABLES,
): boolean | undefined {
  try {
    const inodes = listenersOf(tables.sockets(), name);
    const files = filesOf(tables, pid);
    return inodes.some((inode) => files.includes(`socket:[${inode}]`));
  } catch {
    return undefined; // no /proc, or none of this process
  }
}

/** A process that is gone, or never was, has none. */
function filesOf(tables: SocketTables, pid: number): readonly string[] {
  try {
    return tables.filesOf(pid);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** `SO_ACCEPTCON`, which the sockets of those who have connected do not have. */
const LISTENING = "00010000";

/** The inodes of those that listen: `Num: RefCount Protocol Flags Type St Inode Path`. */
function listenersOf(table: string, name: string): readonly string[] {
  return table.split("\n").flatMap((line) => {
    const [, , , flags, , , inode, path] = line.trim().split(/\s+/);
    return path === `@${name}` && flags === LISTENING && inode !== undefined ? [inode] : [];
  });
}
