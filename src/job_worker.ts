/**
 * Entry of a thread that does one job: it reads a web page, or runs a
 * script or a tool of a skill. It stands beside `main.ts` because a compiled binary finds no worker that lies deeper.
 */

import { parentPort, workerData } from "node:worker_threads";
import { JOBS } from "./features/jobs.ts";
import type { CodeJob } from "./sandbox/evaluate.ts";
import type { JobMessage } from "./sandbox/run_in_thread.ts";

if (!parentPort) throw new TypeError("job_worker.ts is no program: the bot starts it as a thread");
const port = parentPort;

async function run({ kind, ...job }: { readonly kind: string }): Promise<unknown> {
  switch (kind) {
    case "page":
      return (await import("./web/page_text.ts")).runPageJob(job);
    case "code":
      // Only this program starts the thread.
      return await (await import("./sandbox/evaluate.ts")).evaluate(job as unknown as CodeJob);
    case "tool":
      return await (await import("./sandbox/tool_module.ts")).runToolJob(job, port);
    default: {
      const load = JOBS[kind];
      if (!load) throw new TypeError(`There is no job ${kind}`);
      return await (await load())(job, port);
    }
  }
}

run(workerData).then(
  (result): JobMessage => ({ kind: "done", result }),
  (error: unknown): JobMessage => ({ kind: "failed", reason: String(error) }),
).then((message) => port.postMessage(message));
