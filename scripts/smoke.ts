/**
 * Tests a compiled Barnacle away from this project: in an empty directory.
 *
 * `deno run -A scripts/smoke.ts dist/barnacle`
 */

import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { startOwnProcess } from "../src/host/process/own_process.ts";

const [binary = ""] = process.argv.slice(2);
if (binary === "") throw new TypeError("Name the binary: scripts/smoke.ts dist/barnacle");
const program = resolve(binary);

/** Runs a command of the binary to its end, in a directory, with an empty environment. */
async function run(cwd: string, ...ownArgs: readonly string[]) {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const child = startOwnProcess({ program, args: [] }, ownArgs, {}, (line, stream) => {
    (stream === "stdout" ? stdout : stderr).push(line);
  }, cwd);
  return { ...await child.exited, stdout, stderr };
}

function ownVersion(): unknown {
  const path = join(import.meta.dirname ?? ".", "..", "deno.json");
  return JSON.parse(readFileSync(path, "utf8")).version;
}

async function saysWhatItIs(cwd: string): Promise<void> {
  const { code, stdout } = await run(cwd, "--version");
  assert.equal(code, 0);
  assert.match(stdout.join("\n"), /^barnacle \S+( \(\w+\))?, Bun \d\S*, SQLite 3\.\S+, \w+-\w+$/);
  assert.equal(stdout[0]?.split(/[ ,]/)[1], ownVersion());
}

async function answersMessagesOfEachKind(cwd: string): Promise<void> {
  const { code, stdout, stderr } = await run(cwd, "demo", "--check");
  for (const line of stdout) console.log(`  ${line}`);
  assert.equal(code, 0, stderr.join("\n"));
}

/** Write access to the working directory must not allow running code or configuring the bot. */
async function readsNothingThatLiesAround(cwd: string): Promise<void> {
  const proof = join(cwd, "preload-ran");
  const preload = `require("node:fs").writeFileSync(${JSON.stringify(proof)}, "");`;
  writeFileSync(join(cwd, "preload.js"), preload);
  writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./preload.js"]\n');
  writeFileSync(join(cwd, ".env"), "DISCORD_BOT_TOKEN=from-a-file-that-lies-around\n");
  const data = join(cwd, "data");
  const { code, stderr } = await run(cwd, "run", "--data", data);
  assert.equal(existsSync(proof), false, "bunfig.toml was heeded: its preload ran");
  assert.equal(code, 78, `.env was heeded: ${stderr.join("\n")}`);
  assert.match(stderr.join("\n"), /DISCORD_BOT_TOKEN/);
}

/** A path of the build would differ from folder to folder, and so would the binary (SEC-R37). */
function knowsNoPathOfTheBuild(): Promise<void> {
  const root = resolve(import.meta.dirname ?? ".", "..");
  const content = readFileSync(program);
  for (const folder of [root, realpathSync(join(root, "node_modules"))]) {
    assert.equal(content.includes(`"${folder}/`), false, `the binary names ${folder}`);
  }
  return Promise.resolve();
}

const steps: Readonly<Record<string, (cwd: string) => Promise<void>>> = {
  knowsNoPathOfTheBuild,
  saysWhatItIs,
  answersMessagesOfEachKind,
  readsNothingThatLiesAround,
};
for (const [name, step] of Object.entries(steps)) {
  const cwd = mkdtempSync(join(tmpdir(), "barnacle-smoke-"));
  const startedAt = performance.now();
  try {
    await step(cwd);
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
  console.log(`smoke: ${name} (${Math.round(performance.now() - startedAt)} ms)`);
}
