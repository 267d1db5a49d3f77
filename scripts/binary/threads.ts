/**
 * Bundles the rare threads, which read documents, run scripts and encrypt backups, for the binary.
 *
 * Bun writes bytecode and source maps for all entries of a binary, or for none. Those of the rare
 * threads would take 9 MB. Without them, a script takes 20 ms of CPU time more. Their two large
 * libraries are in the binary in compressed form, a quarter of their size. A stub of the same name
 * unpacks one when a thread loads it.
 */

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { BUN, BUNDLE_FLAGS, type Chunk, RARE_THREADS } from "../packages.ts";

/** Smaller chunks stay as they are: each compressed one costs its thread some milliseconds. */
const LARGE_BYTES = 1_000_000;

/**
 * Writes a module that unpacks another one and has its exports.
 *
 * @param file The compressed module, beside this one in the binary.
 */
export function unpackingStub(file: string, exports: readonly string[]): string {
  const url = `new URL("./${file}",import.meta.url)`;
  const names = exports.map((name, index) => `_${index} as ${name}`);
  return [
    `import{readFileSync}from"node:fs";import{brotliDecompressSync}from"node:zlib";`,
    `const text=brotliDecompressSync(readFileSync(${url}));`,
    `const at=URL.createObjectURL(new Blob([text],{type:"text/javascript"}));`,
    `const module=await import(at);URL.revokeObjectURL(at);`,
    ...exports.map((name, index) => `const _${index}=module[${JSON.stringify(name)}];`),
    `export{${names.join(",")}};`,
  ].join("\n");
}

/** Compresses a chunk of a folder, and writes its stub. */
function pack(folder: string, name: string, exports: readonly string[]): void {
  const path = join(folder, name);
  const text = readFileSync(path);
  const options = { params: { [constants.BROTLI_PARAM_SIZE_HINT]: text.length } };
  const packed = `${name}.br`;
  writeFileSync(join(folder, packed), brotliCompressSync(text, options));
  writeFileSync(path, unpackingStub(packed, exports));
}

/**
 * Bundles the rare threads into a folder.
 *
 * @param folder Empty.
 * @returns Paths of the files. Bun embeds files from outside of the project beside the entries.
 */
export function bundleRareThreads(folder: string): readonly string[] {
  const metafile = join(folder, "meta.json");
  execFileSync(BUN, [
    "build",
    "--target=bun",
    ...BUNDLE_FLAGS,
    "--entry-naming=[name].ts", // the name by which the program starts the thread
    // Otherwise Bun writes the path of this folder for a package's `__filename`, which none needs.
    `--define=__filename=""`,
    ...RARE_THREADS,
    `--outdir=${folder}`,
    `--metafile=${metafile}`,
  ], { stdio: ["ignore", "ignore", "inherit"] });
  const { outputs }: { readonly outputs: Readonly<Record<string, Chunk>> } = JSON.parse(
    readFileSync(metafile, "utf8"),
  );
  for (const [path, { bytes, exports, imports, entryPoint = "" }] of Object.entries(outputs)) {
    // A module that is loaded from memory has no folder from which it could import others.
    const isAlone = imports.every((one) => one.path.startsWith("node:"));
    if (bytes < LARGE_BYTES || !isAlone || RARE_THREADS.includes(entryPoint)) continue;
    pack(folder, basename(path), exports);
  }
  return readdirSync(folder).filter((name) => name !== "meta.json").sort()
    .map((name) => join(folder, name));
}
