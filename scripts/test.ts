/**
 * Checks a change in one command: format, lint, types, generated documents, the tests of all parts on
 * Bun, those that differ on Deno, and the whole bot as the binary.
 *
 * With `--all`, as for a release, it also runs all tests on Deno and the long forms.
 *
 * The last line is the result, and the lines before it repeat the failures. A step without any test
 * is a failure, because a runner that finds no test reports success. Independent steps run side by
 * side, and each prints its output when it ends. A step that hangs is stopped after an hour
 * (`BARNACLE_TEST_LIMIT_SEC`). All files go to `.test`, so binaries in `dist` stay.
 */

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { filesIn } from "./import_graph.ts";
import { readReport, REPORTS } from "./junit.ts";
import { runStep, stopSteps } from "./step.ts";
import { type Group, groupsOf, writeGroups } from "./test_groups.ts";

const DENO = process.execPath;
const BUN = join("node_modules", ".bin", "bun");
/** `tests/support/skip.ts` writes skipped tests and their reasons here. */
const SKIPS = join(REPORTS, "skips.txt");
/** The binary under test, by an absolute path. */
const BINARY = join(process.cwd(), REPORTS, "bin", "barnacle");
/** Generated files that each import the tests of one folder. */
const GROUPS = join(REPORTS, "groups");
/** Milliseconds for a step: many times the longest, for slow machines. */
const LIMIT_MS = Number(process.env["BARNACLE_TEST_LIMIT_SEC"] ?? 3_600) * 1_000;

/** Whether everything runs that a release needs. */
const IS_ALL = process.argv.includes("--all");

/** It records the bot's writes, for power cuts. */
const STRACE = "/usr/bin/strace";

const total = { passed: 0, failed: 0, skipped: 0 };
/** Failed steps with their failed tests, printed again at the end, where readers look first. */
const failed: string[] = [];

async function step(
  name: string,
  command: string,
  args: readonly string[],
  { report, env = {}, isLast = false }: {
    report?: string;
    env?: Record<string, string>;
    isLast?: boolean;
  } = {},
): Promise<boolean> {
  const startedAt = performance.now();
  const ended = await runStep(command, args, {
    env: { BARNACLE_SKIPS: SKIPS, ...env },
    limitMs: LIMIT_MS,
    isLast,
  });
  for (const bytes of ended.output) process.stdout.write(bytes);
  const { passed, skipped, failures } = report
    ? readReport(report)
    : { passed: ended.fault === undefined ? 1 : 0, skipped: 0, failures: [] };
  const fault = ended.fault ??
    (failures.length > 0 ? "failed tests" : passed === 0 ? "it ran no test" : undefined);
  total.passed += passed;
  total.skipped += skipped;
  total.failed += fault === undefined ? 0 : Math.max(1, failures.length);
  const reasons = failures.map((failure) => `  ${failure}`);
  if (fault !== undefined) failed.push(`${name}: ${fault}`, ...reasons);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const tests = report ? `, ${passed} passed, ${failures.length} failed, ${skipped} skipped` : "";
  const result = fault === undefined ? "ok    " : "FAILED";
  console.log(`${result} ${name} (${seconds} s${tests})${fault === undefined ? "" : `: ${fault}`}`);
  for (const reason of reasons) console.log(reason);
  return fault === undefined;
}

function denoTests(
  name: string,
  paths: readonly string[],
  jobs: number,
  { env = {}, isLast = false }: { env?: Record<string, string>; isLast?: boolean } = {},
): Promise<boolean> {
  const report = join(REPORTS, `${name.replaceAll(/\W+/g, "_")}.xml`);
  return step(name, DENO, [
    "test",
    "-A",
    "--no-check",
    "--quiet",
    "--parallel",
    `--junit-path=${report}`,
    ...paths,
  ], { report, isLast, env: { ...env, DENO_JOBS: String(jobs) } });
}

/**
 * Bun runs files one after the other, and many tests wait. So four processes share them: the largest
 * groups first.
 */
async function bunTests(groups: readonly Group[]): Promise<void> {
  const shares: Group[][] = [[], [], [], []];
  const testsOf = (share: readonly Group[]) => share.flatMap(({ tests }) => tests).length;
  for (const group of groups.toSorted((left, right) => right.tests.length - left.tests.length)) {
    shares.toSorted((left, right) => testsOf(left) - testsOf(right))[0]?.push(group);
  }
  await Promise.all(
    shares.map((share, index) =>
      bunProcess(`tests on Bun ${index + 1}`, writeGroups(share, join(GROUPS, "bun")))
    ),
  );
}

function bunProcess(name: string, paths: readonly string[]): Promise<boolean> {
  const report = join(REPORTS, `${name.replaceAll(/\W+/g, "_")}.xml`);
  return step(name, BUN, [
    "test",
    "--isolate",
    "--timeout=180000", // these tests stand behind those of the binary
    "--reporter=junit",
    `--reporter-outfile=${report}`,
    ...paths.map((path) => `./${path}`),
  ], { report, isLast: true });
}

