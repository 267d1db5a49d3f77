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
import type { TurnOutcome } from "../agent/turn.ts";
import type { AccountId } from "../core/ids.ts";
import { ModelError } from "../core/model.ts";
import type { GatewayStats } from "../discord/gateway/thread.ts";
import type { ShardState } from "../discord/gateway/protocol.ts";
import type { Meters } from "../http/metrics.ts";
import type { Shard, Snapshot } from "../http/snapshot.ts";
import type { Log } from "../lib/log.ts";
import type { Store } from "../store/store.ts";

/** What the parts of an account say of themselves. */
export interface Said extends Pick<Snapshot, "catchUp" | "twin" | "findings" | "parked"> {
  readonly rest: Omit<Snapshot["rest"], "isUp">;
}

export interface VitalsPorts {
  readonly store: Pick<Store, "health" | "touchAlive" | "identifyBudget">;
  readonly accountId: AccountId;
  /** Whether the account is to connect at all (C7). */
  readonly isEnabled: boolean;
  /** `"<provider>/<model>"`, of an enabled account. */
  readonly modelId?: string;
  /** Unix time in milliseconds at which a shard was last heard before this start. */
  readonly heardAt: (shardId: number) => number;
  readonly metrics: Pick<Meters, "eventLoopLagSec" | "storageErrors" | "authDenied">;
  readonly gateway: () => GatewayStats | undefined;
  /** What the parts say of themselves when they are asked. */
  readonly said: () => Said;
  /** The last ticket that the store holds; {@link onDurable} tells once the disk has it. */
  readonly committed: () => number;
  readonly onDurable: (ticket: number) => void;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

export interface Vitals {
  snapshot(): Snapshot;
  setPhase(phase: Snapshot["phase"]): void;
  /** How many shards there are to be; one until somebody says so. */
  setShardCount(count: number): void;
  setShard(shardId: number, state: ShardState): void;
  setLatency(shardId: number, latencyMs: number): void;
  /** What the store says of IDENTIFYs is asked anew. */
  refresh(): void;
  /** Tries a write, as happens by itself every {@link PROBE_MS}. */
  probe(): Promise<void>;
  setRest(isUp: boolean): void;
  /** What a turn tells of its model: whether it can answer anybody. */
  setTurn(outcome: TurnOutcome): void;
  stop(): void;
}

/** How often the store is asked for its figures, in milliseconds. */
const FIGURES_MS = 5_000;
/** How often a write is tried, which also says that the gateway was alive, in milliseconds. */
const PROBE_MS = 10_000;
/** How often the delay of the event loop is looked at, in milliseconds. */
const LAG_MS = 1_000;
/** How many of those looks are remembered: a minute's. */
const LAGS = 60;

const NO_FIGURES: Pick<Snapshot, "inbox" | "outbox"> = {
  inbox: { waiting: 0, running: 0, oldestMs: 0 },
  outbox: { pending: 0, sending: 0, uncertain: 0, dead: 0, parked: 0, oldestMs: 0 },
};

export function startVitals(ports: VitalsPorts): Vitals {
  const { store, accountId, modelId, metrics, gateway, now, log } = ports;
  const startedAt = now();
  let phase: Snapshot["phase"] = "starting";
  let shardCount = 1;
  const states = new Map<number, ShardState>();
  const latencies = new Map<number, number>();
  let isRestUp = true;
  let openAt: number | undefined;
  let probe: Snapshot["store"] = { probeMs: 0, isFailing: false, probedAt: startedAt };
  let figures: () => Pick<Snapshot, "inbox" | "outbox"> = () => NO_FIGURES;
  let identify: Snapshot["identify"];
  let mainTickAt = startedAt;
  let lags: readonly number[] = [];
  const denied = new Map<string, number>();

  async function readFigures(): Promise<void> {
    const { inbox, outbox, decisions } = await store.health();
    const { oldestWaitingAt, ...waiting } = inbox;
    const { oldestUnsentAt, ...unsent } = outbox;
    if (ports.isEnabled) identify = await store.identifyBudget(accountId, now());
    const ageOf = (at: number | undefined): number => at === undefined ? 0 : now() - at;
    figures = () => ({
      inbox: { ...waiting, oldestMs: ageOf(oldestWaitingAt) },
      outbox: { ...unsent, oldestMs: ageOf(oldestUnsentAt) },
    });
    for (const { verdict, why, count } of decisions) {
      if (verdict !== "ignore") continue;
      metrics.authDenied.add(count - (denied.get(why) ?? 0), { reason: why });
      denied.set(why, count);
    }
  }

  /** Only a shard that is heard keeps its session fresh. What came before it is on the disk then. */
  async function tryWrite(): Promise<void> {
    const ticket = ports.committed();
    try {
      const heard = shardIds().map((shardId) => ({ shardId, heardAt: heardAt(shardId) }));
      const probeMs = await store.touchAlive(accountId, heard, now());
      probe = { probeMs, isFailing: false, probedAt: now() };
      ports.onDurable(ticket);
    } catch (error) {
      if (!probe.isFailing) log.error("Cannot write to the store", { error });
      metrics.storageErrors.inc({ code: codeOf(error) });
      probe = { ...probe, isFailing: true, probedAt: now() };
    }
  }

  function heardAt(shardId: number): number {
    const state = states.get(shardId);
    return state?.state === "ready" ? now() : state?.ack?.at ?? ports.heardAt(shardId);
  }

  function shardIds(): readonly number[] {
    return ports.isEnabled ? Array.from({ length: shardCount }, (_, id) => id) : [];
  }

  function lookAtLag(): void {
    const lagMs = Math.max(0, now() - mainTickAt - LAG_MS);
    mainTickAt = now();
    lags = [...lags.slice(1 - LAGS), lagMs];
    metrics.eventLoopLagSec.observe(lagMs / 1_000, { thread: "main" });
  }

  const refresh = () =>
    void readFigures().catch((error: unknown) => log.error("Cannot read the store", { error }));
  const timers = [
    setInterval(refresh, FIGURES_MS),
    setInterval(() => void tryWrite(), PROBE_MS),
    setInterval(lookAtLag, LAG_MS),
  ];
  refresh();

  function shards(stats: GatewayStats | undefined): readonly Shard[] {
    return shardIds().map((shardId) => {
      const { state = "connecting", readyAt = startedAt, isDown = false, ack, waits } =
        states.get(shardId) ?? {};
      const latencyMs = latencies.get(shardId) ?? 0;
      const seqCommitted = stats?.seqCommitted.get(shardId);
      return {
        id: `${accountId}/${shardId}`,
        state,
        readyAt,
        isDown,
        ...(ack && { ack: { ...ack, latencyMs } }),
        ...(seqCommitted !== undefined && { seqCommitted }),
        ...(waits && { waits }),
      };
    });
  }

  return {
    snapshot() {
      const stats = gateway();
      const { rest, ...said } = ports.said();
      return {
        phase,
        startedAt,
        mainTickAt,
        ...(stats && { gatewayTickAt: stats.tickAt, compression: stats.compression }),
        shards: shards(stats),
        ...(identify && { identify }),
        ...said,
        store: probe,
        ...figures(),
        rest: { ...rest, isUp: isRestUp },
        models: modelId === undefined
          ? []
          : [{ id: modelId, ...(openAt !== undefined && { openAt }) }],
        eventLoopLagMs: [...lags].sort((a, b) => a - b)[Math.floor(lags.length * 0.99)] ?? 0,
        rssBytes: process.memoryUsage.rss(),
      };
    },
    setPhase: (next) => void (phase = next),
    setShardCount: (count) => void (shardCount = count),
    setShard: (shardId, next) => void states.set(shardId, next),
    setLatency: (shardId, next) => void latencies.set(shardId, next),
    refresh,
    probe: tryWrite,
    setRest: (next) => void (isRestUp = next),
    setTurn(outcome) {
      if (outcome.kind === "reply") openAt = undefined;
      else if (outcome.kind === "failed" && isOutage(outcome.error)) openAt ??= now();
    },
    stop: () => timers.forEach((timer) => clearInterval(timer)),
  };
}

/** Whether the next turn would fail the same way; a limit or a bad answer is this turn's alone. */
function isOutage(error: unknown): boolean {
  return error instanceof ModelError &&
    (error.kind === "unauthorized" || error.kind === "not_found" || error.kind === "unavailable");
}

/** The kind of the error; never its words. */
function codeOf(error: unknown): string {
  if (error instanceof Error && "kind" in error) return String(error.kind);
  return "other";
}
