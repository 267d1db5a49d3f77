/**
 * Says what a release still lacks: version, changelog, promises, key, address, and pages that say that
 * there is no release.
 *
 * `deno run -A scripts/release/ready.ts` prints one line for each, and ends with 1 if there is one. The
 * workflow calls it with `--tag=v1.0.0`, which must name the version.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { isDeepStrictEqual } from "node:util";
import { readMinisignKey, SignatureError } from "../../src/extras/upgrade/minisign.ts";
import { RELEASES_URL } from "../../src/version.ts";
import { currentNames, readPromises, withNames } from "../promises.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..");

/** Words that are wrong once there is a release. */
const BEFORE_A_RELEASE =
  /OWNER\/REPOSITORY|clone REPOSITORY|example\.org\/barnacle|no release (?:key )?yet|no public key yet|first release will have/;

/** What a release is made of. */
export interface ReleaseState {
  /** `"1.0.0"`, of deno.json. */
  readonly version: string;
  /** `"v1.0.0"`; absent before there is one. */
  readonly tag: string | undefined;
  readonly changelog: string;
  /** Whether docs/promises.json has each name. */
  readonly hasPromises: boolean;
  /** Content of packaging/release.pub; absent if there is none. */
  readonly key: string | undefined;
  /** Address of the releases in `src/version.ts`. */
  readonly address: string;
  /** Pages for people and files for package managers, by path. */
  readonly pages: Readonly<Record<string, string>>;
}

/** Lists what a release lacks, as sentences. */
export function lacks(state: ReleaseState): readonly string[] {
  const { version, tag, address, hasPromises } = state;
  const found: string[] = [];
  if (!/^\d+\.\d+\.\d+(-[\w.-]+)?$/.test(version)) {
    found.push(`deno.json: "${version}" is no version`);
  }
  if (tag !== undefined && tag !== `v${version}`) {
    found.push(`deno.json: the version is ${version}, and the tag is ${tag}`);
  }
  const section = sectionOf(state.changelog, version);
  if (section === "") found.push(`CHANGELOG.md: there is no text below "## ${version}"`);
  if (sectionOf(state.changelog, "Unreleased") !== "") {
    found.push(`CHANGELOG.md: the text below "## Unreleased" belongs to ${version}`);
  }
  if (!hasPromises) {
    found.push("docs/promises.json: it lacks new names; run `deno run -A scripts/promises.ts`");
  }
  found.push(...faultsOfKey(state));
  if (address === "") {
    found.push("src/version.ts: RELEASES_URL is empty, so `upgrade` finds no release by itself");
  } else if (!/^https:\/\/[^/]+\/\S+\/releases$/.test(address)) {
    found.push(`src/version.ts: RELEASES_URL does not end with /releases: ${address}`);
  }
  for (const [path, text] of Object.entries(state.pages)) {
    for (const [index, line] of text.split("\n").entries()) {
      const words = BEFORE_A_RELEASE.exec(line)?.[0];
      if (words !== undefined) found.push(`${path}:${index + 1}: it says "${words}"`);
    }
  }
  return found;
}

/** The text below a heading, without its blank ends. The workflow finds a section by the same rule. */
function sectionOf(changelog: string, name: string): string {
  const parts = changelog.split(/^## /m);
  const own = parts.find((part) => /^\S+/.exec(part)?.[0] === name) ?? "";
  return own.split("\n").slice(1).join("\n").trim();
}

function faultsOfKey({ key, pages }: ReleaseState): readonly string[] {
  if (key === undefined) {
    return ["packaging/release.pub: there is no key (docs/internals/releases.md)"];
  }
  const line = key.trim().split("\n").at(-1) ?? "";
  try {
    readMinisignKey(line);
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    return [`packaging/release.pub: ${error.message}`];
  }
  return pages["SECURITY.md"]?.includes(line) ? [] : ["SECURITY.md: it does not name the key"];
}

/** Reads this checkout. */
function readState(tag: string | undefined): ReleaseState {
  const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
  const below = (folder: string) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/\.(?:webp|json|pub)$/.test(entry.name))
      .map(({ parentPath, name }) => join(parentPath, name).slice(ROOT.length + 1)).sort();
  const paths = ["README.md", "SECURITY.md", ...below("docs"), ...below("packaging")];
  const key = join("packaging", "release.pub");
  const promised = readPromises();
  return {
    version: JSON.parse(read("deno.json")).version,
    tag,
    changelog: read("CHANGELOG.md"),
    hasPromises: isDeepStrictEqual(withNames(promised, currentNames()), promised),
    key: existsSync(join(ROOT, key)) ? read(key) : undefined,
    address: RELEASES_URL,
    pages: Object.fromEntries(paths.map((path) => [path, read(path)])),
  };
}

function main(args: readonly string[]): void {
  const tag = args.find((arg) => arg.startsWith("--tag="))?.slice("--tag=".length);
  const found = lacks(readState(tag));
  for (const line of found) console.log(line);
  console.log(
    found.length === 0 ? "The release lacks nothing." : "docs/internals/releases.md helps.",
  );
  process.exitCode = found.length === 0 ? 0 : 1;
}

if (import.meta.main) main(process.argv.slice(2));
