/** The check of the store in PostgreSQL, for `barnacle doctor` (O15). It changes nothing there. */

import { titled } from "../../core/checks.ts";
import type { Finding } from "../../core/finding.ts";
import { fleetRows, type FleetState, ownerless } from "../../core/fleet.ts";
import { ownerText, sharedRows, standbysOf } from "../../core/shared_store.ts";
import { asRemoteError, NEXT_STEPS } from "../../store/replica/remote_error.ts";
import {
  createRemote,
  type InspectedFleet,
  OLDEST,
  type RemoteOptions,
  type RemoteState,
} from "../../store/replica/remote.ts";
import { fleetStateOf, sharedStateOf } from "../../store/replica/report.ts";
import { placeOf } from "./join.ts";
import { clockProblem, MAY_LOSE, SYNCHRONIZE } from "./refuse.ts";
import { wayToOwner } from "../shared/find_data.ts";

/**
 * Asks the server, and judges the answer.
 *
 * @param dataDir If it is a standby's, other checks see no messages and people: the finding says so.
 */
export async function checkSharedStore(
  url: string,
  dataDir: string,
  options: RemoteOptions = {},
): Promise<Finding> {
  const remote = createRemote(url, options);
  try {
    const askedAt = Date.now();
    const server = await remote.inspect();
    const clock = server.state && clockProblem(server.state, askedAt, Date.now());
    const judged = judge(server, clock, placeOf(dataDir));
    const why = [judged.why, wayToOwner(dataDir)].filter((text) => text !== undefined).join("; ");
    return { ...titled("host.shared"), ...judged, why };
  } catch (error) {
    const { kind, message } = asRemoteError(error);
    return { ...titled("host.shared"), status: "fail", why: message, fix: NEXT_STEPS[kind] };
  } finally {
    await remote.close();
  }
}

function judge(
  server: InspectedFleet,
  clock: string | undefined,
  here: string,
): Pick<Finding, "status" | "why" | "fix"> {
  const { isTooOld, isReplica, isForeign, mayWrite, state } = server;
  const name = `PostgreSQL ${server.version}`;
  if (isTooOld) {
    return { status: "fail", why: `it is ${name}`, fix: `use ${OLDEST} or newer` };
  }
  if (isReplica) {
    return {
      status: "fail",
      why: `${name} answers, and takes no changes`,
      fix: NEXT_STEPS.replica,
    };
  }
  if (isForeign) {
    return {
      status: "fail",
      why: `${name} has tables of another version of Barnacle`,
      fix: "use that version, or name another database in store.url",
    };
  }
  if (!mayWrite) {
    return {
      status: "fail",
      why: `${name} answers, and the user of store.url lacks a right`,
      fix: NEXT_STEPS.forbidden,
    };
  }
  if (!state) {
    return { status: "pass", why: `${name} answers; the first start creates the tables` };
  }
  if (clock !== undefined) {
    const [why = "", fix] = clock.split("; ");
    return { status: "warn", why, fix };
  }
  const judged = judgeProcesses(name, state, server, here);
  if (!server.mayLose) return judged;
  const { status, why, fix = SYNCHRONIZE } = judged;
  return { status: status === "pass" ? "warn" : status, why: `${why}. ${MAY_LOSE}`, fix };
}

/** Judges the owner and its standbys, or the processes that share partitions. */
function judgeProcesses(
  name: string,
  state: RemoteState,
  { states = [], members = [], processes = [] }: InspectedFleet,
  here: string,
): Pick<Finding, "status" | "why" | "fix"> {
  if (states.length > 1) return judgeFleet(name, fleetStateOf(states, members, here));
  const shared = sharedStateOf(state, processes, { isOwner: false, lagMs: 0, problem: undefined });
  const rows = sharedRows(shared).filter(([what]) => what === "Standby" || what === "Hand-over");
  const others = rows.map(([what, text]) => `${what.toLowerCase()}: ${text}`);
  const why = [`${name} answers`, `owner: ${ownerText(shared)}`, ...others].join("; ");
  if (!shared.isHeld || standbysOf(shared).length > 0) return { status: "pass", why };
  return { status: "warn", why, fix: "start the other process, so that one stands by" };
}

/** Judges the processes that share partitions. */
function judgeFleet(
  server: string,
  fleet: FleetState,
): Pick<Finding, "status" | "why" | "fix"> {
  const rows = fleetRows(fleet).map(([what, text]) => `${what.toLowerCase()}: ${text}`);
  const why = [`${server} answers`, ...rows].join("; ");
  const [free] = ownerless(fleet);
  if (fleet.processes.length === 0) return { status: "warn", why, fix: "start the bot" };
  if (free) {
    const { index } = free;
    const fix = `wait 15 s; if partition ${index} has no owner then, read the log of a process`;
    return { status: "warn", why, fix };
  }
  if (fleet.processes.length > 1) return { status: "pass", why };
  return { status: "warn", why, fix: "start another process, which takes over if this one dies" };
}
