/**
 * Keeps the results of the last run on each platform, and makes README's table from them.
 *
 * `docs/internals/platforms.json` has one result per platform and kind of run: the newest. Runs do
 * not write it by themselves, because a run in CI changes no file of the project:
 *
 * - `platforms.ts built dist` takes the sizes of the binaries in a folder.
 * - `platforms.ts record linux-x64 whole --on="Debian 12" report.xml …` takes the counts of JUnit
 *   reports.
 * - `platforms.ts record windows-x64 scenes --on="Wine 8" --passed=25 --of=27` takes counts. A smoke
 *   test counts its steps.
 * - `platforms.ts add platform-*.json` takes results that runs of CI have written (`own_scenes.ts`).
 * - `platforms.ts` writes the table, and `platforms.ts --check` ends with 1 if it is out of date.
 *
 * Each takes `--commit=…` and `--date=…` of the run; by default they are the last commit and today.
 */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { z } from "zod";
import { readReport } from "../junit.ts";
import { table } from "../reference/markdown_table.ts";

/** The platforms of a release, in the names of `scripts/compile.ts`, with their names for people. */
export const PLATFORMS: Readonly<Record<string, string>> = {
  "linux-x64": "Linux x64",
  "linux-arm64": "Linux arm64",
  "linux-x64-musl": "Linux x64, musl (Alpine)",
  "linux-arm64-musl": "Linux arm64, musl (Alpine)",
  "darwin-x64": "macOS x64",
  "darwin-arm64": "macOS arm64",
  "windows-x64": "Windows x64",
  "windows-arm64": "Windows arm64",
};

const ROOT = join(import.meta.dirname ?? ".", "..", "..");
const RESULTS = join(ROOT, "docs", "internals", "platforms.json");
const README = join(ROOT, "README.md");
const START = "<!-- Generated: deno run -A scripts/release/platforms.ts -->";
const END = "<!-- End of the generated part -->";

const common = {
  platform: z.enum(Object.keys(PLATFORMS)),
  /** Commit of the binary, 12 digits. */
  commit: z.string().regex(/^[0-9a-f]{12}$/),
  date: z.iso.date(),
};

/** A kind of run, with the words of its units. */
const UNITS = { smoke: "steps", scenes: "scenes", whole: "tests" } as const;

const resultSchema = z.discriminatedUnion("ran", [
  z.strictObject({ ...common, ran: z.literal("built"), bytes: z.int().positive() }),
  z.strictObject({
    ...common,
    /** `smoke`: `scripts/smoke.ts`; `scenes`: those of the demo; `whole`: the end-to-end group. */
    ran: z.enum(["smoke", "scenes", "whole"]),
    /** System, emulator or machine of the run: `"Wine 8"`. */
    on: z.string().min(1),
    passed: z.int().nonnegative(),
    of: z.int().positive(),
    /** Tests that did not run, such as those for another system. */
    skipped: z.int().nonnegative().default(0),
    /** Why not all passed, as the end of a sentence. */
    note: z.string().min(1).optional(),
  }).refine(({ passed, of }) => passed <= of, "passed is greater than of"),
]);

/** The newest result of one kind of run on one platform. */
export type PlatformResult = z.infer<typeof resultSchema>;
type TestResult = Exclude<PlatformResult, { readonly ran: "built" }>;

/** Reads the results; none if there is no such file. @throws {z.ZodError} If one has another form. */
export function readResults(path = RESULTS): readonly PlatformResult[] {
  return existsSync(path)
    ? z.array(resultSchema).parse(JSON.parse(readFileSync(path, "utf8")))
    : [];
}

/** Puts results in place of the older ones of the same kind, sorted by platform and kind. */
export function withResults(
  old: readonly PlatformResult[],
  added: readonly PlatformResult[],
): readonly PlatformResult[] {
  const key = ({ platform, ran }: PlatformResult) =>
    Object.keys(PLATFORMS).indexOf(platform) * 10 + ORDER.indexOf(ran);
  const newest = new Map([...old, ...added].map((result) => [key(result), result]));
  return [...newest].sort(([left], [right]) => left - right).map(([, result]) => result);
}

/** From the most telling kind of run to the least. */
const ORDER: readonly PlatformResult["ran"][] = ["whole", "scenes", "smoke", "built"];

/** The state of a platform in one phrase, by its best run. */
function stateOf(results: readonly PlatformResult[]): string {
  const [best] = results; // sorted
  if (best === undefined) return "not run";
  if (best.ran === "built") return "built only";
  const isGood = best.passed === best.of;
  if (best.ran === "whole") {
    return isGood ? "tested as a whole" : "tested as a whole, with failures";
  }
  if (best.ran === "scenes") return isGood ? "demo scenes" : "demo scenes, with failures";
  return isGood ? "smoke test" : "smoke test fails";
}

/** `"25 of 27 scenes on Wine 8 (2026-11-23, a3c2948e)"`. */
function runOf({ ran, on, passed, of, skipped, note, date, commit }: TestResult): string {
  const rest = skipped > 0 ? `, ${skipped} skipped` : "";
  const why = note === undefined ? "" : `: ${note}`;
  return `${passed} of ${of} ${UNITS[ran]}${rest} on ${on} (${date}, ${commit.slice(0, 8)})${why}`;
}

