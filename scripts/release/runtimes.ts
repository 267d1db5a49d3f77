/**
 * Fetches the Bun runtime of a platform, checked against the hash in `deno.lock`.
 *
 * Bun itself would download a foreign runtime without a hash, or take it from a cache that any
 * program of the user can write. The lock file lists the runtimes of all platforms, because each is
 * an optional dependency of the package `bun`. npm downloads the package, and keeps it in its own
 * cache; the check follows at each use.
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkSha512, type LockFile, readLockFile, sha512Of } from "./lock_file.ts";

/** The platforms of a release, in the names of `scripts/compile.ts`. */
export const RELEASE_TARGETS: readonly string[] = [
  "linux-x64",
  "linux-arm64",
  "linux-x64-musl",
  "linux-arm64-musl",
  "darwin-x64",
  "darwin-arm64",
  "windows-x64",
  "windows-arm64",
];

/** `"linux-arm64-musl"` is the package `"@oven/bun-linux-aarch64-musl"`. */
export function runtimePackage(target: string): string {
  return `@oven/bun-${target.replace("arm64", "aarch64")}`;
}

/** Downloads packages; a test passes its own. */
export interface RuntimePorts {
  readonly lock: LockFile;
  /** Writes the archive of `name@version` into a folder, and returns its path. */
  readonly download: (id: string, folder: string) => string;
}

/**
 * Fetches a runtime.
 *
 * @param target Platform, in the names of Bun's `--target` without `bun-`: `"linux-arm64"`.
 * @param version Version of Bun.
 * @param folder An empty folder for archive and runtime.
 * @returns Path of the executable.
 * @throws {IntegrityError} If the package is not the one of the lock file; then nothing is unpacked.
 */
export function fetchRuntime(
  target: string,
  version: string,
  folder: string,
  { lock, download }: RuntimePorts = { lock: readLockFile(), download: downloadByNpm },
): string {
  const name = runtimePackage(target);
  const sha512 = sha512Of(lock, name, version);
  const archive = download(`${name}@${version}`, folder);
  checkSha512(readFileSync(archive), sha512, `${name}@${version}`);
  const file = target.startsWith("windows") ? "bun.exe" : "bun";
  execFileSync("tar", ["-xzf", archive, "-C", folder, `package/bin/${file}`]);
  return join(folder, "package", "bin", file);
}

function downloadByNpm(id: string, folder: string): string {
  const flags = ["--json", "--prefer-offline", "--ignore-scripts", `--pack-destination=${folder}`];
  const output = execFileSync("npm", ["pack", ...flags, id], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename }]: [{ readonly filename: string }] = JSON.parse(output);
  return join(folder, filename);
}
