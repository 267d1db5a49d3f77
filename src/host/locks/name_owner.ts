/**
 * Asks the kernel which user listens on a name of the abstract socket namespace.
 *
 * Such a name has no owner and no permissions, so any user of the machine can take it. The kernel
 * tells each client who listens (`SO_PEERCRED`). Neither runtime gives access to a socket's
 * descriptor, so the C library opens a connection of its own.
 *
 * @module
 */

import { endianness } from "node:os";
import { type CFunction, LibcUnavailableError, loadLibc } from "../process/libc.ts";

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
