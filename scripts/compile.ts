/**
 * Compiles Barnacle to one executable for each platform.
 *
 * `deno task compile` makes `dist/barnacle` for this machine, and binaries for linux-x64 and
 * linux-arm64. Arguments name others (`darwin-arm64`, `windows-x64`, …), `host` alone, or `release`
 * for all platforms of a release; `--out=<folder>` names another folder. `--version=` and
 * `--release-key=<file>` are for tests of upgrades: without them, a binary has the version of
 * `deno.json` and the key in `packaging/release.pub`. It prints the size of each binary. The flags were
 * measured. Two of them keep a binary from running a `bunfig.toml`, or reading
 * an `.env`, of the working directory.
 *
 * Bun can only put source maps into the binary (5.5 MB, which no archive makes smaller). So only this
 * machine's binary has them.
 *
 * Bun makes bytecode and source maps for all entries, or for none. So a bundle of their own without
 * both is an asset: the threads that read documents and run scripts start rarely, and
 * would add 9 MB.
 *
 * The same commit gives the same bytes, in any folder. So nothing of this machine may get into a
 * binary: each named platform has the runtime of the lock file.
 */

import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { BUN, BUNDLE_FLAGS, bunVersion, ENTRIES, RARE_THREADS } from "./packages.ts";
import { hasValidSignature, withSignature } from "./release/macho_signature.ts";
import { fetchRuntime, RELEASE_TARGETS } from "./release/runtimes.ts";

const COMPILE_FLAGS = [
  "--compile",
  "--bytecode", // of every function: each omitted level costs a start on one core 4 ms
  "--compile-jit-policy=24", // for the start: `host/process/engine_options.ts`
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

const args = process.argv.slice(2);
const option = (name: string): string | undefined =>
  args.find((arg) => arg.startsWith(`--${name}=`))?.slice(`--${name}=`.length);
const out = option("out") ?? "dist";

const version: string = option("version") ?? JSON.parse(readFileSync("deno.json", "utf8")).version;

/** The public key with which the maintainer signs releases; empty until there is one. */
function releaseKey(): string {
  const file = option("release-key") ?? join("packaging", "release.pub");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").at(-1) ?? "" : "";
}

/** Digits of a commit; git's own `--short` depends on the number of objects in the clone. */
const COMMIT_DIGITS = 12;

/** Empty outside of a checkout: a source archive has no commit. */
function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).slice(0, COMMIT_DIGITS);
  } catch {
    return "";
  }
}

/** Compiles for one platform, with its runtime in a temporary folder. */
function compile(target: string): void {
  if (target === "host") return build(target, []);
  const folder = mkdtempSync(join(tmpdir(), "barnacle-runtime-"));
  try {
    const runtime = fetchRuntime(target, bunVersion(), folder);
    build(target, [`--target=bun-${target}`, `--compile-executable-path=${runtime}`]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function build(target: string, flags: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), "barnacle-assets-"));
  try {
    bundleRareThreads(folder);
    const assets = readdirSync(folder).filter((name) => !name.endsWith(".wasm")) // the program has it, too
      .sort().map((name) => `--asset=${join(folder, name)}`);
    link(target, [...flags, ...assets]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Bundles the rare threads into a folder. Bun embeds files from outside of the project as they are. */
function bundleRareThreads(folder: string): void {
  execFileSync(BUN, [
    "build",
    "--target=bun",
    ...BUNDLE_FLAGS,
    "--entry-naming=[name].ts", // the name by which the program starts the thread
    // Otherwise Bun writes the path of this folder for a package's `__filename`, which none needs.
    `--define=__filename=""`,
    ...RARE_THREADS,
    `--outdir=${folder}`,
  ], { stdio: ["ignore", "ignore", "inherit"] });
}

/** Bun leaves the signature of its own runtime on some binaries. */
function sign(path: string): void {
  const bytes = readFileSync(path);
  if (!hasValidSignature(bytes)) writeFileSync(path, withSignature(bytes, "barnacle"));
}

function link(target: string, flags: readonly string[]): void {
  const name = target === "host" ? "barnacle" : `barnacle-${target}`;
  const maps = join(out, "maps", name); // Bun writes them beside its output
  rmSync(maps, { recursive: true, force: true });
  execFileSync(BUN, [
    "build",
    ...BUNDLE_FLAGS,
    ...COMPILE_FLAGS,
    ...(target === "host" ? ["--sourcemap=inline"] : []),
    ...flags,
    // Bun gives CommonJS modules their paths at the build, which differ from folder to folder.
    '--define=__filename="/"',
    '--define=__dirname="/"',
    `--define=BARNACLE_VERSION=${JSON.stringify(version)}`,
    `--define=BARNACLE_COMMIT=${JSON.stringify(commit())}`,
    `--define=BARNACLE_PLATFORM=${JSON.stringify(target === "host" ? "" : target)}`,
    `--define=BARNACLE_RELEASE_KEY=${JSON.stringify(releaseKey())}`,
    ...ENTRIES,
    "--outfile",
    join(maps, name),
  ], { stdio: ["ignore", "ignore", "inherit"] });
  const file = existsSync(join(maps, name)) ? name : `${name}.exe`;
  renameSync(join(maps, file), join(out, file));
  if (target.startsWith("darwin")) sign(join(out, file));
  const megabytes = (statSync(join(out, file)).size / 1e6).toFixed(1);
  console.log(`${join(out, file)}  ${megabytes} MB`);
}

mkdirSync(out, { recursive: true });
const targets = args.filter((arg) => !arg.startsWith("--"));
const USUAL = ["host", "linux-x64", "linux-arm64"];
const wanted = targets.length > 0 ? targets : USUAL;
for (const target of wanted[0] === "release" ? RELEASE_TARGETS : wanted) compile(target);
