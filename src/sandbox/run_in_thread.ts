/**
 * Runs one job on untrusted data in a thread of its own, and ends the thread with the job; also as the
 * process that serves a script of the model (`jobs.ts`).
 */

import process from "node:process";
import { Worker } from "node:worker_threads";
import type { CodeJob } from "./evaluate.ts";

export type JobEnd =
  | { readonly kind: "done"; readonly result: unknown }
  /** The job threw, or its thread died. */
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "late" };

export type JobMessage = Exclude<JobEnd, { readonly kind: "late" }>;

/**
 * Runs a job.
 *
 * A thread ends within milliseconds while it runs JavaScript. A loop within WebAssembly keeps Bun
 * from ending it, so such jobs need a process of their own (`jobs.ts`).
 *
 * @param url Entry of the thread, which takes the job as its `workerData`.
 * @throws {unknown} The signal's reason, once it is aborted.
 */
export async function runInThread(
  url: URL,
  job: unknown,
  { timeoutMs, signal, onAsk }: {
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    /** Gets a request of the job, as a line, and sends it answers. */
    readonly onAsk?: (line: string, reply: (line: string) => void) => void;
  },
): Promise<JobEnd> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<JobEnd>();
  const worker = new Worker(url, { workerData: job });
  const late = setTimeout(() => resolve({ kind: "late" }), timeoutMs);
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  worker.on("message", (message: JobMessage | string) => {
    if (typeof message !== "string") resolve(message);
    else onAsk?.(message, (line) => worker.postMessage(line));
  });
  worker.on("error", (error) => resolve({ kind: "failed", reason: String(error) }));
  worker.on("exit", () => resolve({ kind: "failed", reason: "the thread ended" }));
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    signal.removeEventListener("abort", onAbort);
    void worker.terminate();
  }
}

/** Milliseconds for the thread to load the engine, on a slow machine. */
const LOAD_MS = 5_000;

/**
 * Reads a job from the first line of stdin, writes its end to stdout, and kills the process. Requests of
 * the job are lines of stdout, and their answers are further lines of stdin.
 */
export function serveJob(workerUrl: URL): void {
  let written = "";
  let reply: ((line: string) => void) | undefined;
  let take = (line: string): void => {
    take = (answer) => reply?.(answer);
    const job: CodeJob = JSON.parse(line);
    void runInThread(workerUrl, { kind: "code", ...job }, {
      timeoutMs: job.timeoutMs + LOAD_MS,
      signal: new AbortController().signal,
      onAsk(asked, toJob) {
        reply = toJob;
        process.stdout.write(`${asked}\n`);
      },
    }).then((end) => {
      if (end.kind === "late") return die();
      process.stdout.write(JSON.stringify(end.kind === "done" ? end.result : {}), die);
    });
  };
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (text: string) => {
    const lines = (written + text).split("\n");
    written = lines.pop() ?? "";
    for (const line of lines) take(line);
  });
  process.stdin.on("close", die);
}

/** A thread in a loop would hold up a normal exit. */
function die(): void {
  process.kill(process.pid, "SIGKILL");
}
