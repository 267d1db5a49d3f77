/**
 * `flock(2)`, which neither runtime offers: called in the C library.
 *
 * The kernel frees the lock with the process, however it dies, so there is no
 * stale lock to be told from a live one. The next best, a file made by `link()`
 * and checked for a living owner, has a race in taking over from a dead one,
 * and would not see a process that locks in this way. So where the C library
 * cannot be called Barnacle does not start: a second one would answer twice.
 *
 * @module
 */

import { LibcUnavailableError, loadLibc } from "../process/libc.ts";

/**
 * Takes the lock of an open file for this process alone, without waiting.
 *
 * @returns Whether this process has it now.
 */
export type Flock = (descriptor: number) => boolean;

/** The C library cannot be called here, so nobody can say who is alone. */
export class FlockUnavailableError extends Error {
  override readonly name = "FlockUnavailableError";
}

/** `LOCK_EX | LOCK_NB`: the same numbers on Linux and macOS. */
const EXCLUSIVE_AND_AT_ONCE = 2 | 4;

/**
 * @throws {FlockUnavailableError} On Windows, and where the process may not call the C library.
 */
export async function loadFlock(): Promise<Flock> {
  try {
    const libc = await loadLibc({ flock: { parameters: ["i32", "i32"], result: "i32" } });
    const flock = libc("flock");
    return (descriptor) => flock(descriptor, EXCLUSIVE_AND_AT_ONCE) === 0;
  } catch (cause) {
    if (!(cause instanceof LibcUnavailableError)) throw cause;
    throw new FlockUnavailableError(`Cannot lock a file: ${cause.message}`, { cause });
  }
}
