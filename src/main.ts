/**
 * Barnacle's entry point: runs one command with the arguments, and exits with its code.
 *
 * With an argument that only Barnacle itself gives, it serves a job of the bot instead, or watches an
 * upgrade.
 */

import process from "node:process";
import { restartWithOptions } from "./host/process/engine_options.ts";
import { EXTRAS } from "./extras/extras.ts";
import { JOB_ARGUMENT } from "./sandbox/job_argument.ts";

const [, , command = ""] = process.argv;
const own = EXTRAS.find(({ programs }) => programs && Object.hasOwn(programs, command));
if (command === JOB_ARGUMENT) {
  const workerUrl = new URL("./job_worker.ts", import.meta.url);
  void import("./sandbox/run_in_thread.ts").then(({ serveJob }) => serveJob(workerUrl));
} else if (own?.programs?.[command]) {
  void own.programs[command]().then((main) => main());
} else {
  if (command === "run") restartWithOptions();
  void import("./cli/app.ts").then(({ main }) => main(EXTRAS));
}
