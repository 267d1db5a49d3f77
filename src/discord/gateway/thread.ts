/**
 * The main thread's end: starts the gateway's worker, and another one when it dies.
 *
 * The socket lives in a thread of its own so that nothing the bot does can
 * delay a heartbeat. Whatever ends that thread unasked, be it an error, an exit
 * or a standstill, is a failure: the next one resumes from what is stored.
 *
 * @module
 */

import { Worker } from "node:worker_threads";
import { backoffMs } from "../../lib/backoff.ts";
import type { Batch } from "./batches.ts";
import { addCounts, NO_COUNTS } from "./counts.ts";
import { type FinalPlan, IDENTIFY_SPACING_MS } from "./life.ts";
import {
  type DispatchBatch,
  type FromWorker,
  type GatewayCounts,
  type GatewayOptions,
  isFromWorker,
  type LogLevel,
  type LogValue,
  PROTOCOL_VERSION,
  type ShardState,
  type ToWorker,
} from "./protocol.ts";

/** Why nobody will try again. */
export type GatewayFinal =
  /** Discord refuses the account (exit 77), or it is given up (exit 75 with `exit`). */
  | FinalPlan
  /** The worker died too often (exit 75). */
  | { readonly kind: "worker_died"; readonly deaths: number };

export interface GatewayEvents {
  onBatch(batch: DispatchBatch): void;
  onState(state: ShardState): void;
  /** A heartbeat; without a latency where it was never acknowledged. */
  onBeat(beat: { readonly lateMs: number; readonly latencyMs?: number }): void;
  onLog(level: LogLevel, event: string, fields: Readonly<Record<string, LogValue>>): void;
  onFinal(final: GatewayFinal): void;
}

export interface GatewayStats extends GatewayCounts {
  /** Unix time in milliseconds at which the worker was last seen to move. */
  readonly tickAt: number;
  /** The last sequence number of the session that main has committed. */
  readonly seqCommitted: number | undefined;
  /** Batches that main has and did not commit yet. */
  readonly uncommitted: number;
  /** Workers that died. */
  readonly deaths: number;
  readonly compression: "zlib-stream" | "none";
}

export interface Gateway {
  /** Everything up to the batch with this ticket is stored. */
  committed(ticket: number): void;
  /**
   * The gateway has moved: from now on this is where to identify, and to resume
   * where READY named no place. A wait that is under way is not cut short.
   */
  setUrl(url: string): void;
  stats(): GatewayStats;
  /** Closes the socket so that the session stays resumable; two seconds at most. */
  stop(): Promise<void>;
}

export interface GatewayPorts {
  /** Made at the top of `src/`: a compiled binary finds no deeper one. */
  readonly workerUrl: URL;
  /** A thread that is there already, for its first life; without one it is made. */
  readonly takeThread?: () => Worker | undefined;
  /** Unix time in milliseconds. */
  now(): number;
  random(): number;
  /** Milliseconds; how often the worker is looked at; for tests. */
  readonly watchMs?: number;
}

/** Deaths of the worker within {@link DEATHS_MS} after which it is given up. */
const MAX_DEATHS = 5;
const DEATHS_MS = 10 * 60_000;

const RESTART_BACKOFF = { minDelayMs: 200, maxDelayMs: 10_000, base: 2 };

/** How often the worker is looked at, and how often it may be found not to have moved. */
const WATCH_MS = 10_000;
const MAX_STANDSTILLS = 3;

const STOP_MS = 2_000;

/** What main has and has not committed yet. */
interface Uncommitted {
  readonly ticket: number;
  readonly worker: Worker;
  readonly number: number;
  readonly epoch: number;
  readonly seq: number;
}

