/** Reports an owner to the other processes, every few seconds, and tells when to hand over. */

import type { SharedStoreState } from "../../core/shared_store.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { Owner } from "./owner.ts";
import { asRemoteError, outageText } from "./remote_error.ts";
import type { Remote, RemoteState } from "./remote.ts";
import { type OwnReport, REPORT_MS, sharedStateOf } from "./report.ts";

/** For how long an owner is unfit before it hands over, and the least time between two hand-overs. */
const UNFIT_MS = 20_000;
const BETWEEN_MS = 10 * 60_000;

type Reported = Awaited<ReturnType<Remote["report"]>>;

/** Whether an owner hands over after so long. Old reports of a standby do not count. */
export function mayHandOver(
  { state: { place: owner, handedOverAt, clockMs }, processes }: Reported,
  unfitMs: number,
): boolean {
  if (unfitMs < UNFIT_MS || clockMs - (handedOverAt ?? -Infinity) < BETWEEN_MS) return false;
  return processes.some(({ place, isFit, seenAt }) =>
    isFit && place !== owner && clockMs - seenAt < 2 * REPORT_MS
  );
}

/**
 * Reports an owner again and again, over a connection of its own: it must not hold up the pages.
 *
 * @param first The state at the start: PostgreSQL may fall silent before the first report.
 */
export function createOwnerReports(
  remote: Pick<Remote, "report" | "close">,
  self: OwnReport,
  first: RemoteState,
  owner: Pick<Owner, "lagMs" | "problem" | "isSlow">,
  schedule: StartTimer,
  handOver: (why: string) => void,
) {
  let last: Reported = { state: first, processes: [] };
  let isCut = () => false;
  let unfitSince: number | undefined;
  const why = () =>
    isCut() ? "no connection to Discord" : owner.isSlow() ? "PostgreSQL answers late" : undefined;
  let problem: string | undefined;
  let isClosed = false;
  let cancel = () => {};
  async function report(): Promise<void> {
    unfitSince = why() === undefined ? undefined : unfitSince ?? performance.now();
    try {
      last = await remote.report({ ...self, isFit: unfitSince === undefined });
      problem = undefined;
      const reason = why(); // it may be well again
      if (!isClosed && reason && mayHandOver(last, performance.now() - (unfitSince ?? Infinity))) {
        isClosed = true;
        handOver(reason);
      }
    } catch (error) {
      problem = outageText(asRemoteError(error));
    }
    if (!isClosed) cancel = schedule(() => void report(), REPORT_MS);
  }
  void report();
  return {
    /** The last known state. */
    state(): SharedStoreState {
      return sharedStateOf(last.state, last.processes, {
        isOwner: true,
        lagMs: owner.lagMs(),
        problem: owner.problem() ?? problem,
      });
    },
    watch: (look: () => boolean): void => void (isCut = look),
    close(): Promise<void> {
      isClosed = true;
      cancel();
      return remote.close();
    },
  };
}
