/**
 * Makes the gateway's worker, watches it, and makes another one when it dies.
 *
 * Whatever ends the thread unasked, be it an error, an exit or a standstill, is
 * a failure.
 *
 * @module
 */

import { Worker } from "node:worker_threads";
import type { FromWorker, LogLevel, LogValue, ToWorker } from "../link/protocol.ts";
import { isFromWorker } from "../link/protocol_check.ts";
import { createRestartPolicy } from "./restart_policy.ts";
import { createTick } from "./tick.ts";

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
  onWorkerDown(): void;
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
  send(message: ToWorker): void;
  /** From now on no worker takes the place of another. */
  disableRestarts(): void;
  /** Has the worker stop, and ends it; two seconds at most. */
  stop(): Promise<void>;
}

/** How often the worker is looked at. */
const WATCH_MS = 15_000;

const STOP_MS = 2_000;

export function createSupervisor(
  { workerUrl, takeThread, now, random, watchMs = WATCH_MS }: SupervisorPorts,
  events: SupervisorEvents,
): Supervisor {
  const tick = createTick(now());
  const restarts = createRestartPolicy({ now, random });
  let worker: Worker | undefined;
  let generation = 0;
  let restart: ReturnType<typeof setTimeout> | undefined;
  let watch: ReturnType<typeof setInterval> | undefined;
  let isRestartDisabled = false;
  let onStopped: (() => void) | undefined;

  function spawn(): void {
    const newWorker = takeThread?.() ?? new Worker(workerUrl);
    worker = newWorker;
    generation++;
    tick.begin();
    listen(newWorker, {
      isCurrent: () => worker === newWorker,
      onMessage: receive,
      onEnd: died,
    });
    send(events.start());
  }

  function send(message: ToWorker): void {
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
    if (isRestartDisabled) return;
    events.onWorkerDown();
    const next = restarts.died();
    if (next.kind === "give_up") {
      disableRestarts();
      events.onLog("error", "The gateway's worker died too often and is given up", { cause });
      return events.onGivenUp(next.deaths);
    }
    const { inMs } = next;
    events.onLog("error", "The gateway's worker died and is started again", { cause, inMs });
    restart = setTimeout(spawn, inMs);
  }

  /** A thread that hangs is ended; its `exit` does the rest. */
  function checkWorker(): void {
    if (!tick.isStalled() || !worker) return;
    events.onLog("error", "The gateway's worker stands still and is ended", {});
    events.onWorkerDown();
    void worker.terminate();
  }

  function disableRestarts(): void {
    isRestartDisabled = true;
    clearInterval(watch);
    clearTimeout(restart);
  }

  return {
    tick: tick.buffer,
    tickAt: tick.at,
    get generation() {
      return generation;
    },
    get deaths() {
      return restarts.deaths;
    },
    begin() {
      watch = setInterval(checkWorker, watchMs);
      spawn();
    },
    send,
    disableRestarts,
    async stop() {
      disableRestarts();
      const ending = worker;
      if (!ending) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, STOP_MS);
        onStopped = () => {
          clearTimeout(timer);
          resolve();
        };
        send({ kind: "stop" });
      });
      worker = undefined;
      await ending.terminate();
    },
  };
}

interface WorkerEvents {
  /** Whether it is still the worker of its supervisor; one that is not is not heard. */
  isCurrent(): boolean;
  onMessage(message: FromWorker): void;
  onEnd(cause: string): void;
}

/** Listens to a worker until it ends; one that sends an unknown message is ended. */
function listen(worker: Worker, { isCurrent, onMessage, onEnd }: WorkerEvents): void {
  let cause = "it ended by itself";
  worker.on("message", (message: unknown) => {
    if (!isCurrent()) return;
    if (isFromWorker(message)) return onMessage(message);
    cause = "it sent an unknown message";
    void worker.terminate();
  });
  worker.on("error", (error) => {
    cause = error instanceof Error ? error.name : "an error";
  });
  worker.on("exit", () => {
    if (isCurrent()) onEnd(cause);
  });
}
