/**
 * Gives each bot one core, and the bench with its servers another, if `taskset` is installed.
 *
 * A bot with two cores moves work to the second one, and a bench on the bot's core slows it down.
 * Both blur the figures.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import type { OwnCommand } from "../src/host/process/own_process.ts";

/** Number of cores that a bot may use. */
export type CoreCount = "one" | "two";

interface Cores {
  readonly bot: number;
  readonly bench: number;
}

let cores: Cores | undefined;

/**
 * Moves this process to its second allowed core. Later processes inherit it, unless {@link onCores}
 * says otherwise.
 *
 * @returns A sentence for the table's foot.
 */
export function pinBench(): string {
  const [bot, bench] = allowedCores();
  if (bot === undefined || bench === undefined) return "nothing was pinned: there is one core";
  const { status } = spawnSync("taskset", ["-a", "-cp", String(bench), String(process.pid)]);
  if (status !== 0) return "nothing was pinned: taskset is not there";
  cores = { bot, bench };
  return `bots on core ${bot}, the bench with its Discord and model on core ${bench}`;
}

/** The command on the bot's core alone, or on the bench's core as well. */
export function onCores({ program, args }: OwnCommand, count: CoreCount): OwnCommand {
  if (!cores) return { program, args };
  const list = count === "one" ? `${cores.bot}` : `${cores.bot},${cores.bench}`;
  return { program: "taskset", args: ["-c", list, program, ...args] };
}

/** From a list such as `0-1,4`. */
function allowedCores(): readonly number[] {
  const status = readFileSync("/proc/self/status", "utf8");
  const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(status)?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = NaN, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
