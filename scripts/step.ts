/**
 * Runs one step of the tests as a process, and says how it ended.
 *
 * A step that hangs is stopped at its limit, together with all processes that it started. The reason
 * is part of the result, because a stopped process looks like any other failure.
 */

import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import process from "node:process";

/** How a step's process ended. */
export interface StepEnd {
  readonly output: readonly Uint8Array[];
  /** Why it counts as failed: `"exit code 1"`; absent if it ended with 0. */
  readonly fault?: string;
}

export interface StepOptions {
  /** Variables in addition to this process's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds until the process is stopped. */
  readonly limitMs: number;
  /** Milliseconds from SIGTERM to SIGKILL. */
  readonly graceMs?: number;
  /** Whether a busy processor works for other steps first. */
  readonly isLast?: boolean;
}

/** Linux shares a processor among sessions, however many processes each has. A step is one session. */
const LAST_NICE = "5";

/** Process groups of running steps. */
const groups = new Set<number>();

/** Stops all running steps, such as after Ctrl-C: they do not get the terminal's signals. */
export function stopSteps(): void {
  for (const group of groups) signalTo(group, "SIGKILL");
}

/** Sends a signal to a process group. */
function signalTo(group: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ESRCH") throw error;
  }
}

/** Runs a program to its end, or to the limit. */
export function runStep(
  program: string,
  args: readonly string[],
  { env = {}, limitMs, graceMs = 5_000, isLast = false }: StepOptions,
): Promise<StepEnd> {
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
    detached: true, // a group of its own
  });
  const { pid } = child;
  if (pid !== undefined) groups.add(pid);
  const share = `/proc/${pid}/autogroup`;
  if (isLast && existsSync(share)) writeFileSync(share, LAST_NICE);
  const output: Uint8Array[] = [];
  const streams = [child.stdout, child.stderr];
  for (const stream of streams) stream.on("data", (bytes: Uint8Array) => void output.push(bytes));

  let isCut = false;
  const kill = (signal: "SIGTERM" | "SIGKILL") => pid !== undefined && signalTo(pid, signal);
  const timers = [setTimeout(() => {
    isCut = true;
    kill("SIGTERM");
    timers.push(setTimeout(() => kill("SIGKILL"), graceMs));
  }, limitMs)];

  return new Promise((resolve) => {
    const end = (fault: string | undefined) => {
      for (const timer of timers) clearTimeout(timer);
      for (const stream of streams) stream.destroy();
      if (pid !== undefined) groups.delete(pid);
      resolve({ output, ...(fault !== undefined && { fault }) });
    };
    child.once("error", ({ message }) => end(`did not start: ${message}`));
    child.once("exit", (code, signal) => {
      const fault = faultOf(code, signal, isCut ? limitMs : undefined);
      if (!isCut) return void child.once("close", () => end(fault));
      kill("SIGKILL"); // the rest of its group may ignore SIGTERM
      end(fault);
    });
  });
}

/**
 * Why a process counts as failed.
 *
 * @param cutAfterMs The limit at which it was stopped; absent if it ended by itself.
 */
function faultOf(
  code: number | null,
  signal: string | null,
  cutAfterMs?: number,
): string | undefined {
  if (cutAfterMs !== undefined) {
    return `stopped after ${cutAfterMs / 1_000} s, the limit of a step; ` +
      "BARNACLE_TEST_LIMIT_SEC sets another one";
  }
  if (signal !== null) return `ended by ${signal}, which no test sent: perhaps memory ran out`;
  return code === 0 ? undefined : `exit code ${code}`;
}
