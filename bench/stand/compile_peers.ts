/** Compiles a peer to a binary of its own, in the same way as Barnacle. */

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BUN = join("node_modules", ".bin", "bun");
const FLAGS = ["--compile", "--bytecode", "--minify-syntax", "--minify-whitespace", "--format=esm"];

/**
 * @param file In `bench/peers/`.
 * @returns The binary's path.
 */
export function compilePeer(file: string): string {
  mkdirSync("dist", { recursive: true });
  const source = fileURLToPath(new URL(`../peers/${file}`, import.meta.url));
  const binary = join("dist", `bench-${file.replace(/_bot\.mjs$/, "")}`);
  execFileSync(BUN, ["build", ...FLAGS, source, "--outfile", binary], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  execFileSync("sync", [binary]); // or the file's own pages would count as dirty memory
  return binary;
}
