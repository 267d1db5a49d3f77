/**
 * Keeps the one snapshot from which everybody reads how the bot is.
 *
 * What costs something to know (counts in the store, a write to the disk) is
 * asked for at a pace of its own, so that a question about health waits for
 * nothing; the rest is read off the parts at the moment of asking.
 *
 * @module
 */

import process from "node:process";
import type { AccountId } from "../core/ids.ts";
import type { Verdict } from "../core/verdict.ts";
import type { Meters } from "../http/metrics.ts";
import type { AccountSnapshot, ConfigState, Model, Snapshot } from "../http/snapshot.ts";
import type { Log } from "../lib/log.ts";
import type { Store } from "../store/store.ts";
import { type AccountStore, type AccountVitals, createAccountVitals } from "./account_vitals.ts";

export type { ConfigState };

export interface VitalsPorts {
  readonly store: Pick<Store, "accountIds" | "health"> & AccountStore;
  readonly metrics: Pick<Meters, "eventLoopLagSec" | "storageErrors" | "authDenied" | "decisions">;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

/** An account of the config, whether or not it is enabled. */
export interface KnownAccount {
  readonly accountId: AccountId;
  /** What people call it. */
  readonly name?: string;
}

export interface Vitals {
  snapshot(): Snapshot;
  setPhase(phase: Snapshot["phase"]): void;
  /** The accounts of the config that runs, in its order; others are not shown any more. */
  setAccounts(accounts: readonly KnownAccount[]): void;
  /** Where an account says how it is. */
  accountOf(accountId: AccountId): AccountVitals;
  /** Whether the config on the disk is the one that runs. */
  setConfig(state: ConfigState): void;
  /** Asks the store for its figures, as happens by itself every {@link FIGURES_MS}. */
  refresh(): void;
  /** Tries a write, as happens by itself every {@link PROBE_MS}. */
  probe(): Promise<void>;
  stop(): void;
}

/** How often the store is asked for its figures, in milliseconds. */
const FIGURES_MS = 5_000;
/** How often a write is tried, which also says that the gateways were alive, in milliseconds. */
const PROBE_MS = 10_000;
/** How often the delay of the event loop is looked at, in milliseconds. */
const LAG_MS = 1_000;
/** How many of those looks are remembered: a minute's. */
const LAGS = 60;

const NO_FIGURES: Pick<Snapshot, "inbox" | "outbox"> = {
  inbox: { waiting: 0, running: 0, oldestMs: 0 },
  outbox: { pending: 0, sending: 0, uncertain: 0, dead: 0, parked: 0, oldestMs: 0 },
};

export function startVitals({ store, metrics, now, log }: VitalsPorts): Vitals {
  const startedAt = now();
  const all = new Map<AccountId, AccountVitals>();
  let shown: readonly KnownAccount[] = [];
  let phase: Snapshot["phase"] = "starting";
  let config: ConfigState | undefined;
  let probe: Snapshot["store"] = { probeMs: 0, isFailing: false, probedAt: startedAt };
  let figures: () => Pick<Snapshot, "inbox" | "outbox"> = () => NO_FIGURES;
  let mainTickAt = startedAt;
  let lags: readonly number[] = [];
  const count = createDecisionCounter(metrics);

  function accountOf(accountId: AccountId): AccountVitals {
    const known = all.get(accountId);
    if (known) return known;
    const vitals = createAccountVitals(accountId, { store, now, refresh });
    all.set(accountId, vitals);
    return vitals;
  }

  async function readFigures(): Promise<void> {
    const onRecord = await store.accountIds();
    const left = onRecord.filter((id) => all.get(id)?.model() === undefined);
    const { inbox, outbox, decisions } = await store.health(left);
    const { oldestWaitingAt, ...waiting } = inbox;
    const { oldestUnsentAt, ...unsent } = outbox;
    const ageOf = (at: number | undefined): number => at === undefined ? 0 : now() - at;
    figures = () => ({
      inbox: { ...waiting, oldestMs: ageOf(oldestWaitingAt) },
      outbox: { ...unsent, oldestMs: ageOf(oldestUnsentAt) },
    });
    count(decisions);
    await Promise.all(Array.from(all.values(), (account) => account.readStore()));
  }

  async function tryWrite(): Promise<void> {
    try {
      // Asked for in one turn of the event loop, they are one write to the disk.
      const took = await Promise.all(Array.from(all.values(), (account) => account.touch()));
      probe = { probeMs: Math.max(0, ...took), isFailing: false, probedAt: now() };
    } catch (error) {
      if (!probe.isFailing) log.error("Cannot write to the store", { error });
      metrics.storageErrors.inc({ code: codeOf(error) });
      probe = { ...probe, isFailing: true, probedAt: now() };
    }
  }

  function lookAtLag(): void {
    const lagMs = Math.max(0, now() - mainTickAt - LAG_MS);
    mainTickAt = now();
    lags = [...lags.slice(1 - LAGS), lagMs];
    metrics.eventLoopLagSec.observe(lagMs / 1_000, { thread: "main" });
  }

  function refresh(): void {
    void readFigures().catch((error: unknown) => log.error("Cannot read the store", { error }));
  }

  const timers = [
    setInterval(refresh, FIGURES_MS),
    setInterval(() => void tryWrite(), PROBE_MS),
    setInterval(lookAtLag, LAG_MS),
  ];
  refresh();

  return {
    snapshot() {
      const accounts = shown.map(({ accountId, name }): AccountSnapshot => ({
        ...accountOf(accountId).snapshot(),
        ...(name !== undefined && { name }),
      }));
      // The thread of an account that has ended stands still for good, and may.
      const ticks = accounts.flatMap(({ state, gatewayTickAt: at }) =>
        state === "running" && at !== undefined ? [at] : []
      );
      return {
        phase,
        startedAt,
        mainTickAt,
        ...(ticks.length > 0 && { gatewayTickAt: Math.min(...ticks) }),
        accounts,
        ...(config && { config }),
        store: probe,
        ...figures(),
        models: modelsOf([...all.values()]),
        eventLoopLagMs: [...lags].sort((a, b) => a - b)[Math.floor(lags.length * 0.99)] ?? 0,
        rssBytes: process.memoryUsage.rss(),
      };
    },
    setPhase: (next) => void (phase = next),
    setAccounts(accounts) {
      shown = accounts;
      for (const { accountId } of accounts) accountOf(accountId);
    },
    accountOf,
    setConfig: (next) => void (config = next),
    refresh,
    probe: tryWrite,
    stop: () => timers.forEach((timer) => clearInterval(timer)),
  };
}

/** Each once, though several accounts use it: it serves where it has answered any of them since. */
function modelsOf(accounts: readonly AccountVitals[]): readonly Model[] {
  const words = accounts.flatMap((account) => account.model() ?? []);
  return [...new Set(words.map(({ id }) => id))].map((id) => {
    const own = words.filter((word) => word.id === id);
    const servedAt = Math.max(...own.map(({ servedAt = -Infinity }) => servedAt));
    const open = own.flatMap(({ openAt }) =>
      openAt !== undefined && openAt >= servedAt ? [openAt] : []
    );
    return { id, ...(open.length > 0 && { openAt: Math.min(...open) }) };
  });
}

/** The store counts since its start; what that has grown by is added. */
function createDecisionCounter(
  { authDenied, decisions }: Pick<Meters, "authDenied" | "decisions">,
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
      if (verdict === "ignore") authDenied.add(grown, { reason });
    }
  };
}

/** The kind of the error; never its words. */
function codeOf(error: unknown): string {
  if (error instanceof Error && "kind" in error) return String(error.kind);
  return "other";
}