export function startGateway(
  options: GatewayOptions,
  events: GatewayEvents,
  { workerUrl, takeThread, now, random, watchMs = WATCH_MS }: GatewayPorts,
): Gateway {
  const tick = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
  const tickAt = new BigInt64Array(tick);
  Atomics.store(tickAt, 0, BigInt(now()));
  let { url, session } = options;
  let epoch = 0;
  let tickets = 0;
  let seqCommitted = session?.seq;
  let uncommitted: Uncommitted[] = [];
  let worker: Worker | undefined;
  let state: ShardState = { state: "connecting", readyAt: now(), isDown: false };
  let past = NO_COUNTS;
  let counts = NO_COUNTS;
  let identifiedAt = -Infinity;
  let deaths: number[] = [];
  let allDeaths = 0;
  let restart: ReturnType<typeof setTimeout> | undefined;
  let standstills = 0;
  let lastTick = -1n;
  let isOver = false;
  let onStopped: (() => void) | undefined;

  function spawn(): void {
    const started = takeThread?.() ?? new Worker(workerUrl);
    worker = started;
    standstills = 0;
    let cause = "it ended by itself";
    started.on("message", (message: unknown) => {
      if (worker !== started) return;
      if (isFromWorker(message)) return receive(message, started);
      cause = "it sent an unknown message";
      void started.terminate();
    });
    started.on("error", (error) => {
      cause = error instanceof Error ? error.name : "an error";
    });
    started.on("exit", () => {
      if (worker === started) died(cause);
    });
    tell({
      kind: "start",
      version: PROTOCOL_VERSION,
      options: { ...options, url, ...(session && { session }) },
      epoch,
      identifyInMs: Math.min(
        Math.max(0, identifiedAt + IDENTIFY_SPACING_MS - now()),
        IDENTIFY_SPACING_MS,
      ),
      tick,
    });
  }

  function tell(message: ToWorker): void {
    worker?.postMessage(message);
  }

  function receive(message: FromWorker, from: Worker): void {
    switch (message.kind) {
      case "batch":
        return take(message.batch, from);
      case "state":
        return say(message.state);
      case "beat": {
        const { kind: _, ...beat } = message;
        return events.onBeat(beat);
      }
      case "counts":
        if (message.counts.identifies > counts.identifies) identifiedAt = now();
        counts = message.counts;
        return;
      case "log":
        return events.onLog(message.level, message.event, message.fields);
      case "final":
        isOver = true;
        clearInterval(watch);
        return events.onFinal(message.plan);
      case "stopped":
        return onStopped?.();
    }
  }

  /**
   * A session is main's from its READY on, and not before: without READY's batch
   * nothing of it would be stored (T0), and yet it would be resumed.
   */
  function take(batch: Batch, from: Worker): void {
    if (batch.session) {
      ({ epoch, session } = batch);
      seqCommitted = undefined;
    }
    const { number, epoch: itsEpoch, seq } = batch;
    const ticket = ++tickets;
    uncommitted.push({ ticket, worker: from, number, epoch: itsEpoch, seq });
    events.onBatch({ ...batch, ticket });
  }

  /** A worker knows only its own life: until it is ready, `readyAt` is what it was before. */
  function say(itsState: ShardState): void {
    const { readyAt } = itsState.state === "ready" ? itsState : state;
    state = { ...itsState, readyAt };
    events.onState(state);
  }

  /** Nobody holds the connection, whatever the worker said last. */
  function sayGone(): void {
    const { readyAt, isDown } = state;
    say({ state: "connecting", readyAt, isDown });
  }

  function died(cause: string): void {
    worker = undefined;
    past = addCounts(past, counts);
    counts = NO_COUNTS;
    onStopped?.();
    if (isOver) return;
    sayGone();
    allDeaths++;
    deaths = [...deaths.filter((at) => now() - at < DEATHS_MS), now()];
    if (deaths.length >= MAX_DEATHS) {
      isOver = true;
      clearInterval(watch);
      events.onLog("error", "The gateway's worker died too often and is given up", { cause });
      return events.onFinal({ kind: "worker_died", deaths: deaths.length });
    }
    const inMs = backoffMs(deaths.length, random(), RESTART_BACKOFF);
    events.onLog("error", "The gateway's worker died and is started again", { cause, inMs });
    restart = setTimeout(spawn, inMs);
  }

  /** A thread that hangs is ended; its `exit` does the rest. */
  function look(): void {
    const seen = Atomics.load(tickAt, 0);
    standstills = seen === lastTick ? standstills + 1 : 0;
    lastTick = seen;
    if (standstills < MAX_STANDSTILLS || !worker) return;
    events.onLog("error", "The gateway's worker stands still and is ended", {});
    sayGone();
    void worker.terminate();
  }

  const watch = setInterval(look, watchMs);
  spawn();

  return {
    committed(ticket) {
      const settled = uncommitted.filter((batch) => batch.ticket <= ticket);
      uncommitted = uncommitted.slice(settled.length);
      const ofSession = settled.findLast((batch) => batch.epoch === epoch);
      if (ofSession && session) {
        // the batches of a worker in another one's place begin below what has arrived
        seqCommitted = Math.max(seqCommitted ?? 0, ofSession.seq);
        session = { ...session, seq: Math.max(session.seq, ofSession.seq) };
      }
      const own = settled.findLast((batch) => batch.worker === worker);
      if (own) tell({ kind: "committed", number: own.number, epoch: own.epoch, seq: own.seq });
    },
    setUrl(itsUrl) {
      url = itsUrl;
      tell({ kind: "url", url });
    },
    stats: () => ({
      ...addCounts(past, counts),
      tickAt: Number(Atomics.load(tickAt, 0)),
      seqCommitted,
      uncommitted: uncommitted.length,
      deaths: allDeaths,
      compression: options.compress ? "zlib-stream" : "none",
    }),
    async stop() {
      isOver = true;
      clearInterval(watch);
      clearTimeout(restart);
      const ending = worker;
      if (!ending) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, STOP_MS);
        onStopped = () => {
          clearTimeout(timer);
          resolve();
        };
        tell({ kind: "stop" });
      });
      worker = undefined;
      await ending.terminate();
    },
  };
}
