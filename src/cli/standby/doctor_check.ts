/** The check of the store in PostgreSQL, for `barnacle doctor` (O15). It changes nothing there. */

import { titled } from "../../core/checks.ts";
import type { Finding } from "../../core/finding.ts";
import { ownerText, sharedRows, standbysOf } from "../../core/shared_store.ts";
import { asRemoteError, NEXT_STEPS } from "../../store/replica/remote_error.ts";
import { createRemote, OLDEST, type RemoteOptions } from "../../store/replica/remote.ts";
import { sharedStateOf } from "../../store/replica/report.ts";
import type { InspectedServer } from "../../store/replica/tables.ts";
import { clockProblem } from "./refuse.ts";

/** Asks the server, and judges the answer. */
export async function checkSharedStore(
  url: string,
  options: RemoteOptions = {},
): Promise<Finding> {
  const remote = createRemote(url, options);
  try {
    const askedAt = Date.now();
    const server = await remote.inspect();
    const clock = server.state && clockProblem(server.state, askedAt, Date.now());
    return { ...titled("host.shared"), ...judge(server, clock) };
  } catch (error) {
    const { kind, message } = asRemoteError(error);
    return { ...titled("host.shared"), status: "fail", why: message, fix: NEXT_STEPS[kind] };
  } finally {
    await remote.close();
  }
}

function judge(
  { version, isTooOld, isForeign, mayWrite, state, processes = [] }: InspectedServer,
  clock: string | undefined,
): Pick<Finding, "status" | "why" | "fix"> {
  const server = `PostgreSQL ${version}`;
  if (isTooOld) {
    return { status: "fail", why: `it is ${server}`, fix: `use ${OLDEST} or newer` };
  }
  if (isForeign) {
    return {
      status: "fail",
      why: `${server} has tables of another version of Barnacle`,
      fix: "use that version, or name another database in store.url",
    };
  }
  if (!mayWrite) {
    return {
      status: "fail",
      why: `${server} answers, and the user of store.url lacks a right`,
      fix: NEXT_STEPS.forbidden,
    };
  }
  if (!state) {
    return { status: "pass", why: `${server} answers; the first start creates the tables` };
  }
  if (clock !== undefined) {
    const [why = "", fix] = clock.split("; ");
    return { status: "warn", why, fix };
  }
  const shared = sharedStateOf(state, processes, { isOwner: false, lagMs: 0, problem: undefined });
  const rows = sharedRows(shared).filter(([what]) => what === "Standby" || what === "Hand-over");
  const others = rows.map(([what, text]) => `${what.toLowerCase()}: ${text}`);
  const why = [`${server} answers`, `owner: ${ownerText(shared)}`, ...others].join("; ");
  if (!shared.isHeld || standbysOf(shared).length > 0) return { status: "pass", why };
  return { status: "warn", why, fix: "start the other process, so that one stands by" };
}
