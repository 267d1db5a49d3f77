/**
 * Keeps the snapshot that every health output reads.
 *
 * The store's figures and the write probe are taken when health is asked for, so an idle,
 * unmonitored bot takes neither. A timer only notes that the sessions are alive. That is the only
 * disk write of an idle bot, so it is rare: with the default config, every five minutes.
 */

import type { Account } from "../../core/account/account.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { AccountSnapshot, ConfigState, ModelSnapshot, Snapshot } from "../snapshot.ts";
import { type AccountHealth, createAccountHealth, type HealthSources } from "./account_health.ts";
import { createStoreHealth } from "./store_health.ts";

export type { ConfigState };

/** An account of the config, enabled or not. */
export interface KnownAccount {
  readonly accountId: AccountId;
  /** The account's display name. */
  readonly name?: string;
}

export type HealthMonitor = ReturnType<typeof monitoring>;

/** The limits of the time between two notes of live sessions, in milliseconds. */
const ALIVE_MS = { min: 5_000, max: 300_000 };

/**
 * Milliseconds until the store's figures are first read, unless a reader asks sooner. A start would
 * read them three times before its first reply.
 */
const FIRST_READ_MS = 1_000;

/** Milliseconds between two checks that timers run; `/livez` allows 60 s. */
const PULSE_MS = 30_000;
/** How long delays are kept, in milliseconds. */
const DELAYS_MS = 60_000;

/** Starts the timer that notes live sessions, and returns the health monitor. */
export function startHealthMonitor(sources: HealthSources): HealthMonitor {
  return monitoring(sources);
}

function monitoring(sources: HealthSources) {
  const { store, now, schedule, resumableMs, mcpServers, alerts } = sources;
  const startedAt = now();
  const all = new Map<AccountId, AccountHealth>();
  let shown: readonly KnownAccount[] = [];
  let phase: Snapshot["phase"] = "starting";
  let config: ConfigState | undefined;
  const deaf = new Map<string, string>();
  let looking: Promise<void> | undefined;
  const accounts = () => [...all.values()];
  const mainThread = createMainThreadMonitor(sources);
  const storeHealth = createStoreHealth(sources, accounts);

  let hasRead = false;

  function accountOf(accountId: AccountId): AccountHealth {
    const known = all.get(accountId);
    if (known) return known;
    const readAgain = () => {
      if (hasRead) void refresh();
    };
    const own = { store, now };
    const health = createAccountHealth(accountId, own, readAgain, mainThread.delayed, snapshot);
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
    return {
      phase,
      startedAt,
      mainTickAt: mainThread.tickAt,
      gatewayTickAt: ticks.length > 0 ? Math.min(...ticks) : undefined,
      accounts: described,
      config,
      deaf: Array.from(deaf, ([section, problem]) => ({ section, problem })),
      ...storeHealth.current(),
      models: modelsOf(accounts()),
      mcpServers: mcpServers?.() ?? [],
      alerts: alerts?.(),
      eventLoopLagMs: mainThread.lagMs(),
      rssBytes: sources.residentBytes?.(),
    };
  }

  return {
    /** The snapshot from memory, without asking the store. */
    snapshot,
    /** The snapshot after asking the store; it also probes a write, unless a probe is recent. */
    async measure(): Promise<Snapshot> {
      mainThread.moved();
      await (looking ??= storeHealth.ask().finally(() => looking = undefined));
      return snapshot();
    },
    /** The process starts, runs or ends. */
    setPhase: (next: Snapshot["phase"]): void => void (phase = next),
    /** The accounts of the running config, in its order; others are left out. */
    setAccounts(next: readonly KnownAccount[]): void {
      shown = next;
      for (const { accountId } of next) accountOf(accountId);
    },
    accountOf,
    /** Whether the config file is the running config. */
    setConfig: (next: ConfigState): void => void (config = next),
    /** Whether the bot listens at the addresses of a section; `problem` is why it cannot. */
    setListening(section: string, problem?: string): void {
      if (problem === undefined) deaf.delete(section);
      else deaf.set(section, problem);
    },
    /** Reads the store's figures; never rejects. */
    refresh,
    /** Ends it; resolves once nothing reads the stores. */
    async stop(): Promise<void> {
      mainThread.stop();
      cancelFirstRead();
      cancelAlive();
      await storeHealth.idle();
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
function modelsOf(accounts: readonly AccountHealth[]): readonly ModelSnapshot[] {
  const words = accounts.flatMap((account) =>
    account.models().flatMap(({ model, fallback }) => fallback ? [model, fallback] : [model])
  );
  const covered = new Set(
    accounts.flatMap((one) =>
      one.models().flatMap(({ model, fallback }) => fallback ? model.id : [])
    ),
  );
  return [...new Set(words.map(({ id }) => id))].map((id) => {
    const own = words.filter((word) => word.id === id);
    const servedAt = Math.max(...own.map(({ servedAt = -Infinity }) => servedAt));
    const open = own.flatMap(({ openAt, fix, failure, down, cover }) =>
      openAt !== undefined && openAt >= servedAt ? [{ openAt, fix, failure, down, cover }] : []
    ).sort((one, other) => one.openAt - other.openAt);
    const down = open.find((one) => one.down)?.down;
    const hasAnswered = servedAt > 0 || covered.has(id) || undefined;
    return { id, ...open[0], down, hasAnswered };
  });
}

/** Measures how well the main thread runs: when it last ran, and its delays. */
function createMainThreadMonitor(
  { now, schedule }: Pick<Account, "now" | "schedule">,
) {
  let tickAt = now();
  let pulseAt = tickAt + PULSE_MS;
  const delays: { readonly at: number; readonly ms: number }[] = [];
  let cancel = schedule(pulse, PULSE_MS);

  /**
   * Keeps delays that can still be the longest of the last minute: each is longer than all after
   * it.
   */
  function delayed(ms: number): void {
    const at = now();
    while ((delays.at(-1)?.ms ?? Infinity) <= ms) delays.pop();
    while (at - (delays[0]?.at ?? at) >= DELAYS_MS) delays.shift();
    delays.push({ at, ms });
  }

  function pulse(): void {
    tickAt = now();
    delayed(Math.max(0, tickAt - pulseAt));
    pulseAt = tickAt + PULSE_MS;
    cancel = schedule(pulse, PULSE_MS);
  }

  return {
    moved: () => void (tickAt = now()),
    delayed,
    get tickAt() {
      return tickAt;
    },
    lagMs: () => Math.max(0, ...delays.flatMap(({ at, ms }) => now() - at < DELAYS_MS ? [ms] : [])),
    stop: () => cancel(),
  };
}
