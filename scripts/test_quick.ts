/**
 * Runs the tests of the changed files on Deno, within a minute (`deno task test:quick`).
 *
 * Changed files are those that differ from the last commit, or, if there are none, those of the
 * last commit. `deno task test:quick main~3` compares with another commit. The tests that import a
 * changed file run first, then those that import their importers, and so on. They run in groups, and
 * no group begins that would end after a minute, by its times in the last whole run and by the pace
 * of this machine. Tests of the whole bot run only in `task test`.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { readSources } from "./import_graph.ts";
import { REPORTS, secondsByFile } from "./junit.ts";

const ROOT = join(import.meta.dirname ?? ".", "..");
const BUDGET_SEC = 60;
const JOBS = 2;
/** Seconds of a group on a machine like that of the last whole run. */
const GROUP_SEC = 4;
/** Seconds for a file without a time in the last run. */
const USUAL_SEC = 1;

const sources = readSources(ROOT, ["src", "simulator", "tests", "scripts"]);
const changed = changedFiles();
const ranked = testsByDistance(changed);
const times = secondsByFile(join(ROOT, REPORTS, "tests_on_Deno.xml"));
const groups = grouped(ranked);
console.log(`${changed.length} files have changed, ${ranked.length} test files depend on them`);
const startedAt = performance.now();
let expectedSec = 0;
let run = 0;
for (const group of groups) {
  const groupSec = secondsOf(group);
  const elapsedSec = (performance.now() - startedAt) / 1_000;
  const pace = expectedSec > 0 ? elapsedSec / expectedSec : 1;
  if (run > 0 && elapsedSec + groupSec * pace > BUDGET_SEC) break;
  const { status } = spawnSync(
    process.execPath,
    ["test", "-A", "--no-check", "--quiet", "--parallel", ...group],
    { cwd: ROOT, stdio: "inherit", env: { ...process.env, DENO_JOBS: String(JOBS) } },
  );
  if (status !== 0) process.exitCode = status ?? 1;
  expectedSec += groupSec;
  run += group.length;
}
console.log(`${run} of ${ranked.length} test files ran`);

/** Cuts the files into groups of about {@link GROUP_SEC}, in their order. */
function grouped(files: readonly string[]): readonly (readonly string[])[] {
  const all: string[][] = [];
  for (const file of files) {
    const last = all.at(-1);
    if (last && secondsOf([...last, file]) <= GROUP_SEC) last.push(file);
    else all.push([file]);
  }
  return all;
}

/** Expected seconds of some files that run side by side; no group is faster than its slowest file. */
function secondsOf(files: readonly string[]): number {
  const each = files.map((file) => times.get(file) ?? USUAL_SEC);
  return Math.max(...each, each.reduce((sum, seconds) => sum + seconds, 0) / JOBS);
}

function changedFiles(): readonly string[] {
  const [since] = process.argv.slice(2);
  if (since !== undefined) return git("diff", "--name-only", since);
  const open = [
    ...git("diff", "--name-only", "HEAD"),
    ...git("ls-files", "--others", "--exclude-standard"),
  ];
  return open.length > 0 ? open : git("diff", "--name-only", "HEAD~1");
}

function git(...args: readonly string[]): readonly string[] {
  const output = execFileSync("git", args, { cwd: ROOT, encoding: "utf8" });
  return output.split("\n").filter(Boolean);
}

/** Test files that import a changed file, nearest first, without those of the whole bot. */
function testsByDistance(files: readonly string[]): readonly string[] {
  const importers = new Map<string, string[]>();
  for (const { path, imports } of sources) {
    for (const target of imports) importers.set(target, [...(importers.get(target) ?? []), path]);
  }
  const seen = new Set(files);
  for (const file of seen) for (const importer of importers.get(file) ?? []) seen.add(importer);
  return [...seen].filter((path) =>
    path.startsWith("tests/") && path.endsWith("_test.ts") && existsSync(join(ROOT, path)) &&
    !/^tests\/(?:e2e|chaos)\//.test(path)
  );
}
