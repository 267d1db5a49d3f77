/**
 * Checks the types of all code with the native compiler of TypeScript 7, one of the locked packages,
 * and Deno's own declarations. It takes less than half of the processor time of `deno check`, which
 * runs the compiler of Deno's binary.
 *
 * `deno run -A scripts/types.ts` checks all folders, or those that are named.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import config from "../deno.json" with { type: "json" };

const FOLDERS = ["src", "simulator", "tests", "scripts", "bench"];
/** Generated files of this check. */
const OUT = join(".test", "types");
/** Types of a package without types, and of files that Bun embeds. */
const WASM_TYPES = resolve("src", "features", "voice", "wasm.d.ts");
/** The compiler uses some 2 GB. By default, it spends a third of its time on freeing memory. */
const FREE_MEMORY_LATER = { GOGC: "400" };
/** Each checker works out the types again that others use, too: four cost 1.4 times the time of one. */
const CHECKERS = "1";

/** @returns The path of the compiler for this platform, a package beside TypeScript's. */
function compilerPath(): string {
  const { platform, arch } = process;
  const folder = join(dirname(realpathSync(join("node_modules", "typescript"))), "@typescript");
  const name = platform === "win32" ? "tsc.exe" : "tsc";
  return join(folder, `typescript-${platform}-${arch}`, "lib", name);
}

/** Writes Deno's declarations and the options of `deno.json` as the compiler reads them. */
function writeProject(paths: readonly string[]): string {
  mkdirSync(OUT, { recursive: true });
  const declarations = join(OUT, "deno.d.ts");
  writeFileSync(declarations, execFileSync(process.execPath, ["types"], { maxBuffer: 2 ** 26 }));
  const project = join(OUT, "tsconfig.json");
  const root = process.cwd();
  const compilerOptions = {
    ...config.compilerOptions,
    lib: ["esnext"], // Deno's declarations have the rest
    typeRoots: [join(root, "node_modules", "@types")],
    module: "esnext",
    moduleResolution: "bundler",
    moduleDetection: "force",
    allowImportingTsExtensions: true,
    allowJs: true,
    checkJs: false,
    maxNodeModuleJsDepth: 2,
    jsx: "react-jsx",
    jsxImportSource: "hono/jsx",
    skipLibCheck: true,
    paths: { "@napi-rs/wasm-runtime": [WASM_TYPES], "*.wasm": [WASM_TYPES] },
    noEmit: true,
  };
  const include = paths.map((path) => resolve(path));
  writeFileSync(
    project,
    JSON.stringify({ compilerOptions, files: [resolve(declarations)], include }),
  );
  return project;
}

const named = process.argv.slice(2);
const project = writeProject(named.length > 0 ? named : FOLDERS);
const { status, signal, error } = spawnSync(
  compilerPath(),
  ["--project", project, "--checkers", CHECKERS],
  { stdio: "inherit", env: { ...process.env, ...FREE_MEMORY_LATER } },
);
if (error) throw error;
if (signal) process.kill(process.pid, signal);
process.exit(status ?? 1);
