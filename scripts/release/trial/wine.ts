/**
 * Plays the whole bot of the Windows program under Wine: `wine.ts dist/barnacle-windows-x64.exe`.
 *
 * Debian's packages are `wine64`, `libwine` and `libz-mingw-w64`. The runtime needs a library that
 * Wine 8 lacks, `bcryptprimitives.dll`; a file of 1 kB that forwards its one function takes its place.
 *
 * First come commands beside a running bot: lock, pipe, status, doctor and backup. Then come the demo's
 * scenes; `verify` and `restore` remove folders, which Wine 8 cannot. The last line has their number,
 * for `platforms.ts record windows-x64 scenes`. Without Wine, it prints the reason and ends with 0.
 * Wine is no Windows: access lists, services and the scheduler of tasks are not tried here.
 */

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import {
  demoConfig,
  type Simulation,
  startSimulation,
} from "../../../src/extras/demo/simulation/simulation.ts";
import { type OwnCommand, startOwnProcess } from "../../../src/host/process/own_process.ts";
import { playScenes } from "./own_scenes.ts";
import { findWine, forwardingLibrary } from "./wine_parts.ts";

/** A program under Wine. */
interface Wine {
  readonly command: OwnCommand;
  readonly env: Readonly<Record<string, string>>;
}

/** Copies the program into a folder with a new Wine of its own. */
function prepare(wine: string, program: string, folder: string): Wine {
  const copy = join(folder, "barnacle.exe");
  copyFileSync(program, copy);
  const library = forwardingLibrary(
    "bcryptprimitives.dll",
    "ProcessPrng",
    "advapi32.SystemFunction036",
  );
  writeFileSync(join(folder, "bcryptprimitives.dll"), library);
  const env = {
    WINEPREFIX: join(folder, "prefix"),
    WINEDLLOVERRIDES: "bcryptprimitives=n",
    WINEDEBUG: "-all",
    DISPLAY: "",
    HOME: folder,
    PATH: process.env["PATH"] ?? "",
  };
  return { command: { program: wine, args: [copy] }, env };
}

/** Runs a command of the program to its end. */
async function run({ command, env }: Wine, args: readonly string[]) {
  const lines: string[] = [];
  const { exited } = startOwnProcess(command, args, env, (line) => lines.push(line));
  return { code: (await exited).code, text: lines.join("\n") };
}

/** Milliseconds for one answer. */
const PATIENCE_MS = 60_000;

/** Uses the commands that depend on the system, beside a running bot. */
async function besideABot(wine: Wine): Promise<void> {
  const { command, env } = wine;
  const simulation = await startSimulation({ command, env, config: demoConfig });
  const { simulator, dataDir, configFile } = simulation;
  const place = ["--data", dataDir, "--config", configFile];
  const own = (...args: readonly string[]) => run(wine, [...args, ...place]);
  try {
    const bot = simulation.startBot();
    const until = <Value>(check: () => Value | undefined) =>
      simulator.until(check, AbortSignal.timeout(PATIENCE_MS));
    await until(() => simulator.connected() > 0 || undefined);
    // It takes commands a moment after it is online.
    await until(() => bot.lines.some((line) => line.includes("Barnacle is running")) || undefined);

    const second = simulation.startBot();
    assert.equal((await second.exited).code, 75, second.lines.join("\n"));
    console.log("ok     a second bot with the same data ends with 75");

    const steps:
      readonly (readonly [args: readonly string[], codes: readonly number[], says: RegExp])[] = [
        [["pause"], [0], /paused|pause/i],
        [["resume"], [0], /./],
        [["status"], [0], /running, Barnacle/],
        [["doctor"], [0, 1, 3, 78], /Data directory/], // this shell has no token
        [["backup", "--to", join(dataDir, "one.barnacle")], [0], /./],
      ];
    for (const [args, codes, says] of steps) {
      const { code, text } = await own(...args);
      const said = `${args.join(" ")} ended with ${code}:\n${text}`;
      assert.ok(code !== null && codes.includes(code), said);
      assert.match(text, says, said);
      assert.doesNotMatch(text, /\n\s+at .*:\d+:\d+/, said); // no stack
      console.log(`ok     ${args[0]} beside the bot ends with ${code}`);
    }
    bot.kill("SIGKILL");
    await bot.exited;
    await stopsOnCtrlC(wine, simulation);
  } finally {
    await simulation.close();
  }
}

/** Presses Ctrl-C in the bot's console, which Wine gives to a program on a terminal. */
async function stopsOnCtrlC(
  { command: { program, args }, env }: Wine,
  { simulator, model, configFile, dataDir }: Simulation,
): Promise<void> {
  const line = [program, ...args, "run", "--config", configFile, "--data", dataDir].join(" ");
  const child = spawn("script", ["-qec", line, "/dev/null"], {
    env: {
      ...env,
      DISCORD_API_URL: simulator.apiUrl,
      DISCORD_BOT_TOKEN: simulator.token,
      OPENAI_BASE_URL: model.baseUrl,
      OPENAI_API_KEY: "no-key",
      OPENAI_MODEL: model.models[0],
    },
  });
  let text = "";
  child.stdout.on("data", (piece) => text += piece);
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  try {
    await simulator.until(
      () => text.includes("Barnacle is running") || undefined,
      AbortSignal.timeout(PATIENCE_MS),
    );
    child.stdin.write("\x03");
    const code = await exited;
    // Wine may tell of one key twice; the second time ends the bot at once.
    assert.ok(code === 0 || code === 130, `${code}: ${text}`);
    assert.match(text, /Stopping/, text);
    console.log(`ok     Ctrl-C stops the bot, which ends with ${code}`);
  } finally {
    child.kill("SIGKILL");
  }
}

/** @returns The exit code. */
async function main(program: string | undefined): Promise<number> {
  if (program === undefined || !existsSync(program)) {
    console.error("Name the program: scripts/release/trial/wine.ts dist/barnacle-windows-x64.exe");
    return 2;
  }
  const found = findWine();
  if (found === undefined) {
    console.log("skipped: Wine is not installed (Debian: wine64)");
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), "barnacle-wine-"));
  mkdirSync(join(folder, "prefix"));
  const wine = prepare(found, program, folder);
  try {
    const { code, text } = await run(wine, ["version"]);
    assert.equal(code, 0, text);
    assert.match(text, /win32-x64$/m);
    console.log(`ok     ${text.split("\n").at(-1)}`);
    await besideABot(wine);
    const { passed, of } = await playScenes(wine.command, wine.env);
    const version = execFileSync(found, ["--version"], { env: wine.env, encoding: "utf8" });
    console.log(`${passed} of ${of} scenes on ${version.trim().replace("-", " ")}`);
    return passed === of && of > 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) process.exitCode = await main(process.argv[2]);
