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

export interface VitalsPorts {
  readonly store: Pick<Store, "health" | "touchAlive" | "loadAccount">;
  readonly accountId: AccountId;
  /** Whether the account is to connect at all (C7). */
  readonly isEnabled: boolean;
  /** `"<provider>/<model>"`, of an enabled account. */
  readonly modelId?: string;
  /** Unix time in milliseconds at which the gateway was last heard before this start. */
  readonly heardAt: number;
  readonly metrics: Pick<Meters, "eventLoopLagSec" | "storageErrors" | "authDenied">;
  readonly gateway: () => GatewayStats | undefined;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

export interface Vitals {
  snapshot(): Snapshot;
  setPhase(phase: Snapshot["phase"]): void;
  setShard(state: ShardState): void;
  setLatency(latencyMs: number): void;
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
  outbox: { pending: 0, sending: 0, uncertain: 0, dead: 0, oldestMs: 0 },
};

export function startVitals(ports: VitalsPorts): Vitals {
  const { store, accountId, modelId, metrics, gateway, now, log } = ports;
  const startedAt = now();
  let phase: Snapshot["phase"] = "starting";
  let shard: ShardState | undefined;
  let latencyMs = 0;
  let isRestUp = true;
  let openAt: number | undefined;
  let probe: Snapshot["store"] = { probeMs: 0, isFailing: false };
  let figures: () => Pick<Snapshot, "inbox" | "outbox"> = () => NO_FIGURES;
  let lostAt: number | undefined;
  let mainTickAt = startedAt;
  let lags: readonly number[] = [];
  const denied = new Map<string, number>();

  async function readFigures(): Promise<void> {
    const { inbox, outbox, decisions } = await store.health();
    const { oldestWaitingAt, ...waiting } = inbox;
    const { oldestUnsentAt, ...unsent } = outbox;
    lostAt = (await store.loadAccount(accountId)).lostAt;
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

  /** Only a gateway that is heard keeps its session fresh. */
  async function tryWrite(): Promise<void> {
    try {
      probe = { probeMs: await store.touchAlive(accountId, heardAt()), isFailing: false };
    } catch (error) {
      if (!probe.isFailing) log.error("Cannot write to the store", { error });
      metrics.storageErrors.inc({ code: codeOf(error) });
      probe = { ...probe, isFailing: true };
    }
  }

  function heardAt(): number {
    return shard?.state === "ready" ? now() : shard?.ack?.at ?? ports.heardAt;
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
    if (!ports.isEnabled) return [];
    const { state = "connecting", readyAt = startedAt, isDown = false, ack } = shard ?? {};
    return [{
      id: `${accountId}/0`,
      state,
      readyAt,
      isDown,
      ...(ack && { ack: { ...ack, latencyMs } }),
      ...(stats?.seqCommitted !== undefined && { seqCommitted: stats.seqCommitted }),
      ...(lostAt !== undefined && { sessionLostAt: lostAt }),
    }];
  }

  return {
    snapshot() {
      const stats = gateway();
      return {
        phase,
        startedAt,
        mainTickAt,
        ...(stats && { gatewayTickAt: stats.tickAt }),
        shards: shards(stats),
        store: probe,
        ...figures(),
        isRestUp,
        models: modelId === undefined
          ? []
          : [{ id: modelId, ...(openAt !== undefined && { openAt }) }],
        eventLoopLagMs: [...lags].sort((a, b) => a - b)[Math.floor(lags.length * 0.99)] ?? 0,
        rssBytes: process.memoryUsage.rss(),
      };
    },
    setPhase: (next) => void (phase = next),
    setShard: (next) => void (shard = next),
    setLatency: (next) => void (latencyMs = next),
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
