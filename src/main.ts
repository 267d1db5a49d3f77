/**
 * Barnacle's entry point: runs one command with the arguments, and exits with its code.
 *
 * With an argument that only Barnacle itself gives, it serves a job of the bot instead.
 */

import process from "node:process";
import { restartWithOptions } from "./host/process/engine_options.ts";
import { JOB_ARGUMENT } from "./sandbox/job_argument.ts";

const [, , command] = process.argv;
if (command === JOB_ARGUMENT) {
  const workerUrl = new URL("./job_worker.ts", import.meta.url);
  void import("./sandbox/run_in_thread.ts").then(({ serveJob }) => serveJob(workerUrl));
} else {
  if (command === "run") restartWithOptions();
  void Promise.all([import("./cli/app.ts"), import("./features/features.ts")])
    .then(([{ main }, { FEATURES }]) => main(FEATURES));
}
