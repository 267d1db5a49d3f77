/** Reports an owner to the other processes, every few seconds. */

import type { SharedStoreState } from "../../core/shared_store.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { Owner } from "./owner.ts";
import { asRemoteError, outageText } from "./remote_error.ts";
import type { Remote } from "./remote.ts";
import { type OwnReport, REPORT_MS, sharedStateOf } from "./report.ts";

/** Reports an owner again and again, over a connection of its own: it must not hold up the pages. */
export function createOwnerReports(
  remote: Pick<Remote, "report" | "close">,
  self: OwnReport,
  owner: Pick<Owner, "lagMs" | "problem">,
  schedule: StartTimer,
) {
  let last: Awaited<ReturnType<Remote["report"]>> | undefined;
  let problem: string | undefined;
  let isClosed = false;
  let cancel = () => {};
  async function report(): Promise<void> {
    try {
      last = await remote.report(self);
      problem = undefined;
    } catch (error) {
      problem = outageText(asRemoteError(error));
    }
    if (!isClosed) cancel = schedule(() => void report(), REPORT_MS);
  }
  void report();
  return {
    /** The last known state; `undefined` before the first report. */
    state(): SharedStoreState | undefined {
      if (!last) return undefined;
      return sharedStateOf(last.state, last.processes, {
        isOwner: true,
        lagMs: owner.lagMs(),
        problem: owner.problem() ?? problem,
      });
    },
    close(): Promise<void> {
      isClosed = true;
      cancel();
      return remote.close();
    },
  };
}
