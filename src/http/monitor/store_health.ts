/**
 * Reads the store's figures, and probes whether it can be written to.
 *
 * Both are taken when health is asked for, and reused for a moment: several monitors must not cost
 * several reads.
 */

import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Meters } from "../metrics.ts";
import type { Snapshot } from "../snapshot.ts";
import type { AccountHealth, HealthSources } from "./account_health.ts";

/** How long the figures are reused, in milliseconds. */
export const FIGURES_MS = 1_000;
/** How long the result of a write probe is reused, in milliseconds. */
const PROBE_MS = 10_000;
/**
 * How long a failed write counts, in milliseconds: longer than the delay before received messages
 * are stored again. A probe changes one page only, so it may succeed where they fail.
 */
const FAILURE_MS = 10_000;

const NO_FIGURES: Pick<Snapshot, "inbox" | "outbox"> = {
  inbox: { waiting: 0, running: 0, oldestMs: 0 },
  outbox: { pending: 0, sending: 0, uncertain: 0, dead: 0, parked: 0, oldestMs: 0 },
};

/**
 * Creates the store's health; nothing is read yet.
 *
 * @param accounts All present and former accounts.
 */
export function createStoreHealth(
  { store, metrics, budgets, slow, now, log }: Pick<
    HealthSources,
    "store" | "metrics" | "budgets" | "slow" | "now" | "log"
  >,
  accounts: () => readonly AccountHealth[],
): {
  ask(): Promise<void>;
  read(): Promise<void>;
  write(isProbe: boolean): Promise<void>;
  idle(): Promise<void>;
  current(): Pick<Snapshot, "inbox" | "outbox" | "budgets" | "slow" | "store">;
} {
  const startedAt = now();
  let probe = { probeMs: 0, isFailing: false, probedAt: startedAt };
  let readAt = -Infinity;
  let answeredAt = startedAt;
  let isUnreadable = false;
  let figures: () => Pick<Snapshot, "inbox" | "outbox" | "budgets" | "slow"> = () => NO_FIGURES;
  const count = createDecisionCounter(metrics);
  /** Reads and writes under way; none rejects. */
  const busy = new Set<Promise<void>>();

  function begin(work: Promise<void>): Promise<void> {
    busy.add(work);
    return work.finally(() => void busy.delete(work));
  }

  async function readFigures(): Promise<void> {
    readAt = now();
    const onRecord = await store.gateway.accountIds();
    const configured = new Set(
      accounts().filter((one) => one.isRunning()).map((one) => one.accountId),
    );
    const left = onRecord.filter((id) => !configured.has(id));
    const { inbox, outbox, decisions } = await store.health(left);
    const { oldestWaitingAt, ...waiting } = inbox;
    const { oldestUnsentAt, ...unsent } = outbox;
    const limits = await budgets?.();
    const checks = await (await slow?.get())?.();
    const ageOf = (at: number | undefined): number => at === undefined ? 0 : now() - at;
    figures = () => ({
      inbox: { ...waiting, oldestMs: ageOf(oldestWaitingAt) },
      outbox: { ...unsent, oldestMs: ageOf(oldestUnsentAt) },
      budgets: limits,
      slow: checks,
    });
    count(decisions);
    await Promise.all(accounts().map((account) => account.readStore()));
    answeredAt = now();
  }

  const read = () => begin(readNow());
  const write = (isProbe: boolean) => begin(writeNow(isProbe));

  /** Reads the figures; never rejects. */
  async function readNow(): Promise<void> {
    try {
      await readFigures();
      isUnreadable = false;
    } catch (error) {
      if (!isUnreadable) log.error("Cannot read the store", { error }); // once, not at each look
      isUnreadable = true;
    }
  }

  /**
   * Notes when the sessions were last alive; never rejects.
   *
   * @param isProbe Whether to wait for the disk.
   */
  async function writeNow(isProbe: boolean): Promise<void> {
    try {
      // Asked within one turn of the event loop, they share a transaction.
      const took = await Promise.all(accounts().map((account) => account.touch(isProbe)));
      probe = { probeMs: Math.max(0, ...took), isFailing: false, probedAt: now() };
    } catch (error) {
      if (!probe.isFailing) log.error("Cannot write to the store", { error });
      probe = { ...probe, isFailing: true, probedAt: now() };
    }
    answeredAt = now();
  }

  return {
    /** Reads the figures and probes a write, unless that is recent. */
    async ask(): Promise<void> {
      if (now() - readAt >= FIGURES_MS) await read();
      if (now() - probe.probedAt >= PROBE_MS) await write(true);
    },
    read,
    write,
    /** Resolves once no store is read or written that has left the list before this call. */
    idle: async (): Promise<void> => void await Promise.all(busy),
    current(): Pick<Snapshot, "inbox" | "outbox" | "budgets" | "slow" | "store"> {
      const failure = store.failure();
      const isDamaged = failure?.kind === "damaged";
      const isFailing = probe.isFailing || isDamaged ||
        (failure !== undefined && failure.ageMs < FAILURE_MS);
      const isFull = isFailing && failure?.kind === "full";
      return {
        store: {
          ...probe,
          isFailing,
          isDamaged: isDamaged || undefined,
          isFull: isFull || undefined,
          answeredAt,
        },
        ...figures(),
      };
    },
  };
}

/** Adds the growth of the store's counters, which run since its start. */
function createDecisionCounter(
  { decisions }: Pick<Meters, "decisions">,
): (
  counts: readonly {
    readonly verdict: Verdict["kind"];
    readonly why: string;
    readonly count: number;
  }[],
) => void {
  const seen = new Map<string, number>();
  return (counts) => {
    for (const { verdict, why: reason, count } of counts) {
      const key = `${verdict} ${reason}`;
      const grown = count - (seen.get(key) ?? 0);
      seen.set(key, count);
      decisions.add(grown, { verdict, reason });
    }
  };
}
