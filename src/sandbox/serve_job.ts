/**
 * Serves one script, as the process that `code_process.ts` starts.
 *
 * The script runs in a thread, so that this one can kill the process: after the time, and when the
 * bot has died, which closes stdin.
 *
 * @module
 */

import process from "node:process";
import type { CodeJob } from "./evaluate.ts";
import { runInThread } from "./run_in_thread.ts";

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
