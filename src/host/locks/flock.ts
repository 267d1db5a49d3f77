/**
 * Locks an open file by the kernel: `flock(2)`, and `LockFileEx` on Windows.
 *
 * Windows gives no program the handle behind a descriptor of the runtime, so the lock has a handle of its
 * own. Its locks are mandatory: no other process could read a locked byte. So the locked byte is far
 * beyond the content. A named pipe is no lock: a second process can listen on the same name.
 */

import { Buffer } from "node:buffer";
import { toNamespacedPath } from "node:path";
import process from "node:process";
import { type CFunction, LibcUnavailableError, loadLibc } from "../process/libc.ts";

export interface LockFile {
  /** As the runtime numbers its open files. */
  readonly descriptor: number;
  /** Absolute, or from the working directory. */
  readonly path: string;
}

/**
 * Acquires the lock of an open file without waiting.
 *
 * @param mode `alone` by default. `shared` fails only beside a process that holds it alone. `free`
 *   releases it. Closing alone is not enough: a process that another thread is starting has a copy of
 *   the descriptor until it loads its program. The copy holds the lock.
 * @returns Whether the call succeeded.
 */
export type Flock = (file: LockFile, mode?: "alone" | "shared" | "free") => boolean;

/** The system cannot be called here, so no lock can prove that this Barnacle is alone. */
export class FlockUnavailableError extends Error {
  override readonly name = "FlockUnavailableError";
}

/** `LOCK_EX`, `LOCK_SH` and `LOCK_UN`: the same numbers on Linux and macOS. */
const OPERATIONS = { alone: 2, shared: 1, free: 8 };
/** `LOCK_NB`: does not wait. */
const AT_ONCE = 4;

/**
 * Loads `flock`, or its equal on Windows.
 *
 * @throws {FlockUnavailableError} If the process may not call the system's library.
 */
export async function loadFlock(): Promise<Flock> {
  try {
    if (process.platform === "win32") return await loadWindowsLock();
    const libc = await loadLibc({ flock: { parameters: ["i32", "i32"], result: "i32" } });
    const flock = libc("flock");
    return ({ descriptor }, mode = "alone") => flock(descriptor, OPERATIONS[mode] | AT_ONCE) === 0;
  } catch (cause) {
    if (!(cause instanceof LibcUnavailableError)) throw cause;
    throw new FlockUnavailableError(`Cannot lock a file: ${cause.message}`, { cause });
  }
}

const GENERIC_READ_WRITE = 0xc000_0000;
/** Others may read, write, rename and delete the file. */
const SHARE_ALL = 7;
const OPEN_EXISTING = 3;
const ATTRIBUTE_NORMAL = 0x80;
const INVALID_HANDLE = -1;

const EXCLUSIVE = 2;
const FAIL_IMMEDIATELY = 1;

/** An `OVERLAPPED` with the place of the locked byte: 2^62. */
const PLACE = { bytes: 32, offsetHighAt: 20, offsetHigh: 0x4000_0000 } as const;

/**
 * Loads the lock.
 *
 * @throws {LibcUnavailableError} If the process may not call the system's library.
 */
async function loadWindowsLock(): Promise<Flock> {
  return windowsLock(
    await loadLibc({
      CreateFileW: {
        parameters: ["buffer", "u32", "u32", "usize", "u32", "u32", "usize"],
        result: "isize",
      },
      LockFileEx: {
        parameters: ["usize", "u32", "u32", "u32", "u32", "buffer"],
        result: "i32",
      },
      UnlockFileEx: { parameters: ["usize", "u32", "u32", "u32", "buffer"], result: "i32" },
      CloseHandle: { parameters: ["usize"], result: "i32" },
    }),
  );
}

/** Makes the lock from the functions; a test passes its own. */
export function windowsLock(
  kernel: (name: "CreateFileW" | "LockFileEx" | "UnlockFileEx" | "CloseHandle") => CFunction,
): Flock {
  /** Handles with a lock, by the descriptor of their file. */
  const held = new Map<number, number>();
  const close = (handle: number) => void kernel("CloseHandle")(handle);
  return ({ descriptor, path }, mode = "alone") => {
    const before = held.get(descriptor);
    if (mode === "free") {
      if (before === undefined) return true;
      held.delete(descriptor);
      const isFree = kernel("UnlockFileEx")(before, 0, 1, 0, place()) !== 0;
      close(before);
      return isFree;
    }
    if (before !== undefined) return true;
    const name = Buffer.from(`${toNamespacedPath(path)}\0`, "utf16le");
    const handle = kernel("CreateFileW")(
      new Uint8Array(name),
      GENERIC_READ_WRITE,
      SHARE_ALL,
      0,
      OPEN_EXISTING,
      ATTRIBUTE_NORMAL,
      0,
    );
    if (handle === INVALID_HANDLE) return false;
    const flags = FAIL_IMMEDIATELY | (mode === "alone" ? EXCLUSIVE : 0);
    if (kernel("LockFileEx")(handle, flags, 0, 1, 0, place()) === 0) {
      close(handle);
      return false;
    }
    held.set(descriptor, handle);
    return true;
  };
}

function place(): Uint8Array<ArrayBuffer> {
  const overlapped = new Uint8Array(PLACE.bytes);
  new DataView(overlapped.buffer).setUint32(PLACE.offsetHighAt, PLACE.offsetHigh, true);
  return overlapped;
}
