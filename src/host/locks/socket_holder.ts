/**
 * Asks the kernel which processes, and which users, listen on names of the abstract socket namespace.
 *
 * Such a name has no owner and no permissions, so any process could give any answer on it; `/proc`
 * cannot be forged.
 */

import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { endianness } from "node:os";
import { codeOf } from "../../lib/errors.ts";
import { PROC } from "../process/boot.ts";
import { type CFunction, LibcUnavailableError, loadLibc } from "../process/libc.ts";

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
  sockets: () => readFileSync(`${PROC}/self/net/unix`, "utf8"),
  filesOf: openFilesOf,
  pidsOf: (uid) =>
    readdirSync(PROC).map(Number).filter((pid) =>
      Number.isInteger(pid) && statSync(`${PROC}/${pid}`, { throwIfNoEntry: false })?.uid === uid
    ),
};

/**
 * Reads the target of each open file of a process.
 *
 * The kernel lists the files of a process in another user namespace, such as a service with
 * `PrivateUsers=yes`, and refuses their targets. That is no process without files.
 *
 * @throws The system's error if it may not read them.
 */
export function openFilesOf(pid: number, readLink = readlinkSync): readonly string[] {
  return readdirSync(`${PROC}/${pid}/fd`).flatMap((descriptor) => {
    try {
      return [String(readLink(`${PROC}/${pid}/fd/${descriptor}`))];
    } catch (error) {
      if (codeOf(error) === "ENOENT") return []; // closed after it was listed
      throw error;
    }
  });
}

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

/** The process that listens on a name, as the kernel sees it. */
export interface NameOwner {
  /** User id; 65534 if the user namespace of this process does not map the user. */
  readonly uid: number;
  /** Process id; 0 for a process in a foreign pid namespace. */
  readonly pid: number;
}

/** Values of Linux, the same on x64 and on arm64. */
const AF_UNIX = 1;
const STREAM_NONBLOCK_CLOEXEC = 0o1 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** `struct ucred`: pid, uid and gid, of four bytes each. */
const UCRED_BYTES = 12;

const SIGNATURES = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

/**
 * Finds the owner of a name. It sends nothing and never waits.
 *
 * @param name Without the leading zero byte.
 * @returns `undefined` if no process listens, if its queue of connections is full, or if the C
 * library cannot be called.
 */
export async function ownerOfName(name: string): Promise<NameOwner | undefined> {
  let libc: (name: keyof typeof SIGNATURES) => CFunction;
  try {
    libc = await loadLibc(SIGNATURES);
  } catch (error) {
    if (error instanceof LibcUnavailableError) return undefined;
    throw error;
  }
  const descriptor = libc("socket")(AF_UNIX, STREAM_NONBLOCK_CLOEXEC, 0);
  if (descriptor < 0) return undefined;
  try {
    const address = addressOf(name);
    if (libc("connect")(descriptor, address, address.length) !== 0) return undefined;
    const credentials = new Uint8Array(UCRED_BYTES);
    const length = new Uint8Array(Uint32Array.of(UCRED_BYTES).buffer);
    const result = libc("getsockopt")(descriptor, SOL_SOCKET, SO_PEERCRED, credentials, length);
    return result === 0 ? readCredentials(credentials) : undefined;
  } finally {
    libc("close")(descriptor);
  }
}

/** `struct sockaddr_un`: the family in two bytes, a zero byte, and the name. */
function addressOf(name: string): Uint8Array<ArrayBuffer> {
  const family = new Uint8Array(Uint16Array.of(AF_UNIX).buffer);
  return Uint8Array.of(...family, 0, ...new TextEncoder().encode(name));
}

function readCredentials(bytes: Uint8Array<ArrayBuffer>): NameOwner {
  const view = new DataView(bytes.buffer);
  const isLittle = endianness() === "LE";
  return { pid: view.getInt32(0, isLittle), uid: view.getUint32(4, isLittle) };
}
