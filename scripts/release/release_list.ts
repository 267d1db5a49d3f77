/**
 * Writes the list of releases that `barnacle upgrade` reads (docs/internals/releases.md).
 *
 * `deno run -A scripts/release/release_list.ts dist [releases.json]` adds the version of `deno.json`
 * with the binaries in `dist` to an earlier list, and prints the result. The maintainer signs it. So
 * the earlier list must have the signature of the maintainer, too, beside it as `.minisig`.
 */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { LIST_COMMENT } from "../../src/extras/upgrade/release_list.ts";
import {
  readMinisignKey,
  SignatureError,
  verifyMinisign,
} from "../../src/extras/upgrade/minisign.ts";
import { MIGRATIONS } from "../../src/store/database/migrations.ts";

export interface ListedRelease {
  readonly version: string;
  /** Day of the release, `"2026-11-23"`. */
  readonly date: string;
  /** Number of the store's newest schema. */
  readonly schema: number;
  /** Programs by platform. */
  readonly files: Readonly<
    Record<string, { readonly path: string; readonly size: number; readonly sha256: string }>
  >;
}

export interface ReleaseListFile {
  readonly format: 1;
  /** When the list was made; a Barnacle refuses an older list than it has seen. */
  readonly issued: string;
  readonly releases: readonly ListedRelease[];
}

/** `barnacle-linux-x64-musl`, `barnacle-windows-x64.exe`. */
const PROGRAM = /^barnacle-((?:linux|darwin|windows)-[\w-]+?)(?:\.exe)?$/;

/**
 * Describes the programs in a folder.
 *
 * @param date Unix time in milliseconds.
 */
export function describeRelease(
  folder: string,
  version: string,
  date: number,
  schema: number = MIGRATIONS.length,
): ListedRelease {
  const files = readdirSync(folder).sort().flatMap((name) => {
    const platform = PROGRAM.exec(name)?.[1];
    if (platform === undefined) return [];
    const bytes = readFileSync(join(folder, name));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return [[platform, { path: `v${version}/${name}`, size: bytes.length, sha256 }] as const];
  });
  if (files.length === 0) throw new TypeError(`${folder} has no barnacle-… of a release`);
  const day = new Date(date).toISOString().slice(0, 10);
  return { version, date: day, schema, files: Object.fromEntries(files) };
}

/**
 * Adds a release to a list, in front. One of the same version is replaced.
 *
 * @param issued Unix time in milliseconds.
 */
export function addRelease(
  before: ReleaseListFile | undefined,
  release: ListedRelease,
  issued: number,
): ReleaseListFile {
  const others = before?.releases.filter(({ version }) => version !== release.version) ?? [];
  return {
    format: 1,
    issued: new Date(issued).toISOString().replace(/\.\d+/, ""),
    releases: [release, ...others],
  };
}

/**
 * Reads an earlier list.
 *
 * @throws {SignatureError} If the maintainer has not signed it as a list.
 */
export function readSigned(path: string, publicKey: string): ReleaseListFile {
  const text = readFileSync(path);
  const signature = readFileSync(`${path}.minisig`, "utf8");
  const comment = verifyMinisign(text, signature, readMinisignKey(publicKey));
  if (comment !== LIST_COMMENT) {
    throw new SignatureError(`${path}.minisig is of "${comment}", not of "${LIST_COMMENT}"`);
  }
  return JSON.parse(text.toString("utf8"));
}

function main(): void {
  const [folder, earlier] = process.argv.slice(2);
  if (folder === undefined) {
    throw new TypeError("Name the folder of the binaries: scripts/release/release_list.ts dist");
  }
  const config = join(import.meta.dirname ?? ".", "..", "..", "deno.json");
  const { version } = JSON.parse(readFileSync(config, "utf8"));
  const key = join(import.meta.dirname ?? ".", "..", "..", "packaging", "release.pub");
  const before = earlier === undefined ? undefined : readSigned(earlier, readFileSync(key, "utf8"));
  const now = Date.now();
  const list = addRelease(before, describeRelease(folder, version, now), now);
  console.log(JSON.stringify(list, undefined, 2));
}

if (import.meta.main) main();
