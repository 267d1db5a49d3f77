/**
 * Keeps what is known of the bot at work: the metrics of `/metrics`, which parts count as events happen
 * or which are read off the snapshot, and that snapshot, which every health output reads.
 *
 * No label is an id, a name or a text from Discord: a busy server must not fill the memory with series,
 * and a chart must not list who talks to the bot. The account label is a key of the config. The usual
 * library (prom-client) took 4 MB and 5 ms, for a page of arithmetic.
 *
 * The store's figures and the write probe are taken when health is asked for, so an idle,
 * unmonitored bot takes neither. A timer only notes that the sessions are alive. That is the only
 * disk write of an idle bot, so it is rare: with the default config, every five minutes. What was read
 * and probed is reused for a moment: several monitors must not cost several reads.
 *
 * An account may end or restart while the process goes on (C9). So its parts are looked up for each
 * snapshot, and their reports are dropped with them.
 *
 * @see {@link https://prometheus.io/docs/instrumenting/exposition_formats/}
 */

import {
  CONNECTION_STEPS,
  type ConnectionState,
  type GatewayStats,
} from "../../core/discord/gateway.ts";
import { type AccountId, createdAtMs } from "../../core/discord/ids.ts";
import { ALERT_KINDS, type Finding, isTrouble } from "../../core/finding.ts";
import type { Verdict } from "../../core/inbound/inbox.ts";
import { type ContextWindow, ModelError } from "../../core/model.ts";
import {
  type ModelDown,
  modelProblemOf,
  nextStepAfter,
  wordsOf,
} from "../../core/model_problem.ts";
import type { Delivery, OutboxRow } from "../../core/outbound/outbound.ts";
import type { TurnOutcome } from "../../core/step.ts";
import type { RequestMetric } from "../../discord/rest/client/client.ts";
import type { Clock, Timers } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../../store/store.ts";
import { isReady, judgeHealth } from "../checks.ts";
import type { AccountSnapshot, ConfigState, ModelSnapshot, Snapshot } from "../snapshot.ts";

/** An account of the config, enabled or not. */
export interface KnownAccount {
  readonly accountId: AccountId;
  /** The account's display name. */
  readonly name?: string;
  readonly gateway: { readonly reconnect: { readonly sessionCacheTtlSec: number } };
}

export type HealthMonitor = ReturnType<typeof startHealthMonitor>;

/** The limits of the time between two notes of live sessions, in milliseconds. */
const ALIVE_MS = { min: 5_000, max: 300_000 };

/**
 * Milliseconds until the store's figures are first read, unless a reader asks sooner. A start would
 * read them three times before its first reply.
 */
const FIRST_READ_MS = 1_000;

/** Milliseconds between two checks that timers run; `/livez` allows 60 s. */
const PULSE_MS = 30_000;
const DELAYS_MS = 60_000;

/**
 * Starts the timer that notes live sessions, and returns the health monitor.
 *
 * @param sources `read` reads what the store's figures lack, and `current` tells what is at hand.
 */
