/**
 * The main thread's end of the gateway: what its shards say, and what main has of it.
 *
 * The sockets live in a thread of their own so that nothing the bot does can
 * delay a heartbeat; all shards of the account are in it. A worker that dies is
 * followed by one that resumes from what is stored.
 *
 * @module
 */

import { addCounts, NO_COUNTS } from "../link/counts.ts";
import { createLedger } from "./ledger.ts";
import { DOWN_IDENTIFY_SPACING_MS, type FinalPlan } from "../life/life.ts";
import { SPACING_MS } from "../../../core/discord/identify_budget.ts";
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
  type ShardOptions,
  type ShardStart,
  type ShardState,
  type ToWorker,
} from "../link/protocol.ts";
import { createSupervisor, type SupervisorPorts } from "./supervisor.ts";

/** Why nobody will try again. */
export type GatewayFinal =
  /** Discord refuses the account (exit 77), or it is given up (exit 75 with `exit`). */
  | FinalPlan
  /** The worker died too often (exit 75). */
  | { readonly kind: "worker_died"; readonly deaths: number };

export interface GatewayEvents {
  onBatch(batch: DispatchBatch): void;
  onState(shardId: number, state: ShardState): void;
  /** A heartbeat; without a latency where it was never acknowledged. */
  onBeat(
    shardId: number,
    beat: { readonly lateMs: number; readonly latencyMs?: number },
  ): void;
  /** A message of the worker has waited for the main thread, so many milliseconds. */
  onDelay(ms: number): void;
  /**
   * A shard would IDENTIFY. Each call is answered by one {@link Gateway.permit}, in
   * the order of the calls; what is granted is stored before.
   */
  onPermitWanted(shardId: number): void;
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

/** A shard, as main sees it. */
interface Seen {
  readonly options: ShardOptions;
  state: ShardState;
  failures: number;
  /** Unix time in milliseconds of the last IDENTIFY that it was granted. */
  grantedAt: number;
  /** Calls for a permit that main has not answered, by the worker they came from. */
  readonly asks: { readonly generation: number; readonly socket: number }[];
}

export function startGateway(
  options: GatewayOptions,
  events: GatewayEvents,
  ports: GatewayPorts,
): Gateway {
  const { shards, ...common } = options;
  const { now } = ports;
  const { onLog } = events;
  const ledger = createLedger(shards);
  const seen = new Map(shards.map((shard): [number, Seen] => [shard.id, {
    options: shard,
    state: { state: "connecting", readyAt: now(), isDown: false },
    failures: 0,
    grantedAt: -Infinity,
    asks: [],
  }]));
  let { url } = options;
  let past = NO_COUNTS;
  let counts = NO_COUNTS;
  let isOver = false;
  const worker = createSupervisor(ports, {
    start,
    onMessage: receive,
    onGone: sayGone,
    onDied() {
      past = addCounts(past, counts);
      counts = NO_COUNTS;
    },
    onGivenUp: (deaths) => events.onFinal({ kind: "worker_died", deaths }),
    onLog,
  });

  function start(): ToWorker {
    const starts = [...seen.values()].map(toStart);
    if (common.isConnectionDebug) {
      const resuming = starts.filter(({ session }) => session !== undefined).length;
      const { generation } = worker;
      onLog("debug", "The gateway's worker starts", {
        generation,
        shards: starts.length,
        resuming,
      });
    }
    return {
      kind: "start",
      version: PROTOCOL_VERSION,
      options: { ...common, url },
      shards: starts,
      tick: worker.tick,
    };
  }

  /** Where a shard begins, or goes on in another worker. */
  function toStart(
    { options: { id, identifyInMs }, state, failures, grantedAt }: Seen,
  ): ShardStart {
    const { session, epoch, seqCommitted, seqReceived, isInherited } = ledger.placeOf(id);
    const { isDown } = state;
    const spacingMs = isDown ? DOWN_IDENTIFY_SPACING_MS : SPACING_MS;
    const leftMs = Math.min(Math.max(0, grantedAt + spacingMs - now()), spacingMs);
    return {
      id,
      ...(session && { session }),
      identifyInMs: worker.generation === 1 ? identifyInMs : leftMs,
      epoch,
      ...(seqCommitted !== undefined && { seqCommitted }),
      ...(seqReceived !== undefined && { seqReceived }),
      failures,
      isDown,
      mustSendPresence: isInherited,
    };
  }

  function receive(message: FromWorker): void {
    switch (message.kind) {
      case "counts":
        counts = message.counts;
        return;
      case "log":
        return onLog(message.level, message.event, message.fields);
      case "stopped":
        return;
    }
    events.onDelay(Math.max(0, now() - message.sentAt));
    const shard = seen.get(message.shardId);
    if (shard) receiveOf(shard, message);
  }

  function receiveOf(shard: Seen, message: FromShard): void {
    const { id } = shard.options;
    switch (message.kind) {
      case "batch":
        return events.onBatch(ledger.take(message.batch, id, worker.generation));
      case "state":
        shard.failures = message.failures;
        return say(shard, message.state);
      case "beat": {
        const { lateMs, latencyMs } = message;
        return events.onBeat(id, { lateMs, ...(latencyMs !== undefined && { latencyMs }) });
      }
      case "permit_wanted":
        shard.asks.push({ generation: worker.generation, socket: message.socket });
        return events.onPermitWanted(id);
      case "final":
        return end(shard, message.plan);
    }
  }

  /** What is final for one shard is so for the account. */
  function end(shard: Seen, plan: FinalPlan): void {
    if (isOver) return;
    isOver = true;
    worker.retire();
    for (const other of seen.values()) {
      const { readyAt, isDown } = other.state;
      if (other !== shard) say(other, { state: "fatal", readyAt, isDown });
    }
    events.onFinal(plan);
  }

  /** A worker knows only its own life: until it is ready, `readyAt` is what it was before. */
  function say(shard: Seen, itsState: ShardState): void {
    const { readyAt } = itsState.state === "ready" ? itsState : shard.state;
    shard.state = { ...itsState, readyAt };
    events.onState(shard.options.id, shard.state);
  }

  /** Nobody holds the connections, whatever the worker said last. */
  function sayGone(): void {
    for (const shard of seen.values()) {
      const { readyAt, isDown } = shard.state;
      say(shard, { state: "connecting", readyAt, isDown });
    }
  }

  worker.begin();

  return {
    committed(ticket) {
      for (const message of ledger.committed(ticket, worker.generation)) worker.tell(message);
    },
    permit(shardId, answer) {
      const shard = seen.get(shardId);
      const ask = shard?.asks.shift();
      if (!shard || !ask) return;
      if (answer.kind === "granted") shard.grantedAt = now();
      if (ask.generation !== worker.generation) return;
      worker.tell({ kind: "permit", shardId, socket: ask.socket, answer });
    },
    setUrl(itsUrl) {
      url = itsUrl;
      worker.tell({ kind: "url", url });
    },
    stats: () => ({
      ...addCounts(past, counts),
      tickAt: worker.tickAt(),
      seqCommitted: ledger.seqCommitted(),
      uncommitted: ledger.uncommitted,
      deaths: worker.deaths,
      compression: options.compress ? "zlib-stream" : "none",
    }),
    stop() {
      isOver = true;
      return worker.stop();
    },
  };
}
