/**
 * Calls functions of the system that neither runtime offers: `flock`, and a datagram to the service
 * manager. They are those of the C library, and of `kernel32` on Windows.
 *
 * This process calls them itself, because the systemd unit lets no other program start. A native
 * package would need a build for each machine.
 */

import process from "node:process";

/** `usize` and `isize` are as wide as a pointer, and as a handle of Windows. */
type CType = "i32" | "u32" | "usize" | "isize" | "buffer";

interface CSignature {
  readonly parameters: readonly CType[];
  readonly result: "i32" | "isize";
}

/** Returns the function's result; no runtime gives access to `errno`. */
export type CFunction = (...values: readonly (number | Uint8Array<ArrayBuffer>)[]) => number;

export class LibcUnavailableError extends Error {
  override readonly name = "LibcUnavailableError";
}

/**
 * Loads functions of the system's library for the life of the process.
 *
 * @throws {LibcUnavailableError} If the process may not call it.
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
    `Cannot load the C library on ${process.platform} ${process.arch}. ` +
      "Under systemd, MemoryDenyWriteExecute must be off",
    { cause: new AggregateError(causes) },
  );
}

/** Possible file names of the library, the likeliest first. */
export function librariesOf(platform: string, arch: string): readonly string[] {
  switch (platform) {
    case "linux":
      return ["libc.so.6", `libc.musl-${arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];
    case "darwin":
      return ["libSystem.B.dylib"];
    case "win32":
      return ["kernel32.dll"];
    default:
      return [];
  }
}

type Symbols = Readonly<Record<string, unknown>>;

/** Bun has no type names for integers as wide as a pointer. */
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
  const ffi: {
    dlopen(
      library: string,
      symbols: Readonly<
        Record<string, { readonly args: readonly string[]; readonly returns: string }>
      >,
    ): { readonly symbols: Symbols };
  } = await import("bun:ffi" as string); // its types are not installed
  const symbols = Object.entries(signatures).map(([name, { parameters, result }]) => [
    name,
    { args: parameters.map((type) => BUN_TYPES[type]), returns: BUN_TYPES[result] },
  ]);
  return ffi.dlopen(library, Object.fromEntries(symbols)).symbols;
}

function functionOf(symbols: Symbols, name: string): CFunction {
  const symbol = symbols[name];
  if (typeof symbol !== "function") throw new TypeError(`The C library has no ${name}()`);
  return (...values) => Number(symbol(...values)); // a 64-bit result may be a bigint
}