export function startHealthMonitor(sources: {
  readonly store: Store;
  readonly log: Log;
  readonly metrics: Meters;
  readonly timers: Timers;
  readonly read?: () => Promise<Pick<Snapshot, "budgets" | "slow">>;
  readonly current?: () => Partial<Snapshot>;
}) {
  const { store, timers: { now, schedule }, current } = sources;
  const startedAt = now();
  const all = new Map<AccountId, AccountHealth>();
  let shown: readonly KnownAccount[] = [];
  let phase: Snapshot["phase"] = "starting";
  let config: ConfigState | undefined;
  const deaf = new Map<string, string>();
  let looking: Promise<void> | undefined;
  const accounts = () => [...all.values()];
  const mainThread = createMainThreadMonitor(sources.timers);
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

  let cancelAlive = () => {};
  function waitToNote(): void {
    cancelAlive = schedule(() => {
      void storeHealth.write(false);
      waitToNote();
    }, aliveMs(shown));
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
      mcpServers: [],
      eventLoopLagMs: mainThread.lagMs(),
      ...current?.(),
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
    setPhase: (next: Snapshot["phase"]): void => void (phase = next),
    /** The accounts of the running config, in its order; others are left out. */
    setAccounts(next: readonly KnownAccount[]): void {
      shown = next;
      cancelAlive();
      waitToNote();
      for (const { accountId } of next) accountOf(accountId);
    },
    accountOf,
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
function aliveMs(accounts: readonly KnownAccount[]): number {
  const resumableMs = 1_000 *
    Math.min(...accounts.map(({ gateway }) => gateway.reconnect.sessionCacheTtlSec));
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
function createMainThreadMonitor({ now, schedule }: Timers) {
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

const FIGURES_MS = 1_000;
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
  { store, metrics, read: readMore, timers: { now }, log }: Parameters<
    typeof startHealthMonitor
  >[0],
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
    const more = await readMore?.();
    const ageOf = (at: number | undefined): number => at === undefined ? 0 : now() - at;
    figures = () => ({
      inbox: { ...waiting, oldestMs: ageOf(oldestWaitingAt) },
      outbox: { ...unsent, oldestMs: ageOf(oldestUnsentAt) },
      ...more,
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
  const grown = createGrowth();
  return (counts) => {
    for (const { verdict, why: reason, count } of counts) {
      decisions.add(grown(`${verdict} ${reason}`, count), { verdict, reason });
    }
  };
}

/** The state of an account, for `/status`. */
export interface StatusFacts {
  /** With the commit, if it is known. */
  readonly version: string;
  /** The model of the conversation, as `"<provider>/<model>"`. */
  readonly modelId: string;
  /** The fallback that answers for it; absent if none does. */
  readonly fallbackId?: string;
  /** Unix time in milliseconds since which it has failed; absent while it answers. */
  readonly modelFailsSince?: number;
  /** The window of the conversation's model; absent if not known. */
  readonly window?: ContextWindow;
  /** Problems of the account, in words; absent if the asker is no owner. */
  readonly warnings?: readonly string[];
  readonly readyAt: number;
  /** Round trip of the last heartbeat, in milliseconds; absent before the first. */
  readonly latencyMs?: number;
}

/**
 * Collects the facts of one account that `/status` shows to an owner.
 *
 * @param modelId The model of the conversation; it counts unless a fallback answers for it.
 * @param now Unix time in milliseconds, used as the start of an account that is not connected.
 */
export function statusOf(
  health: AccountHealth,
  version: string,
  modelId: string,
  now: number,
): StatusFacts & { readonly warnings: readonly string[] } {
  const snapshot = health.snapshot();
  const { connection } = snapshot;
  const ready = connection?.state === "ready" ? connection : undefined;
  const known = health.models().find(({ model: { id } }) => id === modelId);
  return {
    version,
    modelId,
    fallbackId: known?.fallback?.id,
    modelFailsSince: known?.model.openAt,
    warnings: judgeHealth({ ...health.whole(), accounts: [snapshot] }, now).filter(isWarning)
      .map(({ what, where, why }) => [what, where, why].filter(Boolean).join(": ")),
    readyAt: ready?.readyAt ?? now,
    latencyMs: ready?.ack?.latencyMs,
  };
}

export type { ConfigState };

export interface PartsStatus
  extends Pick<AccountSnapshot, "catchUp" | "twin" | "findings" | "delayed"> {
  readonly rest: Omit<AccountSnapshot["rest"], "isUp">;
}

/** Receives an account's reports, and takes snapshots of its health. */
export type AccountHealth = ReturnType<typeof createAccountHealth>;

/** The last report of one account's turns on a model. */
export interface ModelWord extends Omit<ModelSnapshot, "hasAnswered"> {
  /** Unix time in milliseconds of its last answer. */
  readonly servedAt?: number;
}

interface ToldModel {
  model: ModelWord;
  /** The fallback that gave the last answer; absent if the model itself did. */
  fallback?: ModelWord;
  /** Failed turns since the last answer, and Unix time in milliseconds of the first one. */
  failures?: { readonly count: number; readonly since: number };
}

interface Told {
  readonly startedAt: number;
  /** The parts of the running account; their figures are `undefined` before the gateway is found. */
  readonly parts: () =>
    | { stats(): GatewayStats | undefined; status(): PartsStatus }
    | undefined;
  connection?: ConnectionState;
  latencyMs: number;
  isRestUp: boolean;
  readonly models: Map<string, ToldModel>;
  stored: Pick<AccountSnapshot, "identify" | "parked" | "paused">;
  end?: string;
}

function newlyTold(modelIds: readonly string[], parts: Told["parts"], startedAt: number): Told {
  return {
    startedAt,
    parts,
    latencyMs: 0,
    isRestUp: true,
    models: new Map(modelIds.map((id) => [id, { model: { id } }])),
    stored: { parked: [] },
  };
}

/** The status of an account without parts. */
const NO_STATUS: PartsStatus = {
  catchUp: { pending: 0, unreadable: [] },
  findings: [],
  delayed: [],
  rest: { invalidRequests: 0, breaker: "closed" },
};

/**
 * @param refresh Reads the store's figures now.
 * @param onDelay A task has waited this many milliseconds for the main thread.
 * @param whole The health of the whole bot, which has this account, too.
 */
export function createAccountHealth(
  accountId: AccountId,
  { store, now }: Clock & { readonly store: Store },
  refresh: () => void,
  onDelay: (ms: number) => void,
  whole: () => Snapshot,
) {
  let told: Told | undefined;

  return {
    accountId,
    whole,
    /**
     * The account starts or restarts; earlier reports are dropped.
     *
     * @param modelIds `"<provider>/<model>"` of each agent's model, each once.
     * @param parts Returns `undefined` until the account has its parts.
     */
    began(modelIds: readonly string[], parts: Told["parts"]): void {
      told = newlyTold(modelIds, parts, now());
      refresh();
    },
    setModels(modelIds: readonly string[]): void {
      if (!told) return;
      const { models } = told;
      for (const id of models.keys()) if (!modelIds.includes(id)) models.delete(id);
      for (const id of modelIds) if (!models.has(id)) models.set(id, { model: { id } });
    },
    /** The account has ended by itself; the reason says how to fix it. */
    ended(reason: string): void {
      if (told) told.end = reason;
    },
    /** The account is stopped, because the config disables it or no longer has it. */
    left: (): void => void (told = undefined),
    setConnection: (state: ConnectionState): void => void (told && (told.connection = state)),
    /** Milliseconds until Discord acknowledged a heartbeat. */
    setLatency: (ms: number): void => void (told && (told.latencyMs = ms)),
    setRest: (isUp: boolean): void => void (told && (told.isRestUp = isUp)),
    /** A turn reports whether its model answers. One that a person chose is not watched. */
    setTurn(outcome: TurnOutcome, modelId: string): void {
      const known = told?.models.get(modelId);
      if (known) noteTurn(known, outcome, now());
    },
    /** The main thread read a message of the gateway thread this many milliseconds late. */
    delayed: onDelay,
    /** The store's IDENTIFY figures have changed; the next snapshot reads them. */
    refresh,
    snapshot(): AccountSnapshot {
      if (!told) return { id: accountId, state: "disabled", parked: [], ...unknown() };
      const { stored, end, isRestUp } = told;
      const stats = told.parts()?.stats();
      const { rest, ...status } = told.parts()?.status() ?? NO_STATUS;
      return {
        id: accountId,
        state: end === undefined ? "running" : "ended",
        end,
        gatewayTickAt: stats?.tickAt,
        compression: stats?.compression,
        connection: connectionOf(told),
        ...stored,
        ...status,
        rest: { ...rest, isUp: isRestUp },
      };
    },
    isRunning: (): boolean => told !== undefined && told.end === undefined,
    /**
     * The turns' last reports on each agent's model, and on the fallback that answers for it (L3);
     * none of an account that is not running.
     */
    models: (): readonly ToldModel[] =>
      told && told.end === undefined ? [...told.models.values()] : [],
    /** Reads the IDENTIFYs left, parked channels, and the pause. */
    async readStore(): Promise<void> {
      const asked = told;
      if (!asked) return;
      const identify = await store.gateway.identifyBudget(accountId, now());
      const parked = await store.outbox.parked(accountId, now());
      const paused = await store.settings.pauseOf(accountId);
      asked.stored = { identify, parked, paused };
    },
    /**
     * Stores when the connection was last alive. Only a live one keeps its session resumable.
     *
     * @param isProbe Whether to wait for the disk.
     * @returns The duration in milliseconds.
     */
    touch: (isProbe: boolean): Promise<number> =>
      store.gateway.touchAlive(accountId, told && heardAtOf(told, now()), now(), isProbe),
  };
}

function unknown(): Omit<PartsStatus, "rest"> & Pick<AccountSnapshot, "rest"> {
  return { ...NO_STATUS, rest: { ...NO_STATUS.rest, isUp: true } };
}

/** When the connection was last alive; `undefined` if it was not since this start. */
function heardAtOf({ connection }: Told, now: number): number | undefined {
  return connection?.state === "ready" ? now : connection?.ack?.at;
}

function connectionOf({ startedAt, connection, latencyMs }: Told): AccountSnapshot["connection"] {
  const known = connection ?? { state: "connecting", readyAt: startedAt, isDown: false };
  return { ...known, ack: known.ack && { ...known.ack, latencyMs } };
}

/** Failed turns in a row after which the model counts as failing, whatever the failures are. */
const FAILING_TURNS = 3;

function noteTurn(told: ToldModel, outcome: TurnOutcome, now: number): void {
  const { model, failures } = told;
  delete told.fallback;
  if (outcome.kind === "reply") {
    const { modelId = model.id } = outcome;
    const answered = { id: modelId, servedAt: now };
    if (modelId === model.id) told.model = answered;
    else {
      told.fallback = answered;
      const { failure, replaced } = outcome;
      const kind = failure?.kind;
      const fix = kind === undefined ? model.fix : nextStepAfter(`${kind}: ${model.id}`);
      told.model = {
        ...model,
        openAt: replaced?.since ?? model.openAt ?? now,
        fix,
        failure: failure?.message ?? model.failure,
        down: failure
          ? downBy(failure, 0, fix)
          : model.down?.needsOperator
          ? model.down
          : undefined,
        cover: { by: modelId, why: replaced?.why ?? kind, until: replaced?.until },
      };
    }
    delete told.failures;
  }
  // A refused conversation says nothing about the model's state.
  if (outcome.kind !== "failed" || outcome.why === "filtered") return;
  const { count, since } = { count: (failures?.count ?? 0) + 1, since: failures?.since ?? now };
  told.failures = { count, since };
  const openAt = model.openAt ??
    (isOutage(outcome.error) ? now : count >= FAILING_TURNS ? since : undefined);
  if (openAt === undefined) return;
  const fix = nextStepAfter(outcome.reason);
  const { error } = outcome;
  const failure = error instanceof ModelError ? error.message : undefined;
  const down = downBy(error, count, fix);
  told.model = { ...model, openAt, fix, failure, down, cover: undefined };
}

/** Why the model answers no question; `undefined` while the failures may be an accident. */
function downBy(error: unknown, count: number, fix: string | undefined): ModelDown | undefined {
  const problem = error instanceof ModelError ? modelProblemOf(error) : undefined;
  const words = error instanceof ModelError ? wordsOf(error) : "";
  if (problem) return { cause: `${problem.why}${words}`, fix: problem.fix, needsOperator: true };
  if (count < FAILING_TURNS) return undefined;
  const kind = error instanceof ModelError ? `, the last one as "${error.kind}"${words}` : "";
  return { cause: `its last ${count} turns failed${kind}`, fix, needsOperator: false };
}

/**
 * Whether the next turn would fail the same way: only the operator can fix it, or the server is
 * down. Another failure may concern one turn alone.
 */
function isOutage(error: unknown): boolean {
  return error instanceof ModelError &&
    (["unavailable", "server_error"].includes(error.kind) || modelProblemOf(error) !== undefined);
}

/**
 * Whether a finding needs attention. The model in use and spent budgets of the whole bot and of agents
 * have lines of their own.
 */
function isWarning(finding: Finding): boolean {
  const { id, where = "" } = finding;
  const hasOwnLine = id.startsWith("llm:") ||
    (id === "budget" && !where.startsWith("budgets.perGuild."));
  return isTrouble(finding) && !hasOwnLine;
}

export interface Build {
  readonly version: string;
  readonly commit: string;
  /** Such as `"bun 1.4.4"`. */
  readonly runtime: string;
  readonly sqlite: string;
}

/** Figures of the process, read at each request. */
export interface ProcessUsage {
  /** Seconds of CPU time since the start. */
  readonly cpuSec: number;
  /** Bytes that this user may still write to the disk of the data directory; absent if unknown. */
  readonly diskFreeBytes?: number;
}

/** The metrics that parts count as events happen. */
type Meters = ReturnType<typeof defineMeters>;

/** Histogram limits in seconds, from a quick ACK to the time-outs. */
const BUCKETS_SEC = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

export function createMetrics(build: Build) {
  const registry = createRegistry<Readings>();
  registry.gauge({
    name: "barnacle_build_info",
    help: "Build information; value is always 1.",
    labels: ["version", "commit", "runtime", "sqlite"],
  }, () => [[1, { ...build }]]);
  const meters = defineMeters(registry);
  defineGauges(registry);
  const cpu = registry.counter({
    name: "process_cpu_seconds_total",
    help: "Total user and system CPU time spent in seconds.",
  });
  let cpuSec = 0;
  return {
    ...meters,
    text(snapshot: Snapshot, usage: ProcessUsage, now: number): string {
      cpu.add(Math.max(0, usage.cpuSec - cpuSec));
      cpuSec = Math.max(cpuSec, usage.cpuSec);
      return registry.text({ ...snapshot, ...usage, now });
    },
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

/** The counters and histograms; the help of each says what it counts, and its labels by what. */
function defineMeters(registry: Registry) {
  const counter = <const Name extends string = never>(
    name: string,
    help: string,
    labels: readonly Name[] = [],
  ) => registry.counter({ name: `barnacle_${name}_total`, help, labels });
  const histogram = <const Name extends string = never>(
    name: string,
    help: string,
    labels: readonly Name[] = [],
  ) => registry.histogram({ name: `barnacle_${name}_seconds`, help, labels, buckets: BUCKETS_SEC });

  return {
    identifies: counter("gateway_identify", "IDENTIFY payloads sent."),
    resumes: counter("gateway_resume", "RESUME attempts by outcome.", ["outcome"]),
    // By close code; `"none"` if the connection broke without one.
    disconnects: counter("gateway_disconnects", "Gateway disconnects by close code.", ["code"]),
    // The hook is `"unknown"` if the config has none of that name.
    hookRequests: counter("hook_requests", "Requests to hooks, by result.", ["hook", "result"]),
    outboxSent: counter("outbox_sent", "Replies confirmed, by how the confirmation came.", ["ack"]),
    replyLatencySec: histogram(
      "reply_latency",
      "From Discord's message timestamp to the first reply created.",
    ),
    // `route` is the template: `"/channels/{channel}/messages"`; `status` the class: `"2xx"`, or `"none"`.
    discordRequests: counter(
      "discord_requests",
      "REST requests by route template and status class.",
      ["route", "method", "status"],
    ),
    // `outcome` is `"ok"`, a model error's kind, `"timeout"`, `"unexpected"` or `"interrupted"`.
    llmRequests: counter(
      "llm_requests",
      "Model calls by provider, model and outcome.",
      ["provider", "model", "outcome"],
    ),
    llmRequestSec: histogram("llm_request", "Model call duration.", ["provider", "model"]),
    llmTokens: counter("llm_tokens", "Tokens by direction.", ["provider", "model", "direction"]),
    // Including verdicts that are settled later.
    decisions: counter(
      "decisions",
      "Messages judged, by verdict and reason.",
      ["verdict", "reason"],
    ),
  };
}

type Readings = Snapshot & ProcessUsage & { readonly now: number };

const ACCOUNT_STATES: readonly AccountSnapshot["state"][] = ["running", "disabled", "ended"];

/** Every gauge with its reader, in the order of the output. A gauge without a value is left out. */
function defineGauges(registry: Registry): void {
  const gauge = <const Name extends string = never>(
    name: string,
    help: string,
    read: (readings: Readings) => readonly Sample<Name>[],
    labels: readonly Name[] = [],
  ) => registry.gauge({ name, help, labels }, read);
  /** One value for each account; `undefined` leaves an account out. */
  const ofAccounts = (
    name: string,
    help: string,
    read: (account: AccountSnapshot) => number | undefined,
  ) =>
    gauge(name, help, ({ accounts }) =>
      accounts.flatMap((account) => {
        const value = read(account);
        return value === undefined ? [] : [[value, { account: account.id }] as const];
      }), ["account"]);
  const ofBot = (name: string, help: string, read: (readings: Readings) => number | undefined) =>
    gauge(name, help, (readings) => {
      const value = read(readings);
      return value === undefined ? [] : [[value]];
    });
  const byState = (
    name: string,
    help: string,
    read: (readings: Readings) => Readonly<Record<string, number>>,
  ) =>
    gauge(
      name,
      help,
      (readings) => Object.entries(read(readings)).map(([state, count]) => [count, { state }]),
      ["state"],
    );
  ofBot(
    "barnacle_up_ready",
    "1 if /readyz is 200.",
    (all) => isReady(judgeHealth(all, all.now)) ? 1 : 0,
  );
  gauge(
    "barnacle_account_state",
    "Account state, one series per state, 1 for the current one.",
    ({ accounts }) =>
      accounts.flatMap(({ id: account, state: current }) =>
        ACCOUNT_STATES.map((state) => [state === current ? 1 : 0, { account, state }] as const)
      ),
    ["account", "state"],
  );
  ofAccounts(
    "barnacle_account_paused",
    "1 if an owner or the operator has paused the account.",
    ({ paused }) => paused === undefined ? 0 : 1,
  );
  gauge(
    "barnacle_llm_failing",
    "1 if the model has failed, and Barnacle asks it only now and then.",
    ({ models }) =>
      models.map(({ id, openAt }) => [openAt === undefined ? 0 : 1, { model: id }] as const),
    ["model"],
  );
  gauge(
    "barnacle_budget_used_ratio",
    "Used part of a budget of the whole bot or of an agent; from 1 on, it is spent.",
    ({ budgets = [] }) =>
      budgets.filter(({ of }) => of === undefined) // a series for each guild would be too many
        .map(({ rule, used, limit }) => [limit > 0 ? used / limit : 1, { rule }] as const),
    ["rule"],
  );
  ofBot(
    "barnacle_storage_failing",
    "1 if the store cannot write, or is damaged.",
    ({ store }) => store.isFailing || store.isDamaged ? 1 : 0,
  );
  ofBot(
    "barnacle_storage_free_bytes",
    "Free bytes on the disk of the data directory.",
    (all) => all.diskFreeBytes,
  );
  ofBot(
    "barnacle_start_time_seconds",
    "Unix time of process start.",
    ({ startedAt }) => startedAt / 1_000,
  );
  gauge(
    "barnacle_gateway_state",
    "State of the connection, one series per state, 1 for the current one.",
    ({ accounts }) =>
      accounts.flatMap(({ id: account, connection }) =>
        CONNECTION_STEPS.flatMap((state) =>
          connection ? [[state === connection.state ? 1 : 0, { account, state }] as const] : []
        )
      ),
    ["account", "state"],
  );
  ofAccounts(
    "barnacle_gateway_identify_remaining",
    "IDENTIFYs left in the 24 h budget.",
    ({ identify }) => identify?.left,
  );
  byState(
    "barnacle_inbox_depth",
    "Messages waiting or running.",
    ({ inbox: { waiting, running } }) => ({ waiting, running }),
  );
  ofBot(
    "barnacle_inbox_oldest_age_seconds",
    "Age of the oldest unclaimed message.",
    ({ inbox }) => inbox.oldestMs / 1_000,
  );
  byState("barnacle_outbox_depth", "Replies by state.", ({ outbox }) => {
    const { pending, sending, uncertain, dead, parked } = outbox;
    return { pending, sending, uncertain, dead, parked };
  });
  ofBot(
    "barnacle_outbox_oldest_age_seconds",
    "Age of the oldest unsent reply.",
    ({ outbox }) => outbox.oldestMs / 1_000,
  );
  ofAccounts(
    "barnacle_discord_invalid_requests",
    "Invalid requests in the last 10 minutes.",
    ({ rest }) => rest.invalidRequests,
  );
  gauge(
    "barnacle_alert_open",
    "Open alerts by kind.",
    ({ alerts = [] }) =>
      ALERT_KINDS.map((kind) =>
        [alerts.filter((alert) => alert.kind === kind).length, { kind }] as const
      ),
    ["kind"],
  );
  ofBot("process_resident_memory_bytes", "Resident memory size in bytes.", (all) => all.rssBytes);
}

/** The value of each label, by the label's name. */
export type Labels<Name extends string> = Readonly<Record<Name, string>>;

/** The values of a metric's labels, by name; left out for a metric without labels. */
type LabelsArgument<Name extends string> = [Name] extends [never] ? []
  : [labels: Labels<Name>];

/** A value of a gauge, and its labels if it has some. */
type Sample<Name extends string> = readonly [value: number, ...labels: LabelsArgument<Name>];

type Registry = ReturnType<typeof createRegistry<Readings>>;

interface Spec<Name extends string> {
  /** Full name with its unit, in snake case: `"barnacle_start_time_seconds"`. */
  readonly name: string;
  /** One sentence for the operator, written to `# HELP`. */
  readonly help: string;
  /** Names of its labels; absent for a metric without labels. */
  readonly labels?: readonly Name[];
}

type LabelValues = Readonly<Record<string, string>>;

/** All metrics of the process. `Readings` is what gauges are read off. */
export function createRegistry<Readings>() {
  const families: ((readings: Readings) => readonly string[])[] = [];

  function add(
    { name, help }: Spec<string>,
    type: "counter" | "gauge" | "histogram",
    lines: (readings: Readings) => readonly string[],
  ): void {
    families.push((readings) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...lines(readings),
    ]);
  }

  return {
    /** A number that only grows while the process lives. */
    counter<const Name extends string = never>(spec: Spec<Name>) {
      const { seriesOf, all } = createSeries(spec.labels, () => ({ value: 0 }));
      add(
        spec,
        "counter",
        () => all().map(([labels, { value }]) => `${spec.name}${braced(labels)} ${value}`),
      );
      const grow = (by: number, labels?: LabelValues) => void (seriesOf(labels).value += by);
      return {
        inc: (...[labels]: LabelsArgument<Name>) => grow(1, labels),
        /** @param by Not negative. */
        add: (by: number, ...[labels]: LabelsArgument<Name>) => grow(by, labels),
      };
    },
    /** Adds a metric whose samples are read anew for each text, so none gets outdated. */
    gauge<const Name extends string = never>(
      spec: Spec<Name>,
      read: (readings: Readings) => readonly Sample<Name>[],
    ): void {
      const { name, labels = [] } = spec;
      add(
        spec,
        "gauge",
        (readings) =>
          read(readings).map(([value, values]) =>
            `${name}${braced(textOf(labels, values))} ${value}`
          ),
      );
    },
    /** @param spec `buckets` holds upper bounds in rising order; `+Inf` is added. */
    histogram<const Name extends string = never>(
      spec: Spec<Name> & { readonly buckets: readonly number[] },
    ) {
      const { name, buckets, labels } = spec;
      const { seriesOf, all } = createSeries(
        labels,
        () => ({ counts: buckets.map(() => 0), count: 0, sum: 0 }),
      );
      add(spec, "histogram", () =>
        all().flatMap(([text, { counts, count, sum }]) => [
          ...buckets.map((bound, i) =>
            `${name}_bucket${braced(text, `le="${bound}"`)} ${counts[i] ?? 0}`
          ),
          `${name}_bucket${braced(text, 'le="+Inf"')} ${count}`,
          `${name}_sum${braced(text)} ${sum}`,
          `${name}_count${braced(text)} ${count}`,
        ]));
      return {
        /** Counts one value, in the unit that the metric's name states. */
        observe(value: number, ...[values]: LabelsArgument<Name>): void {
          const series = seriesOf(values);
          // Cumulative, as the text has it: a value counts in every bucket it fits. The bounds rise.
          for (let i = buckets.length - 1; i >= 0 && value <= (buckets[i] ?? 0); i--) {
            series.counts[i] = (series.counts[i] ?? 0) + 1;
          }
          series.count++;
          series.sum += value;
        },
      };
    },
    /** Writes all metrics in Prometheus' text format, in the order of their creation. */
    text: (readings: Readings): string =>
      families.map((lines) => `${lines(readings).join("\n")}\n`).join(""),
  };
}

function createSeries<Series>(labels: readonly string[] = [], create: () => Series) {
  const known = new Map<string, Series>();

  function seriesOf(values?: LabelValues): Series {
    const text = textOf(labels, values);
    const series = known.get(text) ?? create();
    known.set(text, series);
    return series;
  }

  if (labels.length === 0) seriesOf(); // a metric without labels exists from the start
  return { seriesOf, all: (): readonly (readonly [text: string, series: Series])[] => [...known] };
}

function textOf(labels: readonly string[], values?: LabelValues): string {
  return labels.map((label) => `${label}="${escaped(values?.[label] ?? "")}"`).join(",");
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function braced(...labels: readonly string[]): string {
  const text = labels.filter((label) => label !== "").join(",");
  return text === "" ? "" : `{${text}}`;
}

/** Maps each end of a delivery to its label in `/metrics`. */
const ACKS: Readonly<Partial<Record<Delivery["kind"], string>>> = {
  created: "response",
  already_gone: "unknown_message",
  found: "history",
};

/**
 * Returns how much a total has grown since the last call. Counters of another thread arrive as totals;
 * a replacement thread counts from 0 again.
 */
function createGrowth(): (name: string, total: number) => number {
  const seen = new Map<string, number>();
  return (name, total) => {
    const before = seen.get(name) ?? 0;
    seen.set(name, total);
    return total < before ? total : total - before;
  };
}

/** Counts events of the accounts' parts. */
export type Meter = ReturnType<typeof createMeter>;

export function createMeter(metrics: Metrics) {
  const grown = createGrowth();

  return {
    request({ route, method, status }: RequestMetric): void {
      const family = status === undefined ? "none" : `${Math.floor(status / 100)}xx`;
      metrics.discordRequests.inc({ route, method, status: family });
    },
    delivery({ message: { of } }: OutboxRow, delivery: Delivery): void {
      const ack = ACKS[delivery.kind];
      if (ack === undefined) return;
      // An echo is counted when it arrives.
      if (!("wasEchoed" in delivery)) metrics.outboxSent.inc({ ack });
      if (
        delivery.kind !== "created" || of?.part !== 0 || of.kind === "draft" || of.kind === "tool"
      ) {
        return;
      }
      const ms = createdAtMs(delivery.messageId) - createdAtMs(of.cause);
      metrics.replyLatencySec.observe(Math.max(0, ms) / 1_000);
    },
    /** Discord's own event has confirmed so many replies. */
    settled: (count: number): void => metrics.outboxSent.add(count, { ack: "echo" }),
    turn(modelId: string, outcome: TurnOutcome, ms: number): void {
      const { modelId: answered = modelId } = outcome.kind === "reply" ? outcome : {};
      const slash = `${answered}/`.indexOf("/");
      const [provider, model] = [answered.slice(0, slash), answered.slice(slash + 1)];
      metrics.llmRequests.inc({ provider, model, outcome: wordOf(outcome) });
      metrics.llmRequestSec.observe(ms / 1_000, { provider, model });
      if (outcome.kind !== "reply" || !outcome.usage) return;
      const { inputTokens, outputTokens } = outcome.usage;
      metrics.llmTokens.add(inputTokens, { provider, model, direction: "input" });
      metrics.llmTokens.add(outputTokens, { provider, model, direction: "output" });
    },
    /** Adds the growth of an account's gateway counters since the last call. */
    gateway(accountId: AccountId, stats: GatewayStats): void {
      const { identifies, resumes, disconnects } = stats;
      const growthOf = (name: string, total: number) => grown(`${accountId} ${name}`, total);
      metrics.identifies.add(growthOf("identifies", identifies));
      for (const [outcome, count] of Object.entries(resumes)) {
        metrics.resumes.add(growthOf(`resume ${outcome}`, count), { outcome });
      }
      for (const [code, count] of Object.entries(disconnects)) {
        metrics.disconnects.add(growthOf(`close ${code}`, count), { code });
      }
    },
  };
}

function wordOf(outcome: TurnOutcome): string {
  if (outcome.kind !== "failed") return outcome.kind === "reply" ? "ok" : outcome.kind;
  if (outcome.error instanceof ModelError) return outcome.error.kind;
  return outcome.reason === "unexpected" ? "unexpected" : "timeout";
}
