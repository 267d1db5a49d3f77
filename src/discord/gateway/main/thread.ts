/**
 * The main thread's end of the gateway: what its shards say, and what main has of it.
 *
 * The sockets live in a thread of their own so that nothing the bot does can
 * delay a heartbeat; all shards of the account are in it. A worker that dies is
 * followed by one that resumes from what is stored.
 *
 * @module
 */

import { createTotals } from "../link/counts.ts";
import { createBatchTracker } from "./batch_tracker.ts";
import type { FinalPlan } from "../lifecycle/state.ts";
import {
  type DispatchBatch,
  type FromShard,
  type FromWorker,
  type GatewayCounts,
  type GatewayOptions,
  type LogLevel,
  type LogValue,
  type PermitAnswer,
  PROTOCOL_VERSION,
  type ShardStart,
  type ShardState,
  type ToWorker,
} from "../link/protocol.ts";
import { createShardViews } from "./shard_views.ts";
import { createSupervisor, type SupervisorPorts } from "./supervisor.ts";

/** Why nobody will try again. */
export type GatewayFinal =
  /** Discord refuses the account (exit 77), or it is given up (exit 75 with `exit`). */
  | FinalPlan
  /** The worker died too often (exit 75). */
  | { readonly kind: "worker_died"; readonly deaths: number };

/** A heartbeat; without a latency if Discord never acknowledged it. */
export interface Beat {
  readonly lateMs: number;
  readonly latencyMs?: number;
}

export interface GatewayEvents {
  onBatch(batch: DispatchBatch): void;
  onState(shardId: number, state: ShardState): void;
  onBeat(shardId: number, beat: Beat): void;
  /** A message of the worker has waited for the main thread, so many milliseconds. */
  onDelay(ms: number): void;
  /**
   * A shard would IDENTIFY. Each call is answered by one {@link Gateway.permit}, in
   * the order of the calls; what is granted is stored before.
   */
  onPermitWanted(shardId: number, isPreview: boolean): void;
  onLog(level: LogLevel, event: string, fields: Readonly<Record<string, LogValue>>): void;
  onFinal(final: GatewayFinal): void;
}

export interface GatewayStats extends GatewayCounts {
  /** Unix time in milliseconds at which the worker was last seen to move. */
  readonly tickAt: number;
  /** By shard, the last sequence number of its session that main has committed. */
  readonly seqCommitted: ReadonlyMap<number, number>;
  /** Batches that main has and did not commit yet. */
  readonly uncommitted: number;
  /** Workers that died. */
  readonly deaths: number;
  readonly compression: "zlib-stream" | "none";
}

export interface Gateway {
  /** Everything up to the batch with this ticket is stored. */
  committed(ticket: number): void;
  /** Answers the shard's oldest call that has no answer yet; one of a dead socket is void. */
  permit(shardId: number, answer: PermitAnswer): void;
  /**
   * The gateway has moved: from now on this is where to identify, and to resume
   * where READY named no place. A wait that is under way is not cut short.
   */
  setUrl(url: string): void;
  stats(): GatewayStats;
  /** Closes the sockets so that the sessions stay resumable; two seconds at most. */
  stop(): Promise<void>;
}

export type GatewayPorts = SupervisorPorts;

export function startGateway(
  options: GatewayOptions,
  events: GatewayEvents,
  ports: GatewayPorts,
): Gateway {
  const { shards, ...common } = options;
  const { now } = ports;
  const { onLog } = events;
  const batches = createBatchTracker(shards);
  const totals = createTotals();
  const views = createShardViews(shards, now, (id, state) => events.onState(id, state));
  let { url } = options;
  let isOver = false;
  const worker = createSupervisor(ports, {
    start,
    onMessage: receive,
    onWorkerDown: views.workerDown,
    onDied: totals.died,
    onGivenUp: (deaths) => events.onFinal({ kind: "worker_died", deaths }),
    onLog,
  });

  function start(): ToWorker {
    const { generation, tick } = worker;
    const starts = views.starts(batches.resumePointOf, generation === 1);
    if (common.isConnectionDebug) {
      onLog("debug", "The gateway's worker starts", startFields(generation, starts));
    }
    const options = { ...common, url };
    return { kind: "start", version: PROTOCOL_VERSION, options, shards: starts, tick };
  }

  function receive(message: FromWorker): void {
    switch (message.kind) {
      case "counts":
        return totals.set(message.counts);
      case "log":
        return onLog(message.level, message.event, message.fields);
      case "stopped":
        return;
    }
    events.onDelay(Math.max(0, now() - message.sentAt));
    if (views.has(message.shardId)) receiveOf(message.shardId, message);
  }

  function receiveOf(id: number, message: FromShard): void {
    switch (message.kind) {
      case "batch":
        return events.onBatch(batches.receive(message.batch, id, worker.generation));
      case "state":
        return views.setState(id, message.state, message.failures);
      case "beat":
        return events.onBeat(id, toBeat(message));
      case "permit_wanted":
        views.permitRequested(id, { generation: worker.generation, socket: message.socket });
        return events.onPermitWanted(id, message.isPreview ?? false);
      case "final":
        return end(id, message.plan);
    }
  }

  /** What is final for one shard is so for the account. */
  function end(shardId: number, plan: FinalPlan): void {
    if (isOver) return;
    isOver = true;
    worker.disableRestarts();
    views.ended(shardId);
    events.onFinal(plan);
  }

  worker.begin();

  return {
    committed(ticket) {
      for (const message of batches.committed(ticket, worker.generation)) worker.send(message);
    },
    permit(shardId, answer) {
      const request = views.permitAnswered(shardId, answer);
      if (request?.generation !== worker.generation) return;
      worker.send({ kind: "permit", shardId, socket: request.socket, answer });
    },
    setUrl(newUrl) {
      url = newUrl;
      worker.send({ kind: "url", url });
    },
    stats: () => ({
      ...totals.sum(),
      tickAt: worker.tickAt(),
      seqCommitted: batches.seqCommitted(),
      uncommitted: batches.uncommitted,
      deaths: worker.deaths,
      compression: options.compress ? "zlib-stream" : "none",
    }),
    stop() {
      isOver = true;
      return worker.stop();
    },
  };
}

function startFields(
  generation: number,
  starts: readonly ShardStart[],
): Readonly<Record<string, LogValue>> {
  const resuming = starts.filter(({ session }) => session !== undefined).length;
  return { generation, shards: starts.length, resuming };
}

function toBeat({ lateMs, latencyMs }: Beat): Beat {
  return { lateMs, ...(latencyMs !== undefined && { latencyMs }) };
}
