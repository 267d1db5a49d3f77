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
import type { Meters } from "../../http/metrics.ts";
import type { AccountSnapshot, ConfigState, Model, Snapshot } from "../../http/snapshot.ts";
import type { Log } from "../../lib/log.ts";
import type { Schedule } from "../../lib/schedule.ts";
import type { Store } from "../../store/store.ts";
import { type AccountStore, type AccountVitals, createAccountVitals } from "./account_vitals.ts";
import { watchMainThread } from "./main_thread.ts";
import { createStoreVitals } from "./store_vitals.ts";

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
  measure(): Promise<Snapshot>;
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

/** How often it is noted that sessions are heard, in milliseconds: at most, and at least. */
const ALIVE_MS = { most: 5_000, least: 60_000 };
/** How many notes fit into the time for which a session may be resumed. */
const NOTES = 5;
export function startVitals(
  { store, metrics, now, schedule, resumableMs, log }: VitalsPorts,
): Vitals {
  const startedAt = now();
  const all = new Map<AccountId, AccountVitals>();
  let shown: readonly KnownAccount[] = [];
  let phase: Snapshot["phase"] = "starting";
  let config: ConfigState | undefined;
  let looking: Promise<void> | undefined;
  const accounts = () => [...all.values()];
  const mainThread = watchMainThread({ metrics, now, schedule });
  const storeVitals = createStoreVitals({ store, metrics, accounts, now, log });

  function accountOf(accountId: AccountId): AccountVitals {
    const known = all.get(accountId);
    if (known) return known;
    const vitals = createAccountVitals(accountId, {
      store,
      now,
      refresh: () => void refresh(),
      onDelay: mainThread.delayed,
    });
    all.set(accountId, vitals);
    return vitals;
  }

  async function refresh(): Promise<void> {
    mainThread.moved();
    await storeVitals.read();
  }

  function noteAlive(): void {
    void storeVitals.write(false);
    callOffAlive = schedule(noteAlive, aliveMs(resumableMs()));
  }

  let callOffAlive = schedule(noteAlive, aliveMs(resumableMs()));
  void refresh();

  function snapshot(): Snapshot {
    const described = shown.map(({ accountId, name }): AccountSnapshot => ({
      ...accountOf(accountId).snapshot(),
      ...(name !== undefined && { name }),
    }));
    // The thread of an account that has ended stands still for good, and may.
    const ticks = described.flatMap(({ state, gatewayTickAt: at }) =>
      state === "running" && at !== undefined ? [at] : []
    );
    return {
      phase,
      startedAt,
      mainTickAt: mainThread.tickAt,
      ...(ticks.length > 0 && { gatewayTickAt: Math.min(...ticks) }),
      accounts: described,
      ...(config && { config }),
      ...storeVitals.current(),
      models: modelsOf(accounts()),
      eventLoopLagMs: mainThread.lagMs(),
      rssBytes: process.memoryUsage.rss(),
    };
  }

  return {
    snapshot,
    async measure() {
      mainThread.moved();
      await (looking ??= storeVitals.ask().finally(() => looking = undefined));
      return snapshot();
    },
    setPhase: (next) => void (phase = next),
    setAccounts(next) {
      shown = next;
      for (const { accountId } of next) accountOf(accountId);
    },
    accountOf,
    setConfig: (next) => void (config = next),
    refresh,
    stop() {
      mainThread.stop();
      callOffAlive();
    },
  };
}

/** Milliseconds between two notes: a restart must know to a fifth of the time how old a session is. */
function aliveMs(resumableMs: number): number {
  return Math.max(ALIVE_MS.most, Math.min(ALIVE_MS.least, resumableMs / NOTES));
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
