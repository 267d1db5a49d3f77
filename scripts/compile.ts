/**
 * Compiles Barnacle to one executable for each platform.
 *
 * `deno task compile` makes `dist/barnacle` for this machine, and binaries for linux-x64 and
 * linux-arm64. Arguments name others (`darwin-arm64`, `windows-x64`, …), or `host` alone, and
 * `--out=<folder>` another folder. Source maps go to its `maps`. The flags were measured. Two of them
 * keep a binary from running a `bunfig.toml`, or reading an `.env`, of the working directory.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const BUN = join("node_modules", ".bin", "bun");

const FLAGS = [
  "--compile",
  "--minify-syntax",
  "--minify-whitespace", // identifiers keep their names, because code distinguishes errors by them
  "--sourcemap=inline",
  "--splitting",
  "--format=esm",
  "--bytecode", // of every function: each omitted level costs a start on one core 4 ms
  "--compile-jit-policy=8", // a start runs most code once; `host/process/jit_policy.ts` ends this
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

const args = process.argv.slice(2);
const out = args.find((arg) => arg.startsWith("--out="))?.slice("--out=".length) ?? "dist";

const version: string = JSON.parse(readFileSync("deno.json", "utf8")).version;

/** Empty outside of a checkout: a source archive has no commit. */
function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "";
  }
}

function compile(target: string): void {
  const name = target === "host" ? "barnacle" : `barnacle-${target}`;
  const maps = join(out, "maps", name); // Bun writes them beside its output
  rmSync(maps, { recursive: true, force: true });
  execFileSync(BUN, [
    "build",
    ...FLAGS,
    ...(target === "host" ? [] : [`--target=bun-${target}`]),
    `--define=BARNACLE_VERSION=${JSON.stringify(version)}`,
    `--define=BARNACLE_COMMIT=${JSON.stringify(commit())}`,
    "src/main.ts",
    "src/worker.ts",
    "--outfile",
    join(maps, name),
  ], { stdio: ["ignore", "ignore", "inherit"] });
  const file = existsSync(join(maps, name)) ? name : `${name}.exe`;
  renameSync(join(maps, file), join(out, file));
  console.log(join(out, file));
}

mkdirSync(out, { recursive: true });
const targets = args.filter((arg) => !arg.startsWith("--"));
const USUAL = ["host", "linux-x64", "linux-arm64"];
for (const target of targets.length > 0 ? targets : USUAL) compile(target);
