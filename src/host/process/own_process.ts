/**
 * Starts Barnacle itself as another process.
 *
 * The demo runs the bot so, and the tests run it so: what is watched is then
 * the program that people run, which can be killed without asking it.
 *
 * @module
 */

import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { codeOf } from "../../lib/error_code.ts";

/** How to call a Barnacle: the program, and what comes before its own arguments. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** How a process ended; a signal has no code. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface OwnProcess {
  readonly pid: number | undefined;
  readonly exited: Promise<Exit>;
  kill(signal: OwnSignal): void;
}

export type OwnSignal = "SIGTERM" | "SIGINT" | "SIGKILL" | "SIGHUP" | "SIGUSR2";

/** The Barnacle that is running now: a compiled binary, or `main.ts` on its runtime. */
export function ownCommand(): Command {
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const { bun, deno } = process.versions;
  if (deno) {
    return { program: process.execPath, args: ["run", "--allow-all", "--quiet", main] };
  }
  const isCompiled = bun !== undefined && import.meta.url.includes("$bunfs");
  return { program: process.execPath, args: isCompiled ? [] : [main] };
}

/**
 * @param onLine What the process writes to stdout and stderr, line by line.
 * @param cwd Its working directory; ours, if absent.
 */
export function startOwnProcess(
  { program, args }: Command,
  ownArgs: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  onLine: (line: string, stream: "stdout" | "stderr") => void,
  cwd?: string,
): OwnProcess {
  const child = spawn(program, [...args, ...ownArgs], {
    env: { ...env },
    ...(cwd !== undefined && { cwd }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of ["stdout", "stderr"] as const) {
    createInterface({ input: child[stream] }).on("line", (line) => onLine(line, stream));
  }
  let isRunning = true;
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => isRunning = false);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  return {
    pid: child.pid,
    exited,
    kill(signal) {
      // Not `child.kill`: Deno then reports the signal as the end, whatever the end was.
      if (child.pid !== undefined && isRunning) signalTo(child.pid, signal);
    },
  };
}

/** A process that is gone already needs no signal; it may be so before its end is told. */
function signalTo(pid: number, signal: string): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}
