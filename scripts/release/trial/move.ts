/**
 * Moves a bot that runs from this machine's binary to one for another processor, by a backup:
 *
 * `deno run -A scripts/release/trial/move.ts dist/barnacle /usr/bin/qemu-aarch64-static -L
 * /usr/aarch64-linux-gnu dist/barnacle-linux-arm64`.
 *
 * The first program answers and makes the backup. The second one checks it, restores it into an empty
 * directory, and answers in the same conversation (O11).
 */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import {
  type Simulation,
  startSimulation,
} from "../../../src/extras/demo/simulation/simulation.ts";
import { type OwnCommand, startOwnProcess } from "../../../src/host/process/own_process.ts";
import type { Simulator } from "../../../simulator/simulator.ts";

/** Milliseconds for an answer; an emulated processor is slow. */
const PATIENCE_MS = 120_000;

/** Runs a command on the bot's data to its end. @returns The lines of its output. */
async function run(
  command: OwnCommand,
  { configFile, dataDir }: Simulation,
  ...args: readonly string[]
): Promise<readonly string[]> {
  const lines: string[] = [];
  const errors: string[] = [];
  const child = startOwnProcess(
    command,
    [...args, "--config", configFile, "--data", dataDir],
    {},
    (line, stream) => (stream === "stdout" ? lines : errors).push(line),
  );
  assert.deepEqual(await child.exited, { code: 0, signal: null }, errors.join("\n"));
  return lines;
}

/** Starts a bot, asks it a question, and waits for the answer. @returns What ends the bot. */
async function answers(
  command: OwnCommand,
  { simulator, startBot }: Simulation,
  question: string,
): Promise<() => Promise<void>> {
  const bot = startBot({}, [], command);
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const hasEnded = bot.exited.then(() => Promise.reject(new Error(bot.lines.join("\n"))));
  hasEnded.catch(() => {}); // at the end, it should
  const comes = <Value>(check: () => Value | undefined) =>
    Promise.race([simulator.until(check, patience), hasEnded]);
  await comes(() => simulator.connected() > 0 || undefined);
  const text = `<@${simulator.application.userId}> ${question}`;
  simulator.say({ as: "grace", in: "general", text });
  await comes(() => simulator.posted("general").find(({ content }) => content.includes(question)));
  return async () => {
    bot.kill("SIGTERM");
    assert.deepEqual(await bot.exited, { code: 0, signal: null });
  };
}

/** Moves the bot. The data directory keeps nothing but the config, as on another machine. */
async function moves(from: OwnCommand, to: OwnCommand, simulation: Simulation, folder: string) {
  const { configFile, dataDir } = simulation;
  const stop = await answers(from, simulation, "is this the old machine?");
  const [file] = await run(from, simulation, "backup", "--to", folder);
  assert.ok(file);
  await stop();
  for (const name of readdirSync(dataDir)) {
    const path = join(dataDir, name);
    if (path !== configFile) rmSync(path, { recursive: true });
  }
  assert.deepEqual(await run(to, simulation, "verify", file), [`Whole: ${file}`]);
  await run(to, simulation, "restore", file);
  const end = await answers(to, simulation, "is this the new one?");
  await end();
  const sessions = await run(to, simulation, "sessions", "list", "--json");
  assert.equal(JSON.parse(sessions.join("\n")).length, 1, "the conversation is not the same one");
}

function config({ world }: Simulator): object {
  const [guildId = ""] = world.guilds.keys();
  return { channels: { discord: { guilds: { [guildId]: {} } } }, http: { port: 0 } };
}

const [here, other, ...args] = process.argv.slice(2).map((arg) =>
  existsSync(arg) ? resolve(arg) : arg
);
if (here === undefined || other === undefined) {
  throw new TypeError("Name this machine's binary, then the other one with its emulator before it");
}
const folder = mkdtempSync(join(tmpdir(), "barnacle-move-"));
const simulation = await startSimulation({ config });
try {
  await moves({ program: here, args: [] }, { program: other, args }, simulation, folder);
} finally {
  await simulation.close();
  rmSync(folder, { recursive: true, force: true });
}
console.log("move: the other binary restores a backup of this machine's, and answers");
