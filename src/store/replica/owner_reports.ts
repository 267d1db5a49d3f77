/** Reports an owner to the other processes, every few seconds. */

import type { SharedStoreState } from "../../core/shared_store.ts";
import type { StartTimer } from "../../lib/clock.ts";
import { asRemoteError } from "./remote_error.ts";
import type { Remote } from "./remote.ts";
import { type OwnReport, REPORT_MS, sharedStateOf } from "./report.ts";

/**
 * Reports an owner again and again, over a connection of its own: it must not hold up the pages.
 *
 * @param own Its lag and problem now.
 */
export function createOwnerReports(
  remote: Pick<Remote, "report" | "close">,
  self: OwnReport,
  { own, schedule }: {
    readonly own: () => Pick<SharedStoreState, "lagMs"> & { readonly problem: string | undefined };
    readonly schedule: StartTimer;
  },
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
      problem = asRemoteError(error).message;
    }
    if (!isClosed) cancel = schedule(() => void report(), REPORT_MS);
  }
  void report();
  return {
    /** The last known state; `undefined` before the first report. */
    state(): SharedStoreState | undefined {
      if (!last) return undefined;
      const now = own();
      return sharedStateOf(last.state, last.processes, {
        isOwner: true,
        lagMs: now.lagMs,
        problem: now.problem ?? problem,
      });
    },
    /** Ends it. */
    close(): Promise<void> {
      isClosed = true;
      cancel();
      return remote.close();
    },
  };
}
