/**
 * Asks the kernel which processes listen on which names of the abstract socket namespace.
 *
 * Such a name has no owner and no permissions, so any process could give any answer on it; `/proc`
 * cannot be forged.
 *
 * @module
 */

import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { codeOf } from "../../lib/errors.ts";

/** Readers of `/proc`; each throws if it may not read. */
export interface SocketTables {
  /** `/proc/self/net/unix`; files outside a pid's folder may be hidden from a service. */
  readonly sockets: () => string;
  /** The target of each open file of a process, such as `"socket:[635990]"`. */
  readonly filesOf: (pid: number) => readonly string[];
  /** Ids of a user's processes. */
  readonly pidsOf: (uid: number) => readonly number[];
}

/** The kernel's own. */
export const TABLES: SocketTables = {
  sockets: () => readFileSync("/proc/self/net/unix", "utf8"),
  filesOf: (pid) =>
    readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)];
      } catch {
        return []; // closed after it was listed
      }
    }),
  pidsOf: (uid) =>
    readdirSync("/proc").map(Number).filter((pid) =>
      Number.isInteger(pid) && statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === uid
    ),
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
    const listeners = listenersIn(tables.sockets()).filter((listener) => listener.name === name);
    const files = filesOf(tables, pid);
    return listeners.some(({ inode }) => files.includes(`socket:[${inode}]`));
  } catch {
    return undefined; // no /proc, or none for this process
  }
}

/**
 * Whether a process of a user listens on a name.
 *
 * @param uid `undefined` on Windows.
 * @param name Without the leading zero byte.
 */
export function isHeldByUser(
  uid: number | undefined,
  name: string,
  tables: SocketTables = TABLES,
): boolean {
  if (uid === undefined) return false;
  try {
    return tables.pidsOf(uid).some((pid) => holdsSocket(pid, name, tables) === true);
  } catch {
    return false; // no /proc
  }
}

/**
 * Names that some process listens on.
 *
 * @param pattern Matches whole names, which have no leading zero byte here.
 * @returns An empty list without `/proc`.
 */
export function namesListenedOn(
  pattern: RegExp,
  tables: Pick<SocketTables, "sockets"> = TABLES,
): readonly string[] {
  try {
    const names = listenersIn(tables.sockets()).map(({ name }) => name);
    return [...new Set(names)].filter((name) => pattern.test(name));
  } catch {
    return [];
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
 * The listening sockets with a name, from lines `Num: RefCount Protocol Flags Type St Inode Path`.
 */
function listenersIn(table: string): readonly { readonly name: string; readonly inode: string }[] {
  return table.split("\n").flatMap((line) => {
    const [, , , flags, , , inode, path] = line.trim().split(/\s+/);
    return path?.startsWith("@") && flags === LISTENING && inode !== undefined
      ? [{ name: path.slice(1), inode }]
      : [];
  });
}
