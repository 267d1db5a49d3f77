/**
 * Runs the tests of the changed files on Deno, within a minute (`deno task test:quick`).
 *
 * Changed files are those that differ from the last commit, or, if there are none, those of the
 * last commit. `deno task test:quick main~3` compares with another commit. The tests that import a
 * changed file run first, then those that import their importers, and so on. It stops when their
 * times in the last whole run fill a minute. Tests of the whole bot run only in `task test`.
 *
 * @module
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
/** Seconds for a file without a time in the last run. */
const USUAL_SEC = 1;

const sources = readSources(ROOT, ["src", "simulator", "tests", "scripts"]);
const changed = changedFiles();
const ranked = testsByDistance(changed);
const times = secondsByFile(join(ROOT, REPORTS, "tests_on_Deno.xml"));
const chosen: string[] = [];
let left = BUDGET_SEC * JOBS;
for (const test of ranked) {
  left -= times.get(test) ?? USUAL_SEC;
  if (left < 0 && chosen.length > 0) break;
  chosen.push(test);
}
console.log(
  `${changed.length} files have changed, ${ranked.length} test files depend on them, and ` +
    `${chosen.length} run now`,
);
if (chosen.length > 0) {
  const { status } = spawnSync(
    process.execPath,
    ["test", "-A", "--no-check", "--quiet", "--parallel", ...chosen],
    { cwd: ROOT, stdio: "inherit", env: { ...process.env, DENO_JOBS: String(JOBS) } },
  );
  process.exitCode = status ?? 1;
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
