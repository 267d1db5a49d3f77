/**
 * Keeps the one snapshot from which every outlet of the bot's health reads.
 *
 * Counts in the store and the probe of the disk are made when health is asked for: an idle bot that
 * no monitor watches does neither. A timer only notes, once a minute, that the sessions are heard.
 *
 * @module
 */

import process from "node:process";
import type { AccountId } from "../../core/discord/ids.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Meters } from "../../http/metrics.ts";
import type { AccountSnapshot, ConfigState, Model, Snapshot } from "../../http/snapshot.ts";
import type { Log } from "../../lib/log.ts";
import type { Schedule } from "../../lib/schedule.ts";
import type { Store } from "../../store/store.ts";
import { type AccountStore, type AccountVitals, createAccountVitals } from "./account_vitals.ts";

export type { ConfigState };

export interface VitalsPorts {
  readonly store: Pick<Store, "health"> & AccountStore & {
    readonly gateway: Pick<Store["gateway"], "accountIds">;
  };
  readonly metrics: Pick<Meters, "eventLoopLagSec" | "storageErrors" | "authDenied" | "decisions">;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
  /** The shortest time in milliseconds, of all accounts, for which a session may be resumed. */
  readonly resumableMs: () => number;
  readonly log: Log;
}

/** An account of the config, whether or not it is enabled. */
export interface KnownAccount {
  readonly accountId: AccountId;
  /** What people call it. */
  readonly name?: string;
}

export interface Vitals {
  /** As it is known now, without asking the store. */
  snapshot(): Snapshot;
  /** Asks the store before, and tries a write unless one was tried just now. */
  look(): Promise<Snapshot>;
  setPhase(phase: Snapshot["phase"]): void;
  /** The accounts of the config that runs, in its order; others are not shown any more. */
  setAccounts(accounts: readonly KnownAccount[]): void;
  /** Where an account says how it is. */
  accountOf(accountId: AccountId): AccountVitals;
  /** Whether the config on the disk is the one that runs. */
  setConfig(state: ConfigState): void;
  /** Asks the store for its figures; never fails. */
  refresh(): Promise<void>;
  stop(): void;
}

/** For how long the store's figures are good enough for the next who asks, in milliseconds. */
const FIGURES_MS = 1_000;
/** For how long a write that was tried is good enough, in milliseconds. */
const PROBE_MS = 10_000;
/** How often it is seen that the main thread's timers run, in milliseconds; `/livez` allows 60 s. */
const PULSE_MS = 30_000;
/** How often it is noted that sessions are heard, in milliseconds: at most, and at least. */
const ALIVE_MS = { most: 5_000, least: 60_000 };
/** How many notes fit into the time for which a session may be resumed. */
const NOTES = 5;
/** For how long the main thread's delays are remembered, in milliseconds. */
const DELAYS_MS = 60_000;

const NO_FIGURES: Pick<Snapshot, "inbox" | "outbox"> = {
  inbox: { waiting: 0, running: 0, oldestMs: 0 },
  outbox: { pending: 0, sending: 0, uncertain: 0, dead: 0, parked: 0, oldestMs: 0 },
};

export function startVitals(
  { store, metrics, now, schedule, resumableMs, log }: VitalsPorts,
): Vitals {
  const startedAt = now();
  const all = new Map<AccountId, AccountVitals>();
  let shown: readonly KnownAccount[] = [];
  let phase: Snapshot["phase"] = "starting";
  let config: ConfigState | undefined;
  let probe = { probeMs: 0, isFailing: false, probedAt: startedAt };
  let readAt = startedAt;
  let answeredAt = startedAt;
  let figures: () => Pick<Snapshot, "inbox" | "outbox"> = () => NO_FIGURES;
  let mainTickAt = startedAt;
  let pulseAt = startedAt + PULSE_MS;
  let delays: readonly { readonly at: number; readonly ms: number }[] = [];
  let looking: Promise<void> | undefined;
  const count = createDecisionCounter(metrics);

  function accountOf(accountId: AccountId): AccountVitals {
    const known = all.get(accountId);
    if (known) return known;
    const vitals = createAccountVitals(accountId, {
      store,
      now,
      refresh: () => void refresh(),
      onDelay,
    });
    all.set(accountId, vitals);
    return vitals;
  }

  async function readFigures(): Promise<void> {
    readAt = now();
    const onRecord = await store.gateway.accountIds();
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
    answeredAt = now();
  }

  async function write(isProbe: boolean): Promise<void> {
    try {
      // Asked for in one turn of the event loop, they are one transaction.
      const took = await Promise.all(Array.from(all.values(), (account) => account.touch(isProbe)));
      probe = { probeMs: Math.max(0, ...took), isFailing: false, probedAt: now() };
    } catch (error) {
      if (!probe.isFailing) log.error("Cannot write to the store", { error });
      metrics.storageErrors.inc({ code: codeOf(error) });
      probe = { ...probe, isFailing: true, probedAt: now() };
    }
    answeredAt = now();
  }

  /** Keeps what may yet be the longest of the last minute: each is longer than all after it. */
  function onDelay(ms: number): void {
    const at = now();
    metrics.eventLoopLagSec.observe(ms / 1_000, { thread: "main" });
    delays = [...delays.filter((one) => one.ms > ms && at - one.at < DELAYS_MS), { at, ms }];
  }

  async function refresh(): Promise<void> {
    mainTickAt = now();
    await readFigures().catch((error: unknown) => log.error("Cannot read the store", { error }));
  }

  async function askStore(): Promise<void> {
    if (now() - readAt >= FIGURES_MS) await refresh();
    if (now() - probe.probedAt >= PROBE_MS) await write(true);
  }

  function pulse(): void {
    mainTickAt = now();
    onDelay(Math.max(0, mainTickAt - pulseAt));
    pulseAt = mainTickAt + PULSE_MS;
    callOffPulse = schedule(pulse, PULSE_MS);
  }

  function noteAlive(): void {
    void write(false);
    callOffAlive = schedule(noteAlive, aliveMs());
  }

  /** A restart must know to a fifth of that time how old a session is. */
  function aliveMs(): number {
    return Math.max(ALIVE_MS.most, Math.min(ALIVE_MS.least, resumableMs() / NOTES));
  }

  let callOffPulse = schedule(pulse, PULSE_MS);
  let callOffAlive = schedule(noteAlive, aliveMs());
  void refresh();

  function snapshot(): Snapshot {
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
      store: { ...probe, answeredAt },
      ...figures(),
      models: modelsOf([...all.values()]),
      eventLoopLagMs: Math.max(
        0,
        ...delays.flatMap(({ at, ms }) => now() - at < DELAYS_MS ? [ms] : []),
      ),
      rssBytes: process.memoryUsage.rss(),
    };
  }

  return {
    snapshot,
    async look() {
      await (looking ??= askStore().finally(() => looking = undefined));
      return snapshot();
    },
    setPhase: (next) => void (phase = next),
    setAccounts(accounts) {
      shown = accounts;
      for (const { accountId } of accounts) accountOf(accountId);
    },
    accountOf,
    setConfig: (next) => void (config = next),
    refresh,
    stop() {
      callOffPulse();
      callOffAlive();
    },
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