/** Megabytes of 10^6 bytes, rounded up: 120.24 is more than a limit of 120. */
const megabytes = (bytes: number): string => `${(Math.ceil(bytes / 1e5) / 10).toFixed(1)} MB`;

/** Makes the table: one row for each platform, with its best run. */
export function platformTable(results: readonly PlatformResult[]): readonly string[] {
  const rows = Object.entries(PLATFORMS).map(([platform, name]) => {
    const own = withResults([], results.filter((result) => result.platform === platform));
    const [best] = own;
    const run = best === undefined || best.ran === "built" ? "not run" : runOf(best);
    const size = own.flatMap((result) => result.ran === "built" ? [megabytes(result.bytes)] : []);
    return [name, stateOf(own), run, size.join()];
  });
  return table(["platform", "state", "last run", "size"], rows);
}

/**
 * Replaces the generated part of README.
 *
 * @throws {Error} If it has no such part.
 */
export function withPlatforms(page: string, results: readonly PlatformResult[]): string {
  const from = page.indexOf(START);
  const to = page.indexOf(END, from);
  if (from < 0 || to < from) throw new Error(`README has no part from ${START} to ${END}`);
  const lines = [START, "<!-- deno-fmt-ignore-start -->", "", ...platformTable(results), ""];
  return `${page.slice(0, from)}${lines.join("\n")}\n<!-- deno-fmt-ignore-end -->\n${
    page.slice(to)
  }`;
}

/** Results that the arguments name. @throws {Error} With a sentence about a wrong argument. */
export function resultsOf(args: readonly string[], head: () => string): readonly PlatformResult[] {
  const { values, positionals: [verb = "", ...rest] } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      on: { type: "string" },
      passed: { type: "string" },
      of: { type: "string" },
      skipped: { type: "string" },
      note: { type: "string" },
      commit: { type: "string" },
      date: { type: "string" },
    },
  });
  const commit = values.commit?.slice(0, 12) ?? head();
  const date = values.date ?? new Date().toISOString().slice(0, 10);
  if (verb === "built") return builtIn(rest[0] ?? "dist", commit, date);
  if (verb === "add") return rest.map(readResult);
  if (verb !== "record") throw new Error(`Unknown verb "${verb}": write built, record or add`);
  const [platform, ran, ...reports] = rest;
  const missing = reports.find((path) => !existsSync(path));
  if (missing !== undefined) throw new Error(`No report ${missing}`);
  const counts = reports.length > 0 ? countsOf(reports) : {
    passed: Number(values.passed),
    of: Number(values.of),
    skipped: Number(values.skipped ?? 0),
  };
  const { on, note } = values;
  const { data, error } = resultSchema.safeParse({
    platform,
    ran,
    on,
    ...counts,
    note,
    commit,
    date,
  });
  if (data !== undefined) return [data];
  throw new Error(`Not a result of a run: ${z.prettifyError(error)}`);
}

/** Reads the result of one run. @throws {Error} With a sentence about a file that has none. */
function readResult(path: string): PlatformResult {
  if (!existsSync(path)) throw new Error(`No result ${path}`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw new Error(`${path} is no JSON`);
  }
  const { data, error } = resultSchema.safeParse(json);
  if (data !== undefined) return data;
  throw new Error(`${path} has no result of a run: ${z.prettifyError(error)}`);
}

function countsOf(reports: readonly string[]) {
  let [passed, failed, skipped] = [0, 0, 0];
  for (const report of reports.map(readReport)) {
    passed += report.passed;
    failed += report.failures.length;
    skipped += report.skipped;
  }
  return { passed, of: passed + failed, skipped };
}

function builtIn(folder: string, commit: string, date: string): readonly PlatformResult[] {
  const found = Object.keys(PLATFORMS).flatMap((platform): readonly PlatformResult[] => {
    const path = join(folder, binaryName(platform));
    return existsSync(path)
      ? [{ platform, ran: "built", commit, date, bytes: statSync(path).size }]
      : [];
  });
  if (found.length === 0) throw new Error(`No binary of a release in ${folder}`);
  return found;
}

export function binaryName(platform: string): string {
  return `barnacle-${platform}${platform.startsWith("windows") ? ".exe" : ""}`;
}

const head = (): string =>
  execFileSync("git", ["rev-parse", "HEAD"], { cwd: ROOT, encoding: "utf8" }).slice(0, 12);

function main(args: readonly string[]): void {
  const isCheck = args.includes("--check");
  let results = readResults();
  if (args.length > 0 && !isCheck) {
    results = withResults(results, resultsOf(args, head));
    writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);
  }
  const old = readFileSync(README, "utf8");
  const text = withPlatforms(old, results);
  if (text === old) return;
  if (!isCheck) return writeFileSync(README, text);
  console.error("README.md is out of date. To update it: deno run -A scripts/release/platforms.ts");
  process.exitCode = 1;
}

if (import.meta.main) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  }
}
