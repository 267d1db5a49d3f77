/**
 * Starts Barnacle itself as another process.
 *
 * The demo and the tests use it. So they observe the program that people run, and can kill it at
 * any moment.
 */

import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Env } from "../../lib/env.ts";
import { codeOf } from "../../lib/errors.ts";
import { isCompiledUrl } from "./engine_options.ts";

/** How to start a Barnacle: the program, and the arguments before Barnacle's own. */
export interface OwnCommand {
  readonly program: string;
  /** Arguments in front of all others. */
  readonly args: readonly string[];
}

/** How a process ended; after a signal it has no code. */
export interface Exit {
  /** Exit code; `null` after a signal. */
  readonly code: number | null;
  /** Name of the signal; `null` after an exit. */
  readonly signal: string | null;
}

/** A signal that a Barnacle handles, or that kills it. */
export type OwnSignal = "SIGTERM" | "SIGINT" | "SIGKILL" | "SIGHUP" | "SIGUSR2";

/** The running Barnacle: a compiled binary, or `main.ts` on its runtime. */
export function ownCommand(): OwnCommand {
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const { bun, deno } = process.versions;
  if (deno) {
    return { program: process.execPath, args: ["run", "--allow-all", "--quiet", main] };
  }
  const isCompiled = bun !== undefined && isCompiledUrl(import.meta.url);
  return { program: process.execPath, args: isCompiled ? [] : [main] };
}

/** Its environment for untrusted work: Deno's cache, or Bun's compiler that takes 20 MB less. */
export function runtimeEnv(): Readonly<Record<string, string>> {
  if (!process.versions.deno) return { BUN_JSC_useOMGJIT: "false" };
  const { HOME, DENO_DIR } = process.env;
  return { ...(HOME !== undefined && { HOME }), ...(DENO_DIR !== undefined && { DENO_DIR }) };
}

/**
 * URL of the thread that does one job. The entries of threads stand beside `main.ts`, and all files of a
 * compiled binary in one folder.
 */
export const JOB_WORKER_URL: URL = new URL(
  isCompiledUrl(import.meta.url) ? "./job_worker.ts" : "../../job_worker.ts",
  import.meta.url,
);

/** The program as the person started it, for commands to type: `"./barnacle"`. */
export function startedAs(
  argv0: string = process.argv0,
  isCompiled: boolean = isCompiledUrl(import.meta.url),
): string {
  if (!isCompiled) return "barnacle"; // another program runs the source
  return /\s/.test(argv0) ? `"${argv0}"` : argv0;
}

/**
 * Starts a Barnacle.
 *
 * @param onLine Receives each line that the process writes to stdout and stderr.
 * @param cwd Its working directory; by default this process's.
 */
export function startOwnProcess(
  { program, args }: OwnCommand,
  ownArgs: readonly string[],
  env: Env,
  onLine: (line: string, stream: "stdout" | "stderr") => void,
  cwd?: string,
) {
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
    /** Process id; `undefined` if it did not start. */
    pid: child.pid,
    exited,
    kill(signal: OwnSignal): void {
      // Not `child.kill`: Deno then reports the signal as the cause of the end in every case.
      if (child.pid !== undefined && isRunning) signalTo(child.pid, signal);
    },
  };
}

/** Sends a signal. The process may have ended before its end is reported; then it needs none. */
function signalTo(pid: number, signal: string): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}
