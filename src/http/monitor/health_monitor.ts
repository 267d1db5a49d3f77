/**
 * Keeps the snapshot that every health output reads.
 *
 * The store's figures and the write probe are taken when health is asked for, so an idle,
 * unmonitored bot takes neither. A timer only notes that the sessions are alive. That is the only
 * disk write of an idle bot, so it is rare: with the default config, every five minutes. What was read
 * and probed is reused for a moment: several monitors must not cost several reads.
 */

import type { Verdict } from "../../core/inbound/inbox.ts";
import type { Meters } from "../metrics.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { AccountSnapshot, ConfigState, ModelSnapshot, Snapshot } from "../snapshot.ts";
import { type AccountHealth, createAccountHealth, type HealthSources } from "./account_health.ts";

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
function createMainThreadMonitor({ now, schedule }: HealthSources) {
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

/** How long the figures are reused, in milliseconds. */
const FIGURES_MS = 1_000;
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
function createStoreHealth(
  { store, metrics, budgets, slow, now, log }: HealthSources,
  accounts: () => readonly AccountHealth[],
) {
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
function createDecisionCounter({ decisions }: Meters): (
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
