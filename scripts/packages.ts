/**
 * Finds the npm packages in the compiled binary.
 *
 * Bun bundles the program without compiling it, and lists the files of each package in the bundle.
 * So packages that only tests use, or that give types only, are not in the list.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname ?? ".", "..");
const BUN = join(ROOT, "node_modules", ".bin", "bun");

/** Entries of the program and of its gateway thread, which every start loads. */
export const ENTRIES: readonly string[] = ["src/main.ts", "src/worker.ts"];

/** Entries of threads that start with a document, a web page or a script. */
export const RARE_THREADS: readonly string[] = ["src/extract_worker.ts", "src/job_worker.ts"];

/**
 * Packages that the program's packages name but never load: a bundle with them is larger for nothing.
 *
 * `opus-ml` (9.6 MB of text) improves the sound of speech, which `ogg-opus-decoder` loads only if
 * `speechQualityEnhancement` is set.
 */
export const NEVER_LOADED: readonly string[] = ["@wasm-audio-decoders/opus-ml"];

/** One package in the binary. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** SPDX name: `"MIT"`. */
  readonly licence: string;
  /** Lines of its licence file that name the holders; empty if it has no such file. */
  readonly copyright: readonly string[];
}

/**
 * Finds the packages among the files of a bundle.
 *
 * @param files Paths of the bundled files, with slashes, as Bun's metafile has them.
 * @returns Folders of the packages below the root, each once, sorted.
 */
export function packageFolders(files: readonly string[]): readonly string[] {
  const inside = /(node_modules\/\.deno\/[^/]+\/node_modules\/(?:@[^/]+\/)?[^/]+)\//;
  return [...new Set(files.flatMap((file) => inside.exec(file)?.[1] ?? []))].sort();
}

/** Bundles the program into a temporary folder, and lists the bundled files. */
function bundledFiles(): readonly string[] {
  const out = mkdtempSync(join(tmpdir(), "barnacle-notice-"));
  try {
    const metafile = join(out, "meta.json");
    const flags = [
      "--target=bun",
      "--splitting",
      "--format=esm",
      ...NEVER_LOADED.map((name) => `--external=${name}`),
      `--outdir=${out}`,
    ];
    execFileSync(BUN, ["build", ...flags, `--metafile=${metafile}`, ...ENTRIES, ...RARE_THREADS], {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const { outputs }: {
      readonly outputs: Readonly<Record<string, { readonly inputs: object }>>;
    } = JSON.parse(readFileSync(metafile, "utf8"));
    return Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** @param folder Below the root. */
function readPackage(folder: string): Package {
  const path = join(ROOT, folder);
  const { name, version, license } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  const file = readdirSync(path).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
  const text = file === undefined ? "" : readFileSync(join(path, file), "utf8");
  const copyright = text.split("\n").filter((line) =>
    /^\s*Copyright\b.*\d|^Copyright \(c\)/.test(line)
  )
    .map((line) => line.trim());
  return { name, version, licence: license, copyright };
}

/** All packages in the binary, sorted by folder. */
export function bundledPackages(): readonly Package[] {
  return packageFolders(bundledFiles()).map(readPackage);
}

/** Version of the Bun runtime in the binary. */
export function bunVersion(): string {
  const path = join(ROOT, "node_modules", "bun", "package.json");
  return JSON.parse(readFileSync(path, "utf8")).version;
}
