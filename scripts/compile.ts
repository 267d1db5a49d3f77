/**
 * Compiles Barnacle to one executable for each platform asked for.
 *
 * `deno task compile` makes linux-x64 and linux-arm64; arguments name others
 * (`darwin-arm64`, `windows-x64`, …), or `host` for the machine at hand.
 * The flags were measured; two of them keep a binary from running a
 * `bunfig.toml` or reading an `.env` that lies in the working directory.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const BUN = join("node_modules", ".bin", "bun");

const FLAGS = [
  "--compile",
  "--minify-syntax",
  "--minify-whitespace", // identifiers keep their names, for errors are told apart by them
  "--sourcemap=inline",
  "--splitting",
  "--format=esm",
  "--bytecode", // of every function: each level that is left out costs a start on one core 4 ms
  "--compile-jit-policy=8", // a start runs most code once; `host/process/jit_policy.ts` ends this
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

const version: string = JSON.parse(readFileSync("deno.json", "utf8")).version;

/** Empty where this is no checkout: a source archive has no commit to name. */
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
  const outfile = join("dist", target === "host" ? "barnacle" : `barnacle-${target}`);
  execFileSync(BUN, [
    "build",
    ...FLAGS,
    ...(target === "host" ? [] : [`--target=bun-${target}`]),
    `--define=BARNACLE_VERSION=${JSON.stringify(version)}`,
    `--define=BARNACLE_COMMIT=${JSON.stringify(commit())}`,
    "src/main.ts",
    "src/worker.ts",
    "--outfile",
    outfile,
  ], { stdio: ["ignore", "ignore", "inherit"] });
  console.log(outfile);
}

mkdirSync("dist", { recursive: true });
const targets = process.argv.slice(2);
for (const target of targets.length > 0 ? targets : ["linux-x64", "linux-arm64"]) compile(target);
