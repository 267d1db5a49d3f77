/**
 * Compiles binaries of several versions, and makes a signed folder of releases of them, for tests of
 * upgrades. A version may have other sources: another schema, or a fault.
 */

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import {
  addRelease,
  describeRelease,
  type ListedRelease,
  type ReleaseListFile,
} from "../../../scripts/release/release_list.ts";
import { MIGRATIONS } from "../../../src/store/database/migrations.ts";
import { newSigner, type Signer } from "./signer.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..", "..");

/** The name that a binary of this machine has in the list. */
export const HOST_PLATFORM: string = `${
  process.platform === "win32" ? "windows" : process.platform
}-${process.arch}`;

/** Changes of a source. Each text to replace must be there. */
export interface SourceChange {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface BuildRequest {
  readonly version: string;
  readonly changes?: readonly SourceChange[];
  /** Number of its schema; today's by default. */
  readonly schema?: number;
}

/** Numbers of today's schema, and of the next one. */
export const SCHEMA = { now: MIGRATIONS.length, next: MIGRATIONS.length + 1 };

/** One more table: the next schema. */
export const NEXT_SCHEMA: SourceChange = {
  file: "src/store/database/migrations.ts",
  from: `SCHEMA_${SCHEMA.now}];`,
  to: `SCHEMA_${SCHEMA.now}, "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT"];`,
};

/** Faults after the migration of the store, by a variable: it hangs, or dies as by a power cut. */
export const FAULTS: SourceChange = {
  file: "src/cli/run/run.ts",
  from: "      const banner = createBanner(",
  to: `      const fault = env["NEW_VERSION"];
      if (fault === "hangs") await new Promise((end) => setTimeout(end, 2 ** 30));
      if (fault === "dies") process.kill(process.pid, "SIGKILL");
      const banner = createBanner(`,
};

/** A version whose `config check` refuses each config, by the same variable. */
export const REFUSALS: SourceChange = {
  file: "src/extras/config/check.ts",
  from: '  if (loaded.kind === "refused") {\n    const { problems } = loaded;',
  to: `  if (env["NEW_VERSION"] === "refuses") {
    const message = "the new version does not know this key";
    const problem = { severity: "error", file: flag, path: "http.port", message };
    return { ok: false, file: flag, problems: [problem] };
  }
  if (loaded.kind === "refused") {
    const { problems } = loaded;`,
};

export interface Releases {
  readonly folder: string;
  readonly signer: Signer;
  /** Path of a version's binary. */
  readonly binary: (version: string) => string;
  /** Signs the list anew: with other versions, another date, or by another key. */
  issue(options?: {
    readonly versions?: readonly string[];
    readonly issued?: number;
    readonly signer?: Signer;
    readonly change?: (list: ReleaseListFile) => unknown;
  }): void;
}

/** Compiles the versions into a folder, oldest first, and signs their list. */
export function buildReleases(folder: string, requests: readonly BuildRequest[]): Releases {
  const signer = newSigner();
  const key = join(folder, "test.pub");
  mkdirSync(folder, { recursive: true });
  writeFileSync(key, `untrusted comment: a key of a test\n${signer.publicKey}\n`);
  const binary = (version: string) => join(folder, `v${version}`, `barnacle-${HOST_PLATFORM}`);
  const listed = new Map<string, ListedRelease>();
  for (const { version, changes = [], schema = MIGRATIONS.length } of requests) {
    const out = join(folder, `v${version}`);
    const sources = changes.length === 0 ? ROOT : changedSources(join(folder, "sources"), changes);
    execFileSync(process.execPath, [
      "run",
      "-A",
      "--quiet",
      "scripts/compile.ts",
      "host",
      `--out=${out}`,
      `--version=${version}`,
      `--release-key=${key}`,
    ], { cwd: sources, stdio: ["ignore", "ignore", "inherit"] });
    renameSync(join(out, "barnacle"), binary(version));
    listed.set(version, describeRelease(out, version, Date.now(), schema));
  }
  const issue: Releases["issue"] = ({
    versions = [...listed.keys()],
    issued = Date.now(),
    signer: by = signer,
    change = (list: ReleaseListFile): unknown => list,
  } = {}) => {
    let list: ReleaseListFile | undefined;
    for (const version of versions) {
      const release = listed.get(version);
      if (!release) throw new TypeError(`There is no build of ${version}`);
      list = addRelease(list, release, issued);
    }
    if (!list) throw new TypeError("A list has a release");
    const text = JSON.stringify(change(list), undefined, 2);
    writeFileSync(join(folder, "releases.json"), text);
    const signature = by.sign(new TextEncoder().encode(text), "barnacle releases");
    writeFileSync(join(folder, "releases.json.minisig"), signature);
  };
  issue();
  return { folder, signer, binary, issue };
}

function changedSources(folder: string, changes: readonly SourceChange[]): string {
  for (
    const part of [
      "src",
      "simulator",
      "scripts",
      "packaging",
      "examples",
      "docs",
      "deno.json",
      "deno.lock",
    ]
  ) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true, force: true });
  }
  try {
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  } catch {
    // the link of an earlier version
  }
  for (const { file, from, to } of changes) {
    const path = join(folder, file);
    const text = readFileSync(path, "utf8");
    if (!text.includes(from)) throw new TypeError(`${file} has no ${from}`);
    writeFileSync(path, text.replace(from, () => to));
  }
  return folder;
}
