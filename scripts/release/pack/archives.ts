/**
 * Packs a program into the archive that people download: `.tar.xz`, and `.zip` for Windows. The same
 * files give the same bytes.
 */

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { zipSync } from "fflate";

export interface Packing {
  /** `"linux-x64"`. */
  readonly platform: string;
  /** Path of the program. */
  readonly program: string;
  /** Texts beside the program, by name. */
  readonly texts: Readonly<Record<string, string>>;
  /** Time of all files, in seconds. */
  readonly seconds: number;
  /** Level of compression, 0 to 9. */
  readonly level: number;
}

/**
 * Packs a program.
 *
 * @param target Folder for the archive.
 * @returns Name of the archive.
 */
export function packProgram(packing: Packing, target: string): string {
  const folder = mkdtempSync(join(tmpdir(), "barnacle-pack-"));
  try {
    const isWindows = packing.platform.startsWith("windows");
    copyFileSync(packing.program, join(folder, isWindows ? "barnacle.exe" : "barnacle"));
    for (const [name, text] of Object.entries(packing.texts)) {
      writeFileSync(join(folder, name), text);
    }
    const name = `barnacle-${packing.platform}${isWindows ? ".zip" : ".tar.xz"}`;
    (isWindows ? zip : tarXz)(folder, join(target, name), packing);
    return name;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tarXz(folder: string, path: string, { platform, seconds, level }: Packing): void {
  const names = readdirSync(folder).sort();
  for (const name of names) chmodSync(join(folder, name), name === "barnacle" ? 0o755 : 0o644);
  const owner = ["--owner=0", "--group=0", "--numeric-owner", `--mtime=@${seconds}`];
  execFileSync("tar", ["-cJf", path, "--format=ustar", ...owner, "-C", folder, ...names], {
    stdio: ["ignore", "inherit", "inherit"],
    // Two threads always, on any machine: with one, xz would write other bytes. The filter for code of
    // x86 saves 5 %. Older xz, such as that of Ubuntu 22.04, cannot read the one for arm64.
    env: {
      ...process.env,
      XZ_OPT: `-T2${/-x64\b/.test(platform) ? " --x86" : ""} --lzma2=preset=${level}${
        level === 9 ? "e" : ""
      }`,
    },
  });
}

function zip(folder: string, path: string, { seconds, level }: Packing): void {
  const files: Record<string, Uint8Array> = {};
  for (const name of readdirSync(folder).sort()) files[name] = readFileSync(join(folder, name));
  // The format has local time, and fflate asks the machine for its zone.
  const time = new Date(seconds * 1_000);
  const mtime = new Date(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate());
  writeFileSync(path, zipSync(files, { level: level as 6, mtime }));
  utimesSync(path, seconds, seconds);
}
