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

import process from "node:process";

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

type FlockSymbol = (descriptor: number, operation: number) => number;

/** The part of `bun:ffi` that is used here. */
interface BunFfi {
  dlopen(
    library: string,
    symbols: { readonly flock: { readonly args: readonly string[]; readonly returns: string } },
  ): { readonly symbols: { readonly flock: FlockSymbol } };
}

/**
 * @throws {FlockUnavailableError} On Windows, and where the process may not call the C library.
 */
export async function loadFlock(): Promise<Flock> {
  const causes: unknown[] = [];
  for (const library of librariesOf(process.platform, process.arch)) {
    try {
      const flock = await loadSymbol(library);
      return (descriptor) => flock(descriptor, EXCLUSIVE_AND_AT_ONCE) === 0;
    } catch (cause) {
      causes.push(cause);
    }
  }
  throw new FlockUnavailableError(
    `Cannot lock the data directory: flock() is not to be had on ${process.platform} ` +
      `${process.arch}. Under systemd, MemoryDenyWriteExecute must be off`,
    { cause: new AggregateError(causes) },
  );
}

/** The names that the C library may have, the likeliest first. */
export function librariesOf(platform: string, arch: string): readonly string[] {
  switch (platform) {
    case "linux":
      return ["libc.so.6", `libc.musl-${arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];
    case "darwin":
      return ["libSystem.B.dylib"];
    default:
      return [];
  }
}

async function loadSymbol(library: string): Promise<FlockSymbol> {
  if ("Deno" in globalThis) {
    const signature = { parameters: ["i32", "i32"], result: "i32" } as const;
    return Deno.dlopen(library, { flock: signature }).symbols.flock;
  }
  const ffi: BunFfi = await import("bun:ffi" as string); // no types of it are installed
  return ffi.dlopen(library, { flock: { args: ["i32", "i32"], returns: "i32" } }).symbols.flock;
}