/** Tests that only a release needs. */
async function testRelease(): Promise<void> {
  const env = { BARNACLE_BIN: BINARY };
  await denoTests("the binary, for a release", RELEASE, 2, { env });
  await denoTests("all tests on Deno", writeParts(PARTS, "all"), 2);
  for (const form of ["long", "kill9", ...(existsSync(STRACE) ? ["powercut"] : [])]) {
    await step(`long form: ${form}`, DENO, ["run", "-A", "scripts/chaos.ts", form], { env });
  }
}

const TESTS = filesIn(".", "tests").filter((path) => path.endsWith("_test.ts"));

/** Test files below folders of `tests/`. */
const testsIn = (...folders: readonly string[]) =>
  TESTS.filter((path) => folders.some((folder) => path.startsWith(`tests/${folder}/`)));

/** Tests of the whole bot as the shipped binary. */
const WHOLE = testsIn("e2e", "release", "security", "chaos");

/**
 * Tests of the whole bot that only a release runs: scenes of single features, whose parts each change
 * tests, and the one that cuts the power for minutes.
 */
const RELEASE = [...testsIn("release"), "tests/chaos/powercut_test.ts"];

/** The tests below folders of `tests/` that each change runs. */
const everyDay = (...folders: readonly string[]) =>
  testsIn(...folders).filter((path) => !RELEASE.includes(path));

/** All other tests, so that no new folder is forgotten. */
const PARTS = TESTS.filter((path) => !WHOLE.includes(path));

/** Tests of code whose threads, sockets, files and processes are another runtime's on Deno. */
const DIFFERENT = testsIn(
  "discord/gateway/main",
  "discord/gateway/socket",
  "exec",
  "extract",
  "host",
  "lib/network",
  "sandbox",
);

/** One journey of the whole bot, from its source on Deno. */
const JOURNEY = "tests/e2e/delivery/delivery_test.ts";

/** Most files of the whole bot in a group: each group loads for a second, and its files wait in turn. */
const MOST = 12;

/** Writes tests as files for a step. @returns The generated files. */
function writeParts(tests: readonly string[], name: string, most?: number): readonly string[] {
  return writeGroups(groupsOf(tests, most), join(GROUPS, name));
}

/** Checks that run no test. */
function check(): Promise<unknown> {
  return Promise.all([
    step("format", DENO, ["fmt", "--check", "--quiet"]),
    step("lint", DENO, ["lint", "--quiet"]),
    step("documentation", DENO, ["run", "-A", "scripts/doc_lint.ts"]),
    step("types", DENO, ["run", "-A", "scripts/types.ts"]),
    step("reference", DENO, ["run", "-A", "scripts/reference/config.ts", "--check"]),
    step("notice", DENO, ["run", "-A", "scripts/notice.ts", "--check"]),
    step("commands", DENO, ["run", "-A", "scripts/reference/commands.ts", "--check"]),
    step("tools", DENO, ["run", "-A", "scripts/reference/tools.ts", "--check"]),
    step("schema", DENO, ["run", "-A", "scripts/reference/schema.ts", "--check"]),
  ]);
}

/** The tests of single parts. They load the processor, so the checks are over before. */
async function testParts(): Promise<void> {
  await check();
  const onDeno = [...writeParts(DIFFERENT, "deno"), JOURNEY];
  await Promise.all([
    bunTests(groupsOf(PARTS)),
    denoTests("tests on Deno", onDeno, 1, { isLast: true }),
  ]);
}

/**
 * Tests the whole bot, which waits more than it works: for Discord's limits, and for grace periods.
 */
async function testBinary(): Promise<void> {
  const compile = ["run", "-A", "scripts/compile.ts", `--out=${dirname(BINARY)}`, "host"];
  if (!await step("compile", DENO, compile)) return;
  await step("smoke", DENO, ["run", "-A", "scripts/smoke.ts", BINARY]);
  const env = { BARNACLE_BIN: BINARY };
  await Promise.all([
    denoTests(
      "the binary, end to end",
      writeParts(everyDay("e2e", "security"), "whole", MOST),
      6,
      { env },
    ),
    denoTests("the binary, under faults", writeParts(everyDay("chaos"), "faults"), 1, { env }),
  ]);
}

rmSync(REPORTS, { recursive: true, force: true }); // an old binary must not count as the new one
mkdirSync(REPORTS, { recursive: true });

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    stopSteps();
    process.exit(130);
  });
}

await step("install", DENO, ["install", "--quiet", "--frozen"]);
// The tests of the binary take longest, because they wait for real time. So they begin at once.
await Promise.all([testBinary(), testParts()]);
if (IS_ALL) await testRelease();

for (const line of new Set(existsSync(SKIPS) ? readFileSync(SKIPS, "utf8").split("\n") : [])) {
  if (line) console.log(`skipped: ${line}`);
}
for (const line of failed) console.log(`failed: ${line}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 ? 1 : 0);
