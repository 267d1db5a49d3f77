/** Says in words how the service's process ended last. */

import { meaningOf } from "../../cli/shared/exit_code.ts";

/** Reasons of systemd that are no exit code of Barnacle. */
const RESULTS: Readonly<Record<string, string>> = {
  watchdog: "it did not answer the watchdog",
  "oom-kill": "the kernel ended it for want of memory",
  timeout: "it took too long to start or to stop",
  resources: "systemd could not prepare it",
};

/** Exit codes by which systemd says that it could not start the program. */
const SYSTEMD: Readonly<Record<number, string>> = {
  200: "systemd cannot enter its folder",
  203: "systemd cannot run the program",
  217: "the unit's user does not exist, or this machine forbids user namespaces (write " +
    "PrivateUsers=no under [Service] with `systemctl edit barnacle`)",
  226: "systemd cannot prepare its sandbox",
  238: "systemd cannot create its data directory",
  243: "the folder of the credentials is missing",
};

const SIGKILL = 9;
/** A second SIGTERM ends Barnacle at once. */
const AT_ONCE = 143;

/** `"78: invalid config"`; `undefined` if no process has ended yet. */
export function endText(shown: Readonly<Record<string, string>>): string | undefined {
  const { ExecMainCode: kind, ExecMainStatus: status = "", Result: result = "" } = shown;
  const reason = RESULTS[result];
  const number = Number(status);
  // 0: it has not ended. 1: it has exited. 2 and 3: a signal ended it.
  if (kind === "1") {
    const meaning = meaningOf(number) ?? SYSTEMD[number] ??
      (number === AT_ONCE ? "stopped at once" : "unknown");
    return `${number}: ${reason ?? meaning}`;
  }
  if (kind === "2" || kind === "3") {
    return `signal ${number}: ${reason ?? (number === SIGKILL ? "killed" : "ended")}`;
  }
  return reason;
}
