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
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<JobEnd> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<JobEnd>();
  const worker = new Worker(url, { workerData: job });
  const late = setTimeout(() => resolve({ kind: "late" }), timeoutMs);
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  worker.on("message", (message: JobMessage) => resolve(message));
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

/** Reads a job from stdin, writes its end to stdout, and kills the process. */
export function serveJob(workerUrl: URL): void {
  let written = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (text: string) => {
    written += text;
    if (!written.endsWith("\n")) return;
    const job: CodeJob = JSON.parse(written);
    const limits = { timeoutMs: job.timeoutMs + LOAD_MS, signal: new AbortController().signal };
    void runInThread(workerUrl, { kind: "code", ...job }, limits).then((end) => {
      if (end.kind === "late") return die();
      process.stdout.write(JSON.stringify(end.kind === "done" ? end.result : {}), die);
    });
  });
  process.stdin.on("close", die);
}

/** A thread in a loop would hold up a normal exit. */
function die(): void {
  process.kill(process.pid, "SIGKILL");
}
