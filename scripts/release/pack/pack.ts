/**
 * Makes a release of the compiled programs in a folder: archives, Debian packages, installers, the
 * files of Docker Compose, and SHA256SUMS of all.
 *
 * `deno run -A scripts/release/pack/pack.ts dist/release --releases=https://…/releases` reads
 * `barnacle-<platform>` there, and writes beside them. `--key=<file>` names the public key (default:
 * `packaging/release.pub`), `--level=0` packs fast, for tests. The time of all files is the commit's.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { readMinisignKey } from "../../../src/features/upgrade/release.ts";
import { packProgram } from "./archives.ts";
import { buildDeb, DEBIAN_ARCHITECTURES, packagedUnit } from "./deb.ts";
import { RELEASE_TARGETS } from "../runtimes.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..", "..");
const PACKAGING = join(ROOT, "packaging");

/** Files below `packaging/` in which each `@NAME@` gets a value. */
export const TEMPLATES: readonly string[] = [
  "install/install.sh",
  "install/install.ps1",
  "compose/docker-compose.yml",
  "compose/config.jsonc",
];

/** What a release is made of. */
export interface ReleasePlan {
  /** Has the programs, and gets everything else. */
  readonly folder: string;
  readonly version: string;
  /** Address of the releases: `"https://github.com/OWNER/REPOSITORY/releases"`. */
  readonly releases: string;
  /** One line, as minisign writes it. */
  readonly publicKey: string;
  /** Time of all files, in seconds. */
  readonly seconds: number;
  /** Level of compression, 0 to 9. */
  readonly level: number;
}

/**
 * Makes a release.
 *
 * @throws {RangeError} If a program is missing.
 */
export function packRelease(plan: ReleasePlan): void {
  const { folder, version, seconds, level } = plan;
  const programs = RELEASE_TARGETS.map((platform) => {
    const program = join(folder, `barnacle-${platform}${/^windows/.test(platform) ? ".exe" : ""}`);
    if (!existsSync(program)) throw new RangeError(`${program} is missing: compile it first`);
    return { platform, program };
  });
  const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
  const texts = { LICENSE: read("LICENSE"), NOTICE: read("NOTICE") };
  const units = {
    "barnacle.service": packagedUnit(read("packaging/systemd/barnacle.service")),
    "barnacle.sysusers.conf": read("packaging/systemd/barnacle.sysusers.conf"),
  };
  const homepage = plan.releases.replace(/\/releases$/, "");
  const { LICENSE: licence, NOTICE: notice } = texts;
  let room = 0;
  for (const { platform, program } of programs) {
    const extra = platform.startsWith("linux") ? units : {};
    const archive = packProgram(
      { platform, program, texts: { ...texts, ...extra }, seconds, level },
      folder,
    );
    room = Math.max(room, statSync(program).size + statSync(join(folder, archive)).size);
    const architecture = DEBIAN_ARCHITECTURES[platform];
    if (architecture === undefined) continue;
    const common = { packaging: PACKAGING, homepage, licence, notice, seconds, level };
    buildDeb({ ...common, architecture, version, program }, folder);
  }
  const roomKb = Math.ceil(room / 1_024) + 1_024;
  for (const template of TEMPLATES) {
    const text = fillTemplate(read(join("packaging", template)), { ...plan, roomKb });
    const mode = template.endsWith(".sh") ? 0o755 : 0o644;
    writeFileSync(join(folder, basename(template)), text, { mode });
  }
  const lines = [...sumsOf(folder)].map(([name, sum]) => `${sum}  ${name}\n`);
  writeFileSync(join(folder, "SHA256SUMS"), lines.join(""));
}

/** Fills a template. @param roomKb Kilobytes that an installation takes for a moment. */
export function fillTemplate(
  template: string,
  { version, releases, publicKey, roomKb }:
    & Pick<
      ReleasePlan,
      "version" | "releases" | "publicKey"
    >
    & { readonly roomKb: number },
): string {
  return template.replaceAll("@VERSION@", version).replaceAll("@RELEASES@", releases)
    .replaceAll("@PUBLIC_KEY@", publicKey).replaceAll("@ROOM_KB@", String(roomKb));
}

/** SHA-256 of each file but the list itself and signatures, by name. */
function sumsOf(folder: string): ReadonlyMap<string, string> {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !/^SHA256SUMS|\.minisig$/.test(entry.name))
    .map(({ name }) => name).sort();
  return new Map(names.map((name) => [
    name,
    createHash("sha256").update(readFileSync(join(folder, name))).digest("hex"),
  ]));
}

function main(): void {
  const args = process.argv.slice(2);
  const option = (name: string): string | undefined =>
    args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  const folder = args.find((arg) => !arg.startsWith("--"));
  const releases = option("releases");
  const key = option("key") ?? join(PACKAGING, "release.pub");
  if (folder === undefined || releases === undefined) {
    return stop("name folder and address: pack.ts dist/release --releases=https://…/releases");
  }
  if (!existsSync(key)) {
    return stop(`there is no ${key}: make the key first (docs/internals/releases.md)`);
  }
  const publicKey = readFileSync(key, "utf8").trim().split("\n").at(-1) ?? "";
  readMinisignKey(publicKey);
  const time = execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: ROOT, encoding: "utf8" });
  packRelease({
    folder,
    version: JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")).version,
    releases: releases.replace(/\/+$/, ""),
    publicKey,
    seconds: Number(time),
    level: Number(option("level") ?? 9),
  });
}

function stop(message: string): void {
  console.error(message);
  process.exitCode = 2;
}

if (import.meta.main) main();
