/**
 * Tests a compiled Barnacle away from this project: in an empty directory, against a simulated
 * Discord in this process.
 *
 * `deno run -A scripts/smoke.ts dist/barnacle`, or with an emulator before it: `…
 * /usr/bin/qemu-aarch64-static -L /usr/aarch64-linux-gnu dist/barnacle-linux-arm64`.
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
import { startSimulation } from "../src/extras/demo/simulation/simulation.ts";
import { type OwnCommand, startOwnProcess } from "../src/host/process/own_process.ts";
import type { Simulator } from "../simulator/simulator.ts";

/** Milliseconds for each step; an emulated processor is slow. */
const PATIENCE_MS = 60_000;

const [program = "", ...args] = process.argv.slice(2)
  .map((arg) => existsSync(arg) ? resolve(arg) : arg);
if (program === "") throw new TypeError("Name the binary: scripts/smoke.ts dist/barnacle");
const command: OwnCommand = { program, args };

/** Runs a command of the binary to its end, in a directory, with an empty environment. */
async function run(cwd: string, ...ownArgs: readonly string[]) {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const child = startOwnProcess(command, ownArgs, {}, (line, stream) => {
    (stream === "stdout" ? stdout : stderr).push(line);
  }, cwd);
  return { ...await child.exited, stdout, stderr };
}

function ownVersion(): unknown {
  const path = join(import.meta.dirname ?? ".", "..", "deno.json");
  return JSON.parse(readFileSync(path, "utf8")).version;
}

async function saysWhatItIs(cwd: string): Promise<void> {
  const { code, stdout } = await run(cwd, "version", "--json");
  assert.equal(code, 0);
  const { version, commit, runtime, sqlite } = JSON.parse(stdout.join("\n"));
  assert.equal(version, ownVersion());
  assert.equal(typeof commit, "string");
  assert.match(runtime, /^Bun \d/);
  assert.match(sqlite, /^3\.\d/);
}

async function answers(cwd: string): Promise<void> {
  const simulation = await startSimulation({ command, cwd, config });
  const { simulator, startBot } = simulation;
  try {
    const bot = startBot();
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const isOver = bot.exited.then(() => Promise.reject(new Error(bot.lines.join("\n"))));
    const comes = <Value>(check: () => Value | undefined) =>
      Promise.race([simulator.until(check, patience), isOver]);
    await comes(() => simulator.connected() > 0 || undefined);
    simulator.say({
      as: "grace",
      in: "general",
      text: `<@${simulator.application.userId}> are you whole?`,
    });
    const reply = await comes(() => simulator.posted("general")[0]);
    assert.match(reply.content, /are you whole\?/);
    isOver.catch(() => {}); // from here on it should end
    bot.kill("SIGTERM");
    assert.deepEqual(await bot.exited, { code: 0, signal: null });
  } finally {
    await simulation.close();
  }
}

function config({ world }: Simulator): object {
  const [guildId = ""] = world.guilds.keys();
  return { channels: { discord: { guilds: { [guildId]: {} } } }, http: { port: 0 } };
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
  const binary = readFileSync(args.at(-1) ?? program);
  for (const folder of [root, realpathSync(join(root, "node_modules"))]) {
    assert.equal(binary.includes(`"${folder}/`), false, `the binary names ${folder}`);
  }
  return Promise.resolve();
}

const steps: Readonly<Record<string, (cwd: string) => Promise<void>>> = {
  knowsNoPathOfTheBuild,
  saysWhatItIs,
  answers,
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
