/**
 * Checks the types of all code by Deno, with the native compiler of TypeScript 7.
 *
 * Deno downloads a native compiler of its own unless it is told of another one. This project's is one
 * of its locked packages, so the check needs no further host. It takes less processor time than Deno's
 * built-in compiler.
 *
 * `deno run -A scripts/types.ts` checks all folders, or those that are named.
 */

import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";

const FOLDERS = ["src", "simulator", "tests", "scripts", "bench"];

/** @returns The path of the compiler for this platform, a package beside TypeScript's. */
function compilerPath(): string {
  const { platform, arch } = process;
  const folder = join(dirname(realpathSync(join("node_modules", "typescript"))), "@typescript");
  const name = platform === "win32" ? "tsc.exe" : "tsc";
  return join(folder, `typescript-${platform}-${arch}`, "lib", name);
}

const named = process.argv.slice(2);
const { status, signal } = spawnSync(
  process.execPath,
  ["check", "--unstable-tsgo", "--quiet", ...named.length > 0 ? named : FOLDERS],
  { stdio: "inherit", env: { ...process.env, DENO_TSC_BIN: compilerPath() } },
);
if (signal) process.kill(process.pid, signal);
process.exit(status ?? 1);
