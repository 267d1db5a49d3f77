/**
 * Barnacle's entry point: runs one command with the arguments, and exits with its code.
 *
 * With one argument that only Barnacle itself gives, it serves a job of the bot instead.
 *
 * @module
 */

import process from "node:process";
import { main } from "./cli/app.ts";
import { JOB_ARGUMENT } from "./sandbox/code_process.ts";

if (process.argv[2] === JOB_ARGUMENT) {
  const workerUrl = new URL("./job_worker.ts", import.meta.url);
  void import("./sandbox/serve_job.ts").then(({ serveJob }) => serveJob(workerUrl));
} else {
  void main();
}
