/**
 * Checks a change in one command: format, lint, types, generated documents, the tests of all parts on
 * Bun, those that differ on Deno, and the whole bot as the binary.
 *
 * With `--all`, as for a release, it also runs all tests on Deno, the
 * long forms, and the binaries of other platforms.
 *
 * The last line is the result, and the lines before it repeat the failures. A step without any test
 * is a failure, because a runner that finds no test reports success. Independent steps run side by
 * side, and each prints its output when it ends. A step that hangs is stopped after an hour
 * (`BARNACLE_TEST_LIMIT_SEC`). All files go to `.test`, so binaries in `dist` stay.
 */

import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { filesIn } from "./import_graph.ts";
import { findWine } from "./release/trial/wine_parts.ts";
import { readReport, REPORTS, secondsByFile } from "./junit.ts";
import { runStep, stopSteps } from "./step.ts";
import { type Group, groupsOf, writeGroups } from "./test_groups.ts";

const DENO = process.execPath;
const BUN = join("node_modules", ".bin", "bun");
/** `tests/support/skip.ts` writes skipped tests and their reasons here. */
const SKIPS = join(REPORTS, "skips.txt");
/** Milliseconds between two looks at the clock. */
const CLOCK_EVERY_MS = 1_000;
/** Smallest change that is worth a line, in milliseconds. */
const CLOCK_CHANGE_MS = 500;
/** Binaries under test, by an absolute path. */
const BINARIES = join(process.cwd(), REPORTS, "bin");
/** Generated files that each import the tests of one folder. */
const GROUPS = join(REPORTS, "groups");
/** Milliseconds for a step: many times the longest, for slow machines. */
const LIMIT_MS = Number(process.env["BARNACLE_TEST_LIMIT_SEC"] ?? 3_600) * 1_000;

/** Whether everything runs that a release needs. */
const IS_ALL = process.argv.includes("--all");

/** Debian's `qemu-user-static` and `libc6-arm64-cross`. */
const QEMU = "/usr/bin/qemu-aarch64-static";
const ARM64_LIBRARIES = "/usr/aarch64-linux-gnu";

/** It records the bot's writes, for power cuts. */
const STRACE = "/usr/bin/strace";

/** Debian's `musl`, and the library that `scripts/release/trial/musl_library.sh` builds. */
const MUSL = ["/lib/ld-musl-x86_64.so.1", "/usr/lib/x86_64-linux-musl/libstdc++.so.6"];

const total = { passed: 0, failed: 0, skipped: 0 };
/** Failed steps with their failed tests, printed again at the end, where readers look first. */
const failed: string[] = [];
const clockChanges: string[] = [];

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
  const cpu = ended.cpuSeconds === undefined ? "" : `, ${ended.cpuSeconds.toFixed(0)} s of CPU`;
  console.log(
    `${result} ${name} (${seconds} s${cpu}${tests})${fault === undefined ? "" : `: ${fault}`}`,
  );
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

/** Whether this machine has all that some steps need; if not, the last lines say so. */
function canRun(what: string, paths: readonly string[]): boolean {
  const missing = paths.filter((path) => !existsSync(path));
  if (missing.length === 0) return true;
  total.skipped += 1;
  appendFileSync(SKIPS, `${what}: no ${missing.join(", no ")}\n`);
  return false;
}

/** Compiles the binary of another platform. */
function compile(platform: string): Promise<boolean> {
  const args = ["run", "-A", "scripts/compile.ts", `--out=${BINARIES}`, platform];
  return step(`compile ${platform}`, DENO, args);
}

/** Tests the binary for a Raspberry Pi, if this machine can emulate one. */
async function testArm64(): Promise<void> {
  if (!canRun("the arm64 binary", [QEMU, ARM64_LIBRARIES]) || !await compile("linux-arm64")) return;
  const command = [QEMU, "-L", ARM64_LIBRARIES, join(BINARIES, "barnacle-linux-arm64")];
  const own = join(BINARIES, "barnacle");
  await step("smoke arm64", DENO, ["run", "-A", "scripts/smoke.ts", ...command]);
  const trial = join("scripts", "release", "trial");
  await step("scenes arm64", DENO, ["run", "-A", join(trial, "scenes.ts"), ...command]);
  await step("move to arm64", DENO, ["run", "-A", join(trial, "move.ts"), own, ...command]);
}

/** Tests the binary for Alpine end to end, if this machine has musl. */
async function testMusl(): Promise<void> {
  if (!canRun("the musl binary", MUSL) || !await compile("linux-x64-musl")) return;
  const env = { BARNACLE_BIN: join(BINARIES, "barnacle-linux-x64-musl") };
  await denoTests(
    "the musl binary, end to end",
    writeParts(testsIn("e2e", "features"), "musl", MOST),
    6,
    {
      env,
    },
  );
}

