/**
 * Calls `flock(2)` in the C library, since neither runtime offers it.
 *
 * The kernel frees the lock when the process ends, however it ends, so no stale lock exists. A
 * file made by `link()` and checked for a living owner has a race when taking over from a dead
 * owner. It would not notice a process that locks with `flock`. So Barnacle does not
 * start if it cannot call the C library: a second Barnacle would answer twice.
 *
 * @module
 */

import { LibcUnavailableError, loadLibc } from "../process/libc.ts";

/**
 * Acquires the lock of an open file without waiting.
 *
 * @param mode `alone` by default. `shared` fails only beside a process that holds it alone. `free`
 *   releases it. Closing alone is not enough: a process that another thread is starting has a copy of
 *   the descriptor until it loads its program. The copy holds the lock.
 * @returns Whether the call succeeded.
 */
export type Flock = (descriptor: number, mode?: "alone" | "shared" | "free") => boolean;

/** The C library cannot be called here, so no lock can prove that this Barnacle is alone. */
export class FlockUnavailableError extends Error {
  /** Name of the error class, as logs show it. */
  override readonly name = "FlockUnavailableError";
}

/** `LOCK_EX`, `LOCK_SH` and `LOCK_UN`: the same numbers on Linux and macOS. */
const OPERATIONS = { alone: 2, shared: 1, free: 8 };
/** `LOCK_NB`: does not wait. */
const AT_ONCE = 4;

/**
 * Loads `flock`.
 *
 * @throws {FlockUnavailableError} On Windows, and if the process may not call the C library.
 */
export async function loadFlock(): Promise<Flock> {
  try {
    const libc = await loadLibc({ flock: { parameters: ["i32", "i32"], result: "i32" } });
    const flock = libc("flock");
    return (descriptor, mode = "alone") => flock(descriptor, OPERATIONS[mode] | AT_ONCE) === 0;
  } catch (cause) {
    if (!(cause instanceof LibcUnavailableError)) throw cause;
    throw new FlockUnavailableError(`Cannot lock a file: ${cause.message}`, { cause });
  }
}
