/**
 * Lets a program play the scenes of its own `demo --script`, on a machine of its platform, and writes
 * the result for `platforms.ts`: `own_scenes.ts windows-x64 dist/barnacle-windows-x64.exe --on="Windows 11"`.
 *
 * The result is a file of JSON, `platform-<platform>-scenes.json` or that of `--result`. A maintainer puts
 * the results of a run into README's table by `platforms.ts add *.json`.
 */

import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import process from "node:process";
import { resolve } from "node:path";
import { release, type } from "node:os";
import { parseArgs } from "node:util";
import { type OwnCommand, startOwnProcess } from "../../../src/host/process/own_process.ts";

export interface SceneCounts {
  /** Scenes that pass. */
  readonly passed: number;
  /** All scenes. */
  readonly of: number;
}

/**
 * Plays the scenes, and prints each.
 *
 * @param env The environment of the program.
 */
export async function playScenes(
  command: OwnCommand,
  env: Readonly<Record<string, string | undefined>>,
): Promise<SceneCounts> {
  let passed = 0;
  let of = 0;
  const { exited } = startOwnProcess(command, ["demo", "--script", "--json"], env, (line) => {
    if (!line.startsWith("{")) return console.log(line);
    const { scene, ok, failure, log = [] } = JSON.parse(line);
    of += 1;
    if (ok) passed += 1;
    console.log(ok ? `ok     ${scene}` : `FAILED ${scene}: ${failure}\n${log.join("\n")}`);
  });
  await exited;
  return { passed, of };
}

/** @returns The exit code: 0 if all scenes pass. */
async function main(args: readonly string[]): Promise<number> {
  const { values, positionals: [platform = "", program = ""] } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { on: { type: "string" }, result: { type: "string" } },
  });
  if (!existsSync(program)) {
    console.error(
      "Name a platform and its program: own_scenes.ts darwin-arm64 barnacle-darwin-arm64",
    );
    return 2;
  }
  const counts = await playScenes({ program: resolve(program), args: [] }, process.env);
  const { on = `${type()} ${release()}`, result = `platform-${platform}-scenes.json` } = values;
  const commit = execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8" }).slice(0, 12);
  const date = new Date().toISOString().slice(0, 10);
  const entry = { platform, commit, date, ran: "scenes", on, ...counts, skipped: 0 };
  writeFileSync(result, `${JSON.stringify(entry, undefined, 2)}\n`);
  console.log(`${counts.passed} of ${counts.of} scenes on ${on}`);
  return counts.passed === counts.of && counts.of > 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
