/**
 * Functions of the C library, for what neither runtime offers: a file's lock,
 * and a datagram to the service manager.
 *
 * Called in the process itself, since the unit that Barnacle runs in may start
 * no program but this one, and a native package would have to be built for each
 * machine.
 *
 * @module
 */

import process from "node:process";

/** A word of the C library's, or the bytes that it is to read or to fill. */
export type CValue = number | Uint8Array<ArrayBuffer>;

/** `usize` and `isize` are as wide as a pointer. */
export type CType = "i32" | "u32" | "usize" | "isize" | "buffer";

/** A function as its man page declares it. */
export interface CSignature {
  readonly parameters: readonly CType[];
  readonly result: "i32" | "isize";
}

/** What it returns is told; `errno` is not, which no runtime lets one read. */
export type CFunction = (...values: readonly CValue[]) => number;

/** The C library cannot be called here. */
export class LibcUnavailableError extends Error {
  override readonly name = "LibcUnavailableError";
}

/**
 * Loads functions of the C library for the life of the process.
 *
 * @throws {LibcUnavailableError} On Windows, and where the process may not call it.
 */
export async function loadLibc<Name extends string>(
  signatures: Readonly<Record<Name, CSignature>>,
): Promise<(name: Name) => CFunction> {
  const causes: unknown[] = [];
  for (const library of librariesOf(process.platform, process.arch)) {
    try {
      const symbols = await open(library, signatures);
      return (name) => functionOf(symbols, name);
    } catch (cause) {
      causes.push(cause);
    }
  }
  throw new LibcUnavailableError(
    `The C library is not to be had on ${process.platform} ${process.arch}. ` +
      "Under systemd, MemoryDenyWriteExecute must be off",
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

/** Functions by name, as both runtimes hand them over. */
type Symbols = Readonly<Record<string, unknown>>;

/** The part of `bun:ffi` that is used here. */
interface BunFfi {
  dlopen(
    library: string,
    symbols: Readonly<
      Record<string, { readonly args: readonly string[]; readonly returns: string }>
    >,
  ): { readonly symbols: Symbols };
}

/** Bun has no words of its own for what is as wide as a pointer. */
const BUN_TYPES: Readonly<Record<CType, string>> = {
  i32: "i32",
  u32: "u32",
  usize: "u64",
  isize: "i64",
  buffer: "buffer",
};

async function open(
  library: string,
  signatures: Readonly<Record<string, CSignature>>,
): Promise<Symbols> {
  if ("Deno" in globalThis) return Deno.dlopen(library, signatures).symbols;
  const ffi: BunFfi = await import("bun:ffi" as string); // no types of it are installed
  const symbols = Object.entries(signatures).map(([name, { parameters, result }]) => [
    name,
    { args: parameters.map((type) => BUN_TYPES[type]), returns: BUN_TYPES[result] },
  ]);
  return ffi.dlopen(library, Object.fromEntries(symbols)).symbols;
}

function functionOf(symbols: Symbols, name: string): CFunction {
  const symbol = symbols[name];
  if (typeof symbol !== "function") throw new TypeError(`The C library has no ${name}()`);
  return (...values) => Number(symbol(...values)); // what is 64 bits wide may come as a bigint
}
