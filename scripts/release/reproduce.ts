/**
 * Compiles the last commit twice, in two folders, and compares the binaries.
 *
 * Arguments are platforms as for `scripts/compile.ts` (default: `release`). The output has the
 * format of `sha256sum`, so `diff` compares it with the file of a release:
 * `deno run -A scripts/release/reproduce.ts | diff - SHA256SUMS`. It ends with 1 if the two builds differ.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const ROOT = join(import.meta.dirname ?? ".", "..", "..");
const DENO = process.execPath;
/** Folders of unequal depth, and unequal time zones: neither may get into a binary. */
const PLACES = [
  { folder: "one", env: { TZ: "UTC" } },
  { folder: join("another", "place"), env: { TZ: "Asia/Tokyo" } },
];

/** Clones the project, compiles it, and returns the sums of the binaries. */
function buildIn(folder: string, env: Readonly<Record<string, string>>): string {
  mkdirSync(folder, { recursive: true });
  const run = (command: string, args: readonly string[], cwd: string) =>
    execFileSync(command, args, {
      cwd,
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, ...env },
    });
  run("git", ["clone", "--quiet", ROOT, folder], ROOT);
  run(DENO, ["install", "--frozen", "--quiet"], folder);
  const wanted = process.argv.length > 2 ? process.argv.slice(2) : ["release"];
  run(DENO, ["run", "-A", "--quiet", "scripts/compile.ts", ...wanted], folder);
  const dist = join(folder, "dist");
  return readdirSync(dist).filter((name) => name.startsWith("barnacle")).sort()
    .map((name) => `${sha256(join(dist, name))}  ${name}\n`).join("");
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function main(): void {
  const place = mkdtempSync(join(tmpdir(), "barnacle-reproduce-"));
  try {
    const [first = "", second] = PLACES.map(({ folder, env }) => buildIn(join(place, folder), env));
    process.stdout.write(first);
    if (first === second) return;
    console.error(`The second build differs:\n${second}`);
    process.exitCode = 1;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

if (import.meta.main) main();
