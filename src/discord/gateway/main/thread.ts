/**
 * Runs the gateway from the main thread: passes on its shards' events, and reports commits to them.
 *
 * The sockets are in a thread of their own, so that no work of the bot can delay a heartbeat. One
 * thread runs all shards of the account. After a death, the next worker resumes from the stored
 * state.
 */

import type { GatewayStats, ShardState } from "../../../core/discord/gateway.ts";
import type { OfferedForm } from "../../../core/people/form.ts";
import { createTotals } from "../link/counts.ts";
import { createBatchTracker } from "./batch_tracker.ts";
import type { FinalPlan } from "../lifecycle/state.ts";
import type { Presence } from "../../../core/discord/presence.ts";
import type { OwnVoice } from "../../../core/discord/voice.ts";
import {
  type DispatchBatch,
  type FromShard,
  type FromWorker,
  type GatewayOptions,
  type LogValue,
  type PermitAnswer,
  type ShardStart,
  type ThreadLogLevel,
  type ToWorker,
} from "../link/protocol.ts";
import { createShardViews } from "./shard_views.ts";
import { createSupervisor, type SupervisorPorts } from "./supervisor.ts";

/** Why the account never connects again. */
export type GatewayFinal =
  /** Discord refuses the account (exit 77), or Barnacle gave up (exit 75 with `exit`). */
  | FinalPlan
  /** The worker died too often (exit 75). */
  | { readonly kind: "worker_died"; readonly deaths: number };

export interface HeartbeatTiming {
  readonly lateMs: number;
  /** Milliseconds until Discord acknowledged it; absent if it never did. */
  readonly latencyMs?: number;
}

export interface GatewayEvents {
  onBatch(batch: DispatchBatch): void;
  /** Takes a shard's state, which may be the same again. */
  onState(shardId: number, state: ShardState): void;
  onBeat(shardId: number, beat: HeartbeatTiming): void;
  /** Takes the milliseconds for which a message of the worker waited for the main thread. */
  onDelay(ms: number): void;
  /** Discord forbids an answer to an interaction in its place: it refused the first one. */
  onRefused(interactionId: string): void;
  /**
   * A shard asks for a permit to IDENTIFY. The owner answers each call by one
   * {@link Gateway.permit}, in the order of the calls, and stores a granted IDENTIFY first. With
   * `isPreview`, the shard only asks whether it would get one.
   */
  onPermitWanted(shardId: number, isPreview: boolean): void;
  onLog(level: ThreadLogLevel, event: string, fields: Readonly<Record<string, LogValue>>): void;
  /** The account never connects again. */
  onFinal(final: GatewayFinal): void;
}

/** Starts the gateway of one account. */
export function startGateway(
  options: GatewayOptions,
  events: GatewayEvents,
  ports: SupervisorPorts,
  ticketsBefore?: number,
) {
  const { shards, ...common } = options;
  const { now } = ports;
  const { onLog } = events;
  const batches = createBatchTracker(shards, ticketsBefore);
  const totals = createTotals();
  const views = createShardViews(shards, now, (id, state) => events.onState(id, state));
  let { url, presence } = options;
  let isPresenceChanged = false;
  let forms: readonly OfferedForm[] = [];
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
    const starts = views.starts(batches.resumePointOf, generation === 1).map((shard) => ({
      ...shard,
      // The worker that died may not have sent it.
      mustSendPresence: shard.mustSendPresence || isPresenceChanged,
    }));
    if (common.isConnectionDebug) {
      onLog("debug", "The gateway's worker starts", startFields(generation, starts));
    }
    const options = { ...common, url, presence };
    return { kind: "start", options, shards: starts, tick, forms };
  }

  function receive(message: FromWorker): void {
    switch (message.kind) {
      case "counts":
        return totals.set(message.counts);
      case "refused":
        return events.onRefused(message.interactionId);
      case "log":
        return onLog(message.level, message.event, message.fields);
      case "stopped":
        return;
    }
    events.onDelay(Math.max(0, now() - message.sentAt));
    if (views.has(message.shardId)) receiveOf(message.shardId, message, message.sentAt);
  }

  function receiveOf(id: number, message: FromShard, sentAt: number): void {
    switch (message.kind) {
      case "batch":
        return events.onBatch({
          ...batches.receive(message.batch, id, worker.generation),
          arrivedAt: sentAt,
        });
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

  /** If one shard cannot go on, neither can its account. */
  function end(shardId: number, plan: FinalPlan): void {
    if (isOver) return;
    isOver = true;
    worker.disableRestarts();
    views.ended(shardId);
    events.onFinal(plan);
  }

  worker.begin();

  return {
    /** Records that everything up to the batch with this ticket is stored. */
    committed(ticket: number): void {
      for (const message of batches.committed(ticket, worker.generation)) worker.send(message);
    },
    lastTicket: batches.lastTicket,
    /** Replaces the shard's session, because an event of it could not be read. */
    renew(shardId: number): void {
      batches.lacksEvent(shardId);
      worker.send({ kind: "renew", shardId });
    },
    /** Answers the shard's oldest open request. An answer to a dead socket is ignored. */
    permit(shardId: number, answer: PermitAnswer): void {
      const request = views.permitAnswered(shardId, answer);
      if (request?.generation !== worker.generation) return;
      worker.send({ kind: "permit", shardId, socket: request.socket, answer });
    },
    /**
     * Changes the gateway's URL, for IDENTIFYs, and for sessions without a URL of their own. It does
     * not end a wait or a connection.
     */
    setUrl(newUrl: string): void {
      url = newUrl;
      worker.send({ kind: "url", url });
    },
    /** Replaces the forms that people may open; the thread opens them when their button is pressed. */
    setForms(offered: readonly OfferedForm[]): void {
      forms = offered;
      worker.send({ kind: "forms", forms });
    },
    /** Takes the interactions of an owner or approver, however many others send. */
    admit: (userId: string): void => worker.send({ kind: "admit", userId }),
    /** Shows another presence, also after a reconnect and in the next worker. */
    setPresence(changed: Presence): void {
      presence = changed;
      isPresenceChanged = true;
      worker.send({ kind: "presence", presence });
    },
    /** Joins or leaves a voice channel. A worker that dies meanwhile forgets it. */
    setVoice: (own: OwnVoice): void => worker.send({ kind: "voice", ...own }),
    stats: (): GatewayStats => ({
      ...totals.sum(),
      tickAt: worker.tickAt(),
      seqCommitted: batches.seqCommitted(),
      uncommitted: batches.uncommitted,
      deaths: worker.deaths,
      compression: options.compress ? "zlib-stream" : "none",
    }),
    /** Closes the sockets so that the sessions stay resumable; takes two seconds at most. */
    stop(): Promise<void> {
      isOver = true;
      return worker.stop();
    },
  };
}

export type Gateway = ReturnType<typeof startGateway>;

function startFields(
  generation: number,
  starts: readonly ShardStart[],
): Readonly<Record<string, LogValue>> {
  const resuming = starts.filter(({ session }) => session !== undefined).length;
  return { generation, shards: starts.length, resuming };
}

function toBeat({ lateMs, latencyMs }: HeartbeatTiming): HeartbeatTiming {
  return { lateMs, latencyMs };
}
