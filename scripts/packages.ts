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

/** Path of Bun's program. */
export const BUN = join(ROOT, "node_modules", ".bin", "bun");

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
const NEVER_LOADED: readonly string[] = ["@wasm-audio-decoders/opus-ml"];

/** How Bun bundles the program. */
export const BUNDLE_FLAGS: readonly string[] = [
  "--minify-syntax",
  "--minify-whitespace", // identifiers keep their names, because code distinguishes errors by them
  "--splitting",
  "--min-chunk-size=65536", // each chunk costs a start its loading
  "--format=esm",
  ...NEVER_LOADED.map((name) => `--external=${name}`),
];

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
function packageFolders(files: readonly string[]): readonly string[] {
  const inside = /(node_modules\/\.deno\/[^/]+\/node_modules\/(?:@[^/]+\/)?[^/]+)\//;
  return [...new Set(files.flatMap((file) => inside.exec(file)?.[1] ?? []))].sort();
}

/** A file of the bundle, as Bun's metafile has it. */
interface Chunk {
  /** Paths of the files in it. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Other chunks that it loads. */
  readonly imports: readonly { readonly path: string; readonly kind: string }[];
}

/** Bundles entries into a temporary folder, and returns the chunks by path. */
function bundle(entries: readonly string[]): ReadonlyMap<string, Chunk> {
  const out = mkdtempSync(join(tmpdir(), "barnacle-bundle-"));
  try {
    const metafile = join(out, "meta.json");
    const flags = [...BUNDLE_FLAGS, "--target=bun", `--outdir=${out}`, `--metafile=${metafile}`];
    execFileSync(BUN, ["build", ...flags, ...entries], {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const { outputs }: { readonly outputs: Readonly<Record<string, Chunk>> } = JSON.parse(
      readFileSync(metafile, "utf8"),
    );
    return new Map(Object.entries(outputs));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** Lists the files in the program's bundle. */
function bundledFiles(): readonly string[] {
  return [...bundle([...ENTRIES, ...RARE_THREADS]).values()].flatMap(({ inputs }) =>
    Object.keys(inputs)
  );
}

/**
 * Lists the files in the chunks that the binary loads with some of its files. These are more than the
 * files import: a small chunk is joined with others.
 */
export function filesLoadedWith(roots: readonly string[]): ReadonlySet<string> {
  const chunks = bundle(ENTRIES);
  const waiting = [...chunks].filter(([, { inputs }]) => roots.some((root) => root in inputs))
    .map(([path]) => path);
  const loaded = new Set<string>();
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    const imports = chunks.get(path)?.imports ?? [];
    waiting.push(
      ...imports.filter(({ kind }) => kind === "import-statement").map((one) => one.path),
    );
  }
  return new Set([...loaded].flatMap((path) => Object.keys(chunks.get(path)?.inputs ?? {})));
}

/** @param folder Below the root. */
function readPackage(folder: string): Package {
  const path = join(ROOT, folder);
  const about = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  const { name, version, license, author } = about;
  const file = readdirSync(path).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
  const text = file === undefined ? "" : readFileSync(join(path, file), "utf8");
  const copyright = text.split("\n").filter((line) =>
    /^\s*Copyright\b.*\d|^Copyright \(c\)/.test(line) &&
    !line.includes("Free Software Foundation") // of the licence's text
  )
    .map((line) => line.trim());
  const by: unknown = typeof author === "string" ? author.replace(/ *[<(].*/, "") : author?.name;
  const named = copyright.length === 0 && typeof by === "string" ? [`Author: ${by}`] : copyright;
  return { name, version, licence: license, copyright: named };
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
