/**
 * Runs jobs on untrusted data, a few at a time, so that they cannot fill the memory together. A script
 * of the model runs in a process of its own, which is killed if it takes too much.
 *
 * For a script, a thread is not enough: Bun cannot end a thread that loops within WebAssembly, and a
 * script can cause such a loop (`Array.prototype.indexOf.call({ length: 2 ** 53 }, 1)`). The process gets
 * none of this program's environment.
 */

import { spawn } from "node:child_process";
import { createPlaces } from "../lib/places.ts";
import { isRecord } from "../lib/text/quoted.ts";
import type { ScriptEnd } from "../core/skills/skill.ts";
import type { CodeJob } from "./evaluate.ts";
import { type JobEnd, runInThread } from "./run_in_thread.ts";
import { JOB_ARGUMENT } from "./job_argument.ts";
import { type AnswerAsk, answeredLine, type ToolJob } from "./tool_module.ts";

const MAX_JOBS = 2;

/** Creates the runner. @param url Entry of the threads. */
export function createJobs(url: URL, own: OwnProgram) {
  const places = createPlaces(MAX_JOBS);
  const sandboxes = createPlaces(MAX_JOBS); // a tool waits for threads, so it must not take their places

  async function inPlace<Result>(place: Promise<() => void>, run: () => Promise<Result>) {
    const free = await place;
    try {
      return await run();
    } finally {
      free();
    }
  }

  return {
    /**
     * Runs a job in a thread of its own.
     *
     * @param timeoutMs Milliseconds from the thread's start.
     * @throws {unknown} The signal's reason, once it is aborted.
     */
    inThread: (job: unknown, timeoutMs: number, signal: AbortSignal): Promise<JobEnd> =>
      inPlace(places.take(signal), () => runInThread(url, job, { timeoutMs, signal })),
    /** Runs a script, or a tool with its requests, as {@link runCode}. @param by Who has one at a time. */
    sandboxed: (job: CodeJob | ToolJob, signal: AbortSignal, by?: string, answer?: AnswerAsk) =>
      inPlace(sandboxes.take(signal, 1, by), () => runCode(own, job, signal, answer)),
  };
}

interface OwnProgram {
  readonly program: string;
  /** Arguments before this program's own. */
  readonly args: readonly string[];
  /** Environment for its runtime, without anything of the bot. */
  readonly env: Readonly<Record<string, string>>;
}

/** Milliseconds for the start and the end of the process, on a slow machine. */
const EXTRA_MS = 15_000;

const MAX_ANSWER = 500_000;

/**
 * Runs a script.
 *
 * @throws {Error} If the process fails; or the signal's reason, once it is aborted.
 */
export async function runCode(
  { program, args, env }: OwnProgram,
  job: CodeJob | ToolJob,
  signal: AbortSignal,
  answer: AnswerAsk = () => Promise.reject(new Error("it may ask nothing here")),
): Promise<ScriptEnd> {
  signal.throwIfAborted();
  const child = spawn(program, [...args, JOB_ARGUMENT], {
    env: { ...env },
    cwd: "/",
    stdio: ["pipe", "pipe", "ignore"],
  });
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const late = setTimeout(() => resolve(undefined), job.timeoutMs + EXTRA_MS);
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  let written = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    const lines = (written + text).split("\n");
    written = lines.pop() ?? "";
    if (written.length > MAX_ANSWER) resolve(undefined);
    for (const line of lines) {
      void answeredLine(line, answer).then((reply) => child.stdin.write(`${reply}\n`), reject);
    }
  });
  child.on("error", () => reject(new Error("the sandbox cannot be started")));
  child.on("close", () => resolve(written));
  child.stdin.on("error", () => {}); // it has ended; `close` tells
  child.stdin.write(`${JSON.stringify(job)}\n`); // stays open: its end would tell that the bot died
  try {
    return endOf(await promise, job);
  } finally {
    clearTimeout(late);
    signal.removeEventListener("abort", onAbort);
    child.kill("SIGKILL");
  }
}

function endOf(answer: string | undefined, { timeoutMs }: CodeJob | ToolJob): ScriptEnd {
  let end: unknown;
  try {
    end = JSON.parse(answer ?? "");
  } catch {
    // It ended itself, because the script was not to be stopped otherwise.
    return { output: "", failure: `it ran longer than ${timeoutMs / 1_000} s` };
  }
  if (!isRecord(end) || typeof end["output"] !== "string") {
    throw new Error("the sandbox has failed");
  }
  const { output, value, failure } = end;
  return {
    output,
    value: typeof value === "string" ? value : undefined,
    failure: typeof failure === "string" ? failure : undefined,
  };
}
