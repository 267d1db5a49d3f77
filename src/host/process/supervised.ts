/** This process, as a supervisor starts and ends it. */

import process from "node:process";
import type { Env } from "../../lib/env.ts";

/**
 * Whether a supervisor starts the process again: systemd, whose main process it is, Kubernetes, or
 * another one that says so by `BARNACLE_SUPERVISED=1`. A variable of systemd's alone is no sign,
 * because desktops pass it on to terminals.
 */
export function isSupervised(env: Env, pid: number = process.pid): boolean {
  return env["SYSTEMD_EXEC_PID"] === String(pid) || Boolean(env["KUBERNETES_SERVICE_HOST"]) ||
    env["BARNACLE_SUPERVISED"] === "1";
}

/** Begins an orderly stop. */
export function stopProcess(): void {
  process.kill(process.pid, "SIGTERM");
}
