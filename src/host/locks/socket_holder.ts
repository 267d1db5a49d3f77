/**
 * Asks the kernel which process listens on a socket in the abstract namespace.
 *
 * Such a name has no owner and no permissions, so any process could give any answer on it; `/proc`
 * cannot be forged.
 *
 * @module
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { codeOf } from "../../lib/error_code.ts";

/** Readers of `/proc`; each throws if it may not read. */
export interface SocketTables {
  /** `/proc/self/net/unix`; files outside a pid's folder may be hidden from a service. */
  readonly sockets: () => string;
  /** The target of each open file of a process, such as `"socket:[635990]"`. */
  readonly filesOf: (pid: number) => readonly string[];
}

const TABLES: SocketTables = {
  sockets: () => readFileSync("/proc/self/net/unix", "utf8"),
  filesOf: (pid) =>
    readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)];
      } catch {
        return []; // closed after it was listed
      }
    }),
};

/**
 * Whether a process listens on a name.
 *
 * @param name Without the leading zero byte.
 * @returns `undefined` if this cannot be found out, for instance for another user's process.
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
    return undefined; // no /proc, or none for this process
  }
}

/** A process that has ended, or never existed, has no sockets. */
function filesOf(tables: SocketTables, pid: number): readonly string[] {
  try {
    return tables.filesOf(pid);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** `SO_ACCEPTCON`, which the sockets of connected clients do not have. */
const LISTENING = "00010000";

/**
 * Inodes of the listening sockets, from lines `Num: RefCount Protocol Flags Type St Inode Path`.
 */
function listenersOf(table: string, name: string): readonly string[] {
  return table.split("\n").flatMap((line) => {
    const [, , , flags, , , inode, path] = line.trim().split(/\s+/);
    return path === `@${name}` && flags === LISTENING && inode !== undefined ? [inode] : [];
  });
}
