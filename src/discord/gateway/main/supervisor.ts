/**
 * Makes the gateway's worker, watches it, and makes another one when it dies.
 *
 * Whatever ends the thread unasked, be it an error, an exit or a standstill, is
 * a failure. A worker that dies again and again is given up: the process had
 * better end than pretend to be connected.
 *
 * @module
 */

import { Worker } from "node:worker_threads";
import { backoffMs } from "../../../lib/network/backoff.ts";
import type { FromWorker, LogLevel, LogValue, ToWorker } from "../link/protocol.ts";
import { isFromWorker } from "../link/protocol_check.ts";

export interface SupervisorPorts {
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

export interface SupervisorEvents {
  /** What a worker is told first; called for each. */
  start(): ToWorker;
  onMessage(message: FromWorker): void;
  /** No worker does its work any more; said as soon as that is known, twice at times. */
  onGone(): void;
  onDied(): void;
  /** It died too often, and there will be no other. */
  onGivenUp(deaths: number): void;
  onLog(level: LogLevel, event: string, fields: Readonly<Record<string, LogValue>>): void;
}

export interface Supervisor {
  /** A 64-bit counter in which the worker puts Unix time in milliseconds. */
  readonly tick: SharedArrayBuffer;
  tickAt(): number;
  /** Which worker there is, from 1; the last one where there is none. */
  readonly generation: number;
  readonly deaths: number;
  /** Makes the first worker. */
  begin(): void;
  tell(message: ToWorker): void;
  /** From now on no worker takes the place of another. */
  retire(): void;
  /** Has the worker stop, and ends it; two seconds at most. */
  stop(): Promise<void>;
}

/** Deaths of the worker within {@link DEATHS_MS} after which it is given up. */
const MAX_DEATHS = 5;
const DEATHS_MS = 10 * 60_000;

const RESTART_BACKOFF = { minDelayMs: 200, maxDelayMs: 10_000, base: 2 };

/**
 * How often the worker is looked at, and how often it may be found not to have moved. It moves every
 * ten seconds at least (`TICK_MS` of `shard.ts`).
 */
const WATCH_MS = 15_000;
const MAX_STANDSTILLS = 2;

const STOP_MS = 2_000;

export function createSupervisor(
  { workerUrl, takeThread, now, random, watchMs = WATCH_MS }: SupervisorPorts,
  events: SupervisorEvents,
): Supervisor {
  const tick = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
  const tickAt = new BigInt64Array(tick);
  Atomics.store(tickAt, 0, BigInt(now()));
  let worker: Worker | undefined;
  let generation = 0;
  let deaths: number[] = [];
  let allDeaths = 0;
  let restart: ReturnType<typeof setTimeout> | undefined;
  let watch: ReturnType<typeof setInterval> | undefined;
  let standstills = 0;
  let lastTick = -1n;
  let isRetired = false;
  let onStopped: (() => void) | undefined;

  function spawn(): void {
    const started = takeThread?.() ?? new Worker(workerUrl);
    worker = started;
    generation++;
    standstills = 0;
    let cause = "it ended by itself";
    started.on("message", (message: unknown) => {
      if (worker !== started) return;
      if (isFromWorker(message)) return receive(message);
      cause = "it sent an unknown message";
      void started.terminate();
    });
    started.on("error", (error) => {
      cause = error instanceof Error ? error.name : "an error";
    });
    started.on("exit", () => {
      if (worker === started) died(cause);
    });
    tell(events.start());
  }

  function tell(message: ToWorker): void {
    worker?.postMessage(message);
  }

  function receive(message: FromWorker): void {
    if (message.kind === "stopped") onStopped?.();
    else events.onMessage(message);
  }

  function died(cause: string): void {
    worker = undefined;
    events.onDied();
    onStopped?.();
    if (isRetired) return;
    events.onGone();
    allDeaths++;
    deaths = [...deaths.filter((at) => now() - at < DEATHS_MS), now()];
    if (deaths.length >= MAX_DEATHS) {
      retire();
      events.onLog("error", "The gateway's worker died too often and is given up", { cause });
      return events.onGivenUp(deaths.length);
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
    events.onGone();
    void worker.terminate();
  }

  function retire(): void {
    isRetired = true;
    clearInterval(watch);
    clearTimeout(restart);
  }

  return {
    tick,
    tickAt: () => Number(Atomics.load(tickAt, 0)),
    get generation() {
      return generation;
    },
    get deaths() {
      return allDeaths;
    },
    begin() {
      watch = setInterval(look, watchMs);
      spawn();
    },
    tell,
    retire,
    async stop() {
      retire();
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
