/**
 * Runs a program in a process group of its own, and ends the whole group at its limits (SEC-R22). Of
 * long output it keeps the beginning and the end.
 */

import process from "node:process";
import { type ChildProcess, spawn } from "node:child_process";
import type { RunCut, RunEnd } from "../core/exec/command.ts";
import { codeOf } from "../lib/errors.ts";
import type { PassedLimit, ProgramLaunch } from "../lib/program_limits.ts";

/** Bytes of the beginning of the output, and of its end, that are kept. */
const KEPT_BYTES = 32 * 1024;
/** Bytes of output at which the program is ended. */
const MAX_BYTES = 1024 * 1024;

/** Starts a program. It gets no input. */
export function startProgram(
  { file, args }: ProgramLaunch,
  { cwd, env, timeoutMs, watch }: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    /** Milliseconds until the program is killed. */
    readonly timeoutMs: number;
    /** Begins the watch of its limits, and returns its end; absent for a program of Barnacle's own. */
    readonly watch?: (pid: number, onPassed: (limit: PassedLimit) => void) => () => void;
  },
) {
  const output = createOutput();
  const { promise: ended, resolve, reject } = Promise.withResolvers<RunEnd>();
  const startedAt = performance.now();
  let cut: RunEnd["cut"];
  const child = spawn(file, [...args], {
    cwd,
    env: { ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a process group of its own
    windowsHide: true,
  });
  const stop = (why: RunCut) => {
    cut ??= why;
    killGroup(child);
  };
  const timer = setTimeout(() => stop("time"), timeoutMs);
  const unwatch = child.pid === undefined ? undefined : watch?.(child.pid, stop);
  const onData = (part: Uint8Array) => {
    if (cut === undefined && !output.add(part)) stop("output");
  };
  child.stdout.on("data", onData);
  child.stderr.on("data", onData);
  const end = (code: number | null) => {
    clearTimeout(timer);
    killGroup(child); // children that outlived it
    child.stdout.destroy();
    child.stderr.destroy();
    unwatch?.();
    resolve({ code, cut, ms: Math.round(performance.now() - startedAt) });
  };
  child.on("error", (error) => {
    clearTimeout(timer);
    reject(new Error(`the program cannot be started (${codeOf(error) ?? "unknown reason"})`));
  });
  // A child in the background may hold the streams for ever, so `close` is not awaited for long.
  child.on("exit", (code) => {
    killGroup(child);
    const late = setTimeout(() => end(code), 500);
    child.once("close", () => {
      clearTimeout(late);
      end(code);
    });
  });
  return {
    /** Output so far, of both streams, as they came. */
    output: output.text,
    stop: () => stop("stopped"),
    /** Resolves at its end; rejects if it cannot be started. */
    ended,
  };
}

export type RunningProgram = ReturnType<typeof startProgram>;

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group has ended.
  }
}

function createOutput() {
  const head: Uint8Array[] = [];
  let headBytes = 0;
  let tail = new Uint8Array(0);
  let bytes = 0;
  return {
    /** Adds a part; returns whether the command may write more. */
    add(part: Uint8Array): boolean {
      bytes += part.length;
      const toHead = part.subarray(0, Math.max(0, KEPT_BYTES - headBytes));
      if (toHead.length > 0) {
        head.push(Uint8Array.from(toHead));
        headBytes += toHead.length;
      }
      const rest = part.subarray(toHead.length);
      if (rest.length > 0) {
        const joined = new Uint8Array(tail.length + rest.length);
        joined.set(tail);
        joined.set(rest, tail.length);
        tail = joined.slice(Math.max(0, joined.length - KEPT_BYTES));
      }
      return bytes <= MAX_BYTES;
    },
    /** The output, with a note in place of its middle. */
    text(): string {
      const decode = (data: Uint8Array) => new TextDecoder().decode(data);
      const start = decode(Buffer.concat(head));
      const left = bytes - headBytes - tail.length;
      const end = decode(tail);
      return left > 0 ? `${start}\n[… ${left} bytes left out …]\n${end}` : start + end;
    },
  };
}
