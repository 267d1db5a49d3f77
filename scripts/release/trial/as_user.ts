/**
 * Uses a release as a new user would: gets the installer, installs into an empty home, starts a bot on a
 * simulated Discord, looks at it, upgrades it and goes back, each time with an answer. Then it unpacks
 * archive and package, and starts the program of each. The image has a test of its own
 * (`tests/e2e/release/container_test.ts`).
 */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import {
  type Simulation,
  startSimulation,
} from "../../../src/extras/demo/simulation/simulation.ts";
import { startOwnProcess } from "../../../src/host/process/own_process.ts";
import type { Simulator } from "../../../simulator/simulator.ts";

export interface UsedRelease {
  /** Address of the releases, from which the installer downloads. */
  readonly releases: string;
  /** Address of a list that also has the next version. */
  readonly later: string;
  readonly folder: string;
  readonly version: string;
  /** Version to which the user upgrades. */
  readonly next: string;
}

/** Milliseconds for an answer; other builds may run beside this. */
const PATIENCE_MS = 60_000;

const ok = (line: string): void => console.log(`ok     ${line}`);

/** Uses it. @throws {assert.AssertionError} At the first step that fails. */
export async function tryAsUser(release: UsedRelease): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "barnacle-user-"));
  try {
    const program = await install(release, home);
    const command = { program, args: [] };
    const simulation = await startSimulation({ command, cwd: home, config });
    try {
      await useBot(program, home, simulation, release);
    } finally {
      await simulation.close();
    }
    tryPackages(release, home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function install({ releases, version }: UsedRelease, home: string): Promise<string> {
  const response = await fetch(`${releases}/latest/download/install.sh`);
  assert.equal(response.status, 200);
  const script = join(home, "install.sh");
  writeFileSync(script, await response.text());
  // As a user who is not root; the installer asks root for a folder.
  const dir = process.getuid?.() === 0 ? ["--dir", join(home, ".local", "bin")] : [];
  const ran = await run("sh", [script, ...dir], home);
  assert.equal(ran.code, 0, ran.text);
  for (const line of ran.text.split("\n")) ok(line);
  const program = join(home, ".local", "bin", "barnacle");
  assert.equal(await versionOf(program, home), version);
  return program;
}

async function useBot(
  program: string,
  home: string,
  { simulator, dataDir, configFile, startBot }: Simulation,
  { later, version, next }: UsedRelease,
): Promise<void> {
  const bot = startBot();
  const isOver = bot.exited.then(() => Promise.reject(new Error(bot.lines.join("\n"))));
  const asked = async (text: string) => {
    const has = () => simulator.posted("general").filter(({ content }) => content.includes(text));
    const content = `<@${simulator.application.userId}> ${text}`;
    simulator.say({ as: "grace", in: "general", text: content });
    const patience = AbortSignal.timeout(PATIENCE_MS);
    await Promise.race([simulator.until(() => has()[0], patience), isOver]);
    assert.equal(has().length, 1, `answers to ${text}`);
  };
  await Promise.race([
    simulator.until(() => simulator.connected() > 0 || undefined, AbortSignal.timeout(PATIENCE_MS)),
    isOver,
  ]);
  await asked("question one");
  ok(`the bot runs ${version} and answers`);

  const own = (...args: readonly string[]) => run(program, [...args, "--data", dataDir], home);
  const doctor = await own("doctor", "--config", configFile);
  assert.match(doctor.text, /Data directory/, doctor.text);
  ok(`doctor looks beside the bot and ends with ${doctor.code}`);
  const steps: readonly (readonly [args: readonly string[], code: number, then: string])[] = [
    [["upgrade", "--check", "--from", later], 3, version],
    [["upgrade", "--from", later], 0, next],
    [["upgrade", "--back"], 0, version],
  ];
  for (const [args, code, then] of steps) {
    const ran = await own(...args);
    assert.equal(ran.code, code, ran.text);
    assert.equal(await versionOf(program, home), then);
    await asked(`question after ${args.slice(0, 2).join(" ")}`);
    ok(`${args.slice(0, 2).join(" ")}: ${ran.text.trim().split("\n").join(" ")}`);
  }
  ok(`RESUMEs ${simulator.account().resumes.length}, each question has one answer`);
  isOver.catch(() => {}); // from here on it should end
  bot.kill("SIGTERM");
  assert.deepEqual(await bot.exited, { code: 0, signal: null });
}

/** Unpacks the other forms of the program for this machine, and starts each. */
function tryPackages({ folder, version }: UsedRelease, home: string): void {
  const [platform, architecture] = process.arch === "arm64"
    ? ["linux-arm64", "arm64"]
    : ["linux-x64", "amd64"];
  const says = (what: string, program: string, ...args: readonly string[]) => {
    const text = execFileSync(program, [...args, "version"], { encoding: "utf8" });
    assert.ok(text.includes(version), text);
    ok(`${what}: ${text.split("\n")[0]}`);
  };
  const into = (name: string) => {
    const path = join(home, name);
    mkdirSync(path);
    return path;
  };
  const archive = into("archive");
  const packed = join(folder, `barnacle-${platform}.tar.xz`);
  execFileSync("tar", ["-xJf", packed, "-C", archive]);
  says("archive", join(archive, "barnacle"));
  if (spawnSync("dpkg-deb", ["--version"], { stdio: "ignore" }).status !== 0) {
    return console.log("skipped: the Debian package (no dpkg-deb)");
  }
  const root = into("deb");
  execFileSync("dpkg-deb", ["-x", join(folder, `barnacle_${version}_${architecture}.deb`), root]);
  says("Debian package", join(root, "usr", "bin", "barnacle"));
}

function config({ world }: Simulator): object {
  const [guildId = ""] = world.guilds.keys();
  return { channels: { discord: { guilds: { [guildId]: {} } } }, http: { port: 0 } };
}

/** Runs a program to its end, with an empty home. */
async function run(program: string, args: readonly string[], home: string) {
  const lines: string[] = [];
  const env = { HOME: home, PATH: process.env["PATH"] };
  const child = startOwnProcess({ program, args: [] }, args, env, (line) => lines.push(line), home);
  const { code } = await child.exited;
  return { code, text: lines.join("\n") };
}

async function versionOf(program: string, home: string): Promise<string> {
  return JSON.parse((await run(program, ["version", "--json"], home)).text).version;
}
