/** The check of the store in PostgreSQL, for `barnacle doctor` (O15). It changes nothing there. */

import { titled } from "../../core/checks.ts";
import type { Finding } from "../../core/finding.ts";
import { ownerText, sharedRows, standbysOf } from "../../core/shared_store.ts";
import { asRemoteError, NEXT_STEPS, outageText } from "../../store/replica/remote_error.ts";
import { createRemote, OLDEST, type RemoteState } from "../../store/replica/remote.ts";
import { sharedStateOf } from "../../store/replica/report.ts";
import type { InspectedServer } from "../../store/replica/tables.ts";
import { clockProblem, MAY_LOSE, SYNCHRONIZE } from "./refuse.ts";
import { wayToOwner } from "../shared/find_data.ts";

/**
 * Asks the server, and judges the answer.
 *
 * @param dataDir If it is a standby's, other checks see no messages and people: the finding says so.
 */
export async function checkSharedStore(url: string, dataDir: string): Promise<Finding> {
  const remote = createRemote(url);
  try {
    const askedAt = Date.now();
    const server = await remote.inspect();
    const clock = server.state && clockProblem(server.state, askedAt, Date.now());
    const judged = judge(server, clock);
    const why = [judged.why, wayToOwner(dataDir)].filter((text) => text !== undefined).join("; ");
    return { ...titled("host.shared"), ...judged, why };
  } catch (error) {
    const problem = asRemoteError(error);
    const [why, fix] = [outageText(problem), NEXT_STEPS[problem.kind]];
    return { ...titled("host.shared"), status: "fail", why, fix };
  } finally {
    await remote.close();
  }
}

function judge(
  server: InspectedServer,
  clock: string | undefined,
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
  const judged = judgeProcesses(name, state, server);
  if (!server.mayLose) return judged;
  const { status, why, fix = SYNCHRONIZE } = judged;
  return { status: status === "pass" ? "warn" : status, why: `${why}. ${MAY_LOSE}`, fix };
}

function judgeProcesses(
  name: string,
  state: RemoteState,
  { processes = [] }: InspectedServer,
): Pick<Finding, "status" | "why" | "fix"> {
  const shared = sharedStateOf(state, processes, { isOwner: false, lagMs: 0, problem: undefined });
  const rows = sharedRows(shared).filter(([what]) => what === "Standby" || what === "Hand-over");
  const others = rows.map(([what, text]) => `${what.toLowerCase()}: ${text}`);
  const why = [`${name} answers`, `owner: ${ownerText(shared)}`, ...others].join("; ");
  if (!shared.isHeld || standbysOf(shared).length > 0) return { status: "pass", why };
  return { status: "warn", why, fix: "start the other process, so that one stands by" };
}