/** Plays the demo's scenes with the program of Windows, if this machine has Wine. */
async function testOnWine(): Promise<void> {
  const wine = findWine() ?? "Wine (Debian: wine64)";
  if (!canRun("the Windows program", [wine]) || !await compile("windows-x64")) return;
  const program = join(BINARIES, "barnacle-windows-x64.exe");
  // Under Wine, a command finds no bot whose data are on a disk in memory.
  await step("the Windows program under Wine", DENO, [
    "run",
    "-A",
    "scripts/release/trial/wine.ts",
    program,
  ], { env: { TMPDIR: "/tmp" } });
}

/** Tests that only a release needs. Scenes of other platforms have time limits, so they come last. */
async function testRelease(): Promise<void> {
  const env = { BARNACLE_BIN: join(BINARIES, "barnacle") };
  await denoTests("the binary, for a release", RELEASE, 2, { env });
  await denoTests("all tests on Deno", writeParts(PARTS, "all"), 2);
  const forms = ["long", "kill9", "chain", ...(canRun("power cuts", [STRACE]) ? ["powercut"] : [])];
  for (const form of forms) {
    await step(`long form: ${form}`, DENO, ["run", "-A", "scripts/chaos.ts", form], { env });
  }
  await testArm64();
  await testMusl();
  await testOnWine();
}

const TESTS = filesIn(".", "tests").filter((path) => path.endsWith("_test.ts"));

/** Test files below folders of `tests/`. */
const testsIn = (...folders: readonly string[]) =>
  TESTS.filter((path) => folders.some((folder) => path.startsWith(`tests/${folder}/`)));

/** Tests of the whole bot as the shipped binary. */
const WHOLE = testsIn("e2e", "features", "security", "chaos");

/**
 * Tests of the whole bot that only a release runs: scenes of single features, whose parts each change
 * tests, and those that take minutes, because they build binaries, use each page in a
 * browser or cut the power for long.
 */
const RELEASE = [
  ...testsIn("features"),
  "tests/chaos/powercut_test.ts",
  "tests/chaos/soak_test.ts",
];

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
    step("platforms", DENO, ["run", "-A", "scripts/release/platforms.ts", "--check"]),
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
  if (!await compile("host")) return;
  const binary = join(BINARIES, "barnacle");
  await step("smoke", DENO, ["run", "-A", "scripts/smoke.ts", binary]);
  const env = { BARNACLE_BIN: binary };
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

/** Prints each change of this machine's clock: the bot under test treats it as a suspended machine. */
function watchClock(): void {
  const ahead = () => Date.now() - performance.now();
  let last = ahead();
  setInterval(() => {
    const byMs = Math.round(ahead() - last);
    last += byMs;
    if (Math.abs(byMs) < CLOCK_CHANGE_MS) return;
    const at = new Date().toISOString();
    clockChanges.push(
      `this machine's clock was set by ${byMs} ms, to ${at}: tests may fail by that`,
    );
  }, CLOCK_EVERY_MS);
}

/** Prints the slowest files of all reports. */
function slowest(count: number): void {
  const files = new Map<string, number>();
  for (const name of readdirSync(REPORTS).filter((name) => name.endsWith(".xml"))) {
    const runtime = name.includes("Bun") ? "bun" : "deno";
    for (const [file, seconds] of secondsByFile(join(REPORTS, name))) {
      files.set(`${file} (${runtime})`, seconds);
    }
  }
  const ranked = [...files].sort(([, left], [, right]) => right - left).slice(0, count);
  console.log(`the ${ranked.length} slowest files, in seconds:`);
  for (const [file, seconds] of ranked) console.log(`${seconds.toFixed(1).padStart(7)}  ${file}`);
}

rmSync(REPORTS, { recursive: true, force: true }); // an old binary must not count as the new one
mkdirSync(REPORTS, { recursive: true });

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    stopSteps();
    process.exit(130);
  });
}

watchClock();
await step("install", DENO, ["install", "--quiet", "--frozen"]);
// The tests of the binary take longest, because they wait for real time. So they begin at once.
await Promise.all([testBinary(), testParts()]);
if (IS_ALL) await testRelease();
slowest(20);

for (const line of new Set(existsSync(SKIPS) ? readFileSync(SKIPS, "utf8").split("\n") : [])) {
  if (line) console.log(`skipped: ${line}`);
}
for (const line of clockChanges) console.log(line);
for (const line of failed) console.log(`failed: ${line}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 ? 1 : 0);
