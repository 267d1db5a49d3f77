/**
 * `deno task test:quick`: the tests of what has changed, on Deno, within a minute.
 *
 * What has changed is what git says against the last commit, or, where that is
 * nothing, the last commit itself; `-- main~3` names another one. The tests that import
 * a changed file run first, then those that import what imports it, and so on, for as
 * long as their times in the last whole run fit into a minute. The whole bot is left to
 * `task test`.
 *
 * @module
 */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { readSources } from "./import_graph.ts";
import { secondsByFile } from "./junit.ts";

const ROOT = join(import.meta.dirname ?? ".", "..");
const BUDGET_SEC = 60;
const JOBS = 2;
/** Of a file that the last run did not time. */
const USUAL_SEC = 1;

const sources = readSources(ROOT, ["src", "simulator", "tests", "scripts"]);
const changed = changedFiles();
const ranked = testsByDistance(changed);
const times = secondsByFile(join(ROOT, "dist", "tests_on_Deno.xml"));
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
  const said = execFileSync("git", args, { cwd: ROOT, encoding: "utf8" });
  return said.split("\n").filter(Boolean);
}

/** Test files that import a changed file, the nearest first, without those of the whole bot. */
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
