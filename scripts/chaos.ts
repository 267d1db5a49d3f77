/**
 * Runs one chaos scenario in its long form (`deno task chaos -- <name>`), or lists them.
 *
 * `deno task chaos -- long` plays the long forms of the other tests: many more random cases. Paths
 * after it choose some of them: `long tests/policy`.
 *
 * Example: `deno task chaos -- kill9 --seed 7 --kills 50 --repeat 3`. The bot is the source on
 * this runtime, or the binary in `BARNACLE_BIN`. `--short` takes CI's parameters; `--log` prints
 * the last bot's log. Each repetition takes the next seed.
 */

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { lineOf, SEED } from "../tests/chaos/support/report.ts";
import type { Scenario } from "../tests/chaos/support/scenario.ts";
import { readSources } from "./import_graph.ts";

const FOLDER = join("tests", "chaos", "scenarios");

/** Named after their files. */
const names = readdirSync(FOLDER).filter((file) => file.endsWith(".ts")).sort()
  .map((file) => file.slice(0, -".ts".length));

async function load(name: string): Promise<Scenario> {
  const file = join(FOLDER, `${name}.ts`);
  const { scenario }: { readonly scenario: Scenario } = await import(pathToFileURL(file).href);
  return scenario;
}

function list(scenarios: readonly Scenario[]): void {
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  for (const { name, summary, long } of scenarios) {
    const flags = Object.entries(long).map(([key, value]) => `--${key} ${value}`).join(" ");
    console.log(`${name.padEnd(width)}  ${summary}\n${" ".repeat(width)}  ${flags}`);
  }
}

const NUMBER = { type: "string" } as const;

async function play(scenario: Scenario, args: readonly string[]): Promise<boolean> {
  const named = Object.fromEntries(Object.keys(scenario.long).map((key) => [key, NUMBER]));
  const { values: { short, log, seed, repeat, ...rest } } = parseArgs({
    args: [...args],
    options: {
      seed: NUMBER,
      repeat: NUMBER,
      short: { type: "boolean" },
      log: { type: "boolean" },
      ...named,
    },
  });
  const given = Object.fromEntries(
    Object.entries(rest).map(([key, text]) => [key, toNumber(key, text)]),
  );
  const from = seed === undefined ? SEED : toNumber("seed", seed);
  const times = repeat === undefined ? 1 : toNumber("repeat", repeat);
  let isKept = true;
  for (let round = 0; round < times; round += 1) {
    const began = performance.now();
    const report = await scenario.run({
      ...(short === true ? scenario.short : scenario.long),
      ...given,
      seed: from + round,
    });
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    console.log(`${scenario.name}: ${lineOf(report)} seconds=${seconds}`);
    if (log === true) console.log(report.log.join("\n"));
    isKept &&= report.breaches.length === 0;
  }
  return isKept;
}

function toNumber(name: string, text: unknown): number {
  const value = Number(text);
  if (typeof text === "string" && text !== "" && Number.isFinite(value)) return value;
  throw new RangeError(`Cannot read --${name} ${String(text)}: it takes a number`);
}

/** Test files with a long form, below the given paths. */
function longTests(paths: readonly string[]): readonly string[] {
  return readSources(".", ["tests"])
    .filter(({ imports }) => imports.includes("tests/support/long_form.ts"))
    .map(({ path }) => path)
    .filter((path) => paths.length === 0 || paths.some((start) => path.startsWith(start)))
    .sort();
}

/** @returns The exit code. */
function playLong(paths: readonly string[]): number {
  const files = longTests(paths);
  if (files.length === 0) {
    console.error(`No test in ${paths.join(", ")} has a long form`);
    return 2;
  }
  const { status } = spawnSync(process.execPath, ["test", "-A", "--no-check", ...files], {
    stdio: "inherit",
    env: { ...process.env, BARNACLE_LONG: "1" },
  });
  return status ?? 1;
}

const [name, ...args] = process.argv.slice(2).filter((arg) => arg !== "--");
if (name === undefined) {
  list(await Promise.all(names.map(load)));
  console.log(`long\n  many more random cases of:\n  ${longTests([]).join("\n  ")}`);
} else if (name === "long") process.exitCode = playLong(args);
else if (!names.includes(name)) {
  console.error(`There is no scenario "${name}": ${[...names, "long"].join(", ")}`);
  process.exitCode = 2;
} else process.exitCode = await play(await load(name), args) ? 0 : 1;
