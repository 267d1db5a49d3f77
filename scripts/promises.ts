/**
 * Lists the names on which scripts, dashboards and configs of users rely (docs/stability.md).
 *
 * `docs/promises.json` has those that were ever promised. `deno run -A scripts/promises.ts` adds new
 * names to it before a release; with `--check`, it writes nothing, and fails if there are some. It
 * removes none: a name may go only by hand, with the next major version.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { isDeepStrictEqual } from "node:util";
import { EXIT } from "../src/cli/shared/exit_code.ts";
import { allTasks } from "../src/cli/tasks.ts";
import { EXTRAS } from "../src/extras/extras.ts";
import { type ReferenceKey, referenceKeys } from "../src/config/reference.ts";
import { configSchema } from "../src/config/schema/root.ts";
import { createMetrics } from "../src/http/metrics.ts";
import { BUILD, HEALTHY, NOW } from "../tests/support/bot/health.ts";
import { commandsOf, ownRows } from "./reference/command_rows.ts";

const TASKS = await allTasks(EXTRAS);

/** Names that stay, sorted; `json` has the fields of commands' output, by command line. */
export interface Promises {
  readonly commands: readonly string[];
  readonly config: readonly string[];
  readonly exits: Readonly<Record<string, number>>;
  readonly json: Readonly<Record<string, readonly string[]>>;
  readonly metrics: readonly string[];
}

/** The committed list. */
export const PROMISES_FILE = join(import.meta.dirname ?? ".", "..", "docs", "promises.json");

/** Reads the committed list. */
export function readPromises(): Promises {
  return JSON.parse(readFileSync(PROMISES_FILE, "utf8"));
}

/** The names that the program has now; a running bot tells those of `json`. */
export function currentNames(): Omit<Promises, "json"> {
  const metrics = createMetrics(BUILD).text(HEALTHY, { cpuSec: 0 }, NOW);
  return {
    commands: TASKS.flatMap(commandsOf).flatMap(({ name, command }) => [
      name,
      ...ownRows(command).flatMap(([row]) => /--[\w-]+/.exec(row) ?? []).map((one) =>
        `${name} ${one}`
      ),
    ]).sort(),
    config: paths(referenceKeys(configSchema)).toSorted(),
    exits: EXIT,
    metrics: [...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name).toSorted(),
  };
}

function paths(keys: readonly ReferenceKey[]): readonly string[] {
  return keys.flatMap((key) => [key.path, ...paths(key.keys)]);
}

/**
 * Compares promises with names.
 *
 * @returns A sentence for each promise that is broken.
 */
export function brokenPromises(
  promised: Omit<Promises, "json">,
  current: Omit<Promises, "json">,
): readonly string[] {
  const lists = (["commands", "config", "metrics"] as const).flatMap((kind) =>
    promised[kind].filter((name) => !current[kind].includes(name))
      .map((name) => `${kind}: ${name} is gone`)
  );
  const exits = Object.entries(promised.exits)
    .filter(([name, code]) => current.exits[name] !== code)
    .map(([name, code]) => `exits: ${name} is ${current.exits[name] ?? "gone"}, not ${code}`);
  return [...lists, ...exits];
}

export function withNames(promised: Promises, current: Omit<Promises, "json">): Promises {
  const both = (one: readonly string[], other: readonly string[]) =>
    [...new Set([...one, ...other])].sort();
  return {
    commands: both(promised.commands, current.commands),
    config: both(promised.config, current.config),
    exits: { ...current.exits, ...promised.exits },
    json: promised.json,
    metrics: both(promised.metrics, current.metrics),
  };
}

function main(): void {
  const before = readPromises();
  const next = withNames(before, currentNames());
  if (isDeepStrictEqual(next, before)) return;
  if (process.argv.includes("--check")) {
    console.error("docs/promises.json lacks new names. Add them: deno run -A scripts/promises.ts");
    process.exitCode = 1;
  } else writeFileSync(PROMISES_FILE, `${JSON.stringify(next, undefined, 2)}\n`);
}

if (import.meta.main) main();
