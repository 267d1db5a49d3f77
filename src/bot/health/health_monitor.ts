/**
 * Keeps the snapshot that every health output reads.
 *
 * The store's figures and the write probe are taken when health is asked for, so an idle,
 * unmonitored bot takes neither. A timer only notes that the sessions are alive. That is the only
 * disk write of an idle bot, so it is rare: with the default config, every five minutes.
 *
 * @module
 */

import process from "node:process";
import type { EmbeddingState } from "../../core/notes/embedding.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { Meters } from "../../http/metrics.ts";
import type { AccountSnapshot, ConfigState, Model, Snapshot } from "../../http/snapshot.ts";
import type { Log } from "../../lib/log.ts";
import type { StartTimer } from "../../lib/clock.ts";
import { type AccountHealth, type AccountStore, createAccountHealth } from "./account_health.ts";
import { createMainThreadMonitor } from "../../http/monitor/main_thread.ts";
import { createStoreHealth } from "./store_health.ts";
import type { Store } from "../../core/store/store.ts";

export type { ConfigState };

/** The sources of the snapshot. */
export interface HealthMonitorPorts {
  /** Methods of the store. */
  readonly store: Pick<Store, "health" | "failure"> & AccountStore & {
    readonly gateway: Pick<Store["gateway"], "accountIds">;
  };
  /** The metrics that it updates. */
  readonly metrics: Pick<Meters, "eventLoopLagSec" | "storageErrors" | "authDenied" | "decisions">;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Timer. */
  readonly schedule: StartTimer;
  /** The shortest resume window of all accounts, in milliseconds. */
  readonly resumableMs: () => number;
  /** State of the embedding model; absent, or `undefined`, if there is none. */
  readonly embedding?: () => EmbeddingState | undefined;
  /** Gets warnings and failures. */
  readonly log: Log;
}

/** An account of the config, enabled or not. */
export interface KnownAccount {
  /** The account. */
  readonly accountId: AccountId;
  /** The account's display name. */
  readonly name?: string;
}

/** The bot's health. */
export interface HealthMonitor {
  /** The snapshot from memory, without asking the store. */
  snapshot(): Snapshot;
  /** The snapshot after asking the store; it also probes a write, unless a probe is recent. */
  measure(): Promise<Snapshot>;
  /** The process starts, runs or ends. */
  setPhase(phase: Snapshot["phase"]): void;
  /** The accounts of the running config, in its order; others are left out. */
  setAccounts(accounts: readonly KnownAccount[]): void;
  /** The health of one account. */
  accountOf(accountId: AccountId): AccountHealth;
  /** Whether the config file is the running config. */
  setConfig(state: ConfigState): void;
  /** Reads the store's figures; never rejects. */
  refresh(): Promise<void>;
  /** Ends it. */
  stop(): void;
}

/** The limits of the time between two notes of live sessions, in milliseconds. */
const ALIVE_MS = { min: 5_000, max: 300_000 };

/**
 * Milliseconds until the store's figures are first read, unless a reader asks sooner. A start would
 * read them three times before its first reply.
 */
const FIRST_READ_MS = 1_000;

/** Starts the timer that notes live sessions, and returns the health monitor. */
export function startHealthMonitor(
  { store, metrics, now, schedule, resumableMs, embedding, log }: HealthMonitorPorts,
): HealthMonitor {
  const startedAt = now();
  const all = new Map<AccountId, AccountHealth>();
  let shown: readonly KnownAccount[] = [];
  let phase: Snapshot["phase"] = "starting";
  let config: ConfigState | undefined;
  let looking: Promise<void> | undefined;
  const accounts = () => [...all.values()];
  const mainThread = createMainThreadMonitor({ metrics, now, schedule });
  const storeHealth = createStoreHealth({ store, metrics, accounts, now, log });

  let hasRead = false;

  function accountOf(accountId: AccountId): AccountHealth {
    const known = all.get(accountId);
    if (known) return known;
    const health = createAccountHealth(accountId, {
      store,
      now,
      refresh() {
        if (hasRead) void refresh();
      },
      onDelay: mainThread.delayed,
    });
    all.set(accountId, health);
    return health;
  }

  async function refresh(): Promise<void> {
    hasRead = true;
    mainThread.moved();
    await storeHealth.read();
  }

  let cancelAlive = schedule(noteAlive, aliveMs(resumableMs()));
  function noteAlive(): void {
    void storeHealth.write(false);
    cancelAlive = schedule(noteAlive, aliveMs(resumableMs()));
  }

  const cancelFirstRead = schedule(() => void refresh(), FIRST_READ_MS);

  function snapshot(): Snapshot {
    const described = shown.map(({ accountId, name }): AccountSnapshot => ({
      ...accountOf(accountId).snapshot(),
      ...(name !== undefined && { name }),
    }));
    // The thread of an ended account has stopped on purpose.
    const ticks = described.flatMap(({ state, gatewayTickAt: at }) =>
      state === "running" && at !== undefined ? [at] : []
    );
    const meaning = embedding?.();
    return {
      phase,
      startedAt,
      mainTickAt: mainThread.tickAt,
      gatewayTickAt: ticks.length > 0 ? Math.min(...ticks) : undefined,
      accounts: described,
      config,
      ...storeHealth.current(),
      models: modelsOf(accounts()),
      embedding: meaning,
      eventLoopLagMs: mainThread.lagMs(),
      rssBytes: process.memoryUsage.rss(),
    };
  }

  return {
    snapshot,
    async measure() {
      mainThread.moved();
      await (looking ??= storeHealth.ask().finally(() => looking = undefined));
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
      cancelFirstRead();
      cancelAlive();
    },
  };
}

/**
 * Milliseconds between two notes. An idle session may look older than it is by that much after a
 * crash. So a quick restart still resumes it, and a slow one may begin a new session, which catches
 * up and loses nothing.
 */
function aliveMs(resumableMs: number): number {
  return Math.max(ALIVE_MS.min, Math.min(ALIVE_MS.max, resumableMs));
}

/**
 * Lists each model once. A model that several accounts use serves if its last answer to any of them
 * is newer than its last failure.
 */
function modelsOf(accounts: readonly AccountHealth[]): readonly Model[] {
  const words = accounts.flatMap((account) =>
    [account.model(), account.fallback()].filter((word) => word !== undefined)
  );
  return [...new Set(words.map(({ id }) => id))].map((id) => {
    const own = words.filter((word) => word.id === id);
    const servedAt = Math.max(...own.map(({ servedAt = -Infinity }) => servedAt));
    const open = own.flatMap(({ openAt }) =>
      openAt !== undefined && openAt >= servedAt ? [openAt] : []
    );
    return { id, openAt: open.length > 0 ? Math.min(...open) : undefined };
  });
}
