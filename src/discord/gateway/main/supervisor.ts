/**
 * Creates the gateway's worker, watches it, and replaces it if it dies.
 *
 * An error, an exit that was not requested, and a hanging thread all count as death. The worker writes
 * the time to shared memory, and the main thread reads it without a message. The delay before a
 * restart grows with each death of the last minutes. After too many deaths there is no restart: the
 * process should end rather than seem connected.
 */

import type { Clock } from "../../../lib/clock.ts";
import type { Worker } from "node:worker_threads";
import type { FromWorker, LogValue, ThreadLogLevel, ToWorker } from "../link/protocol.ts";
import { backoffMs } from "../../../lib/network/backoff.ts";
import { startThread } from "./early_thread.ts";

/** Everything that the supervisor needs from outside. */
export interface SupervisorPorts extends Clock {
  /** The worker's module. It is at the top of `src/`, because a compiled binary finds no other. */
  readonly workerUrl: URL;
  /** Returns a thread that is already loaded; without one the supervisor creates it. */
  readonly takeThread?: () => Worker | undefined;
  /** Returns a number from 0 up to, but not including, 1. */
  random(): number;
  /** Milliseconds between two checks of the worker; for tests. */
  readonly watchMs?: number;
}

/** Milliseconds between two checks of the worker. */
const WATCH_MS = 15_000;

const STOP_MS = 2_000;

/** Creates a supervisor; `begin` creates the worker. */
export function createSupervisor(
  { workerUrl, takeThread, now, random, watchMs = WATCH_MS }: SupervisorPorts,
  events: {
    /** Returns the first message for a new worker. */
    start(): ToWorker;
    onMessage(message: FromWorker): void;
    /** No worker does its work any more. Called at once, sometimes twice. */
    onWorkerDown(): void;
    /** The worker's thread has ended. */
    onDied(): void;
    /** The worker died too often, and is not replaced. */
    onGivenUp(deaths: number): void;
    onLog(level: ThreadLogLevel, event: string, fields: Readonly<Record<string, LogValue>>): void;
  },
) {
  const tick = createTick(now());
  const restarts = createRestartPolicy({ now, random });
  let worker: Worker | undefined;
  let generation = 0;
  let restart: ReturnType<typeof setTimeout> | undefined;
  let watch: ReturnType<typeof setInterval> | undefined;
  let isRestartDisabled = false;
  let onStopped: (() => void) | undefined;

  function spawn(): void {
    const newWorker = takeThread?.() ?? startThread(workerUrl);
    worker = newWorker;
    generation++;
    tick.begin();
    listen(newWorker, { isCurrent: () => worker === newWorker, onMessage: receive, onEnd: died });
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
      events.onLog("error", "The gateway's worker died too often: there is no restart", { cause });
      return events.onGivenUp(next.deaths);
    }
    const { inMs } = next;
    events.onLog("error", "The gateway's worker died: Barnacle restarts it", { cause, inMs });
    restart = setTimeout(spawn, inMs);
  }

  /** Ends a thread that hangs; its `exit` event does the rest. */
  function checkWorker(): void {
    if (!tick.isStalled() || !worker) return;
    events.onLog("error", "The gateway's worker hangs: Barnacle ends it", {});
    events.onWorkerDown();
    void worker.terminate();
  }

  function disableRestarts(): void {
    isRestartDisabled = true;
    clearInterval(watch);
    clearTimeout(restart);
  }

  return {
    /** A 64-bit counter to which the worker writes Unix time in milliseconds. */
    tick: tick.buffer,
    /** Returns the Unix time in milliseconds of the worker's last tick. */
    tickAt: tick.at,
    /** Number of the current or last worker, from 1. */
    get generation() {
      return generation;
    },
    /** Number of workers that died. */
    get deaths() {
      return restarts.deaths;
    },
    /** Creates the first worker. */
    begin(): void {
      watch = setInterval(checkWorker, watchMs);
      spawn();
    },
    /** Sends a message to the worker, if one runs. */
    send,
    /** From now on a worker that dies is not replaced. */
    disableRestarts,
    /** Stops and ends the worker; takes two seconds at most. */
    async stop(): Promise<void> {
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

/** Listens to a worker until it ends. */
function listen(worker: Worker, { isCurrent, onMessage, onEnd }: {
  /** Whether it is still the supervisor's worker; events of others are ignored. */
  isCurrent(): boolean;
  onMessage(message: FromWorker): void;
  onEnd(cause: string): void;
}): void {
  let cause = "it ended by itself";
  worker.on("message", (message: FromWorker) => {
    if (isCurrent()) onMessage(message);
  });
  worker.on("error", (error) => {
    cause = error instanceof Error ? error.name : "an error";
  });
  worker.on("exit", () => {
    if (isCurrent()) onEnd(cause);
  });
}

/** The decision after a death. */
export type Restart =
  | { readonly kind: "restart"; readonly inMs: number }
  /** The worker died too often within {@link DEATHS_MS}. */
  | { readonly kind: "give_up"; readonly deaths: number };

/** Deaths within {@link DEATHS_MS} after which there is no restart. */
export const MAX_DEATHS = 5;
/** Milliseconds for which a death counts. */
export const DEATHS_MS = 10 * 60_000;

const BACKOFF = { minDelayMs: 200, maxDelayMs: 10_000, base: 2 };

export function createRestartPolicy({ now, random }: Clock & { readonly random: () => number }) {
  let recent: readonly number[] = [];
  let deaths = 0;

  return {
    /** Counts a death, and decides. */
    died(): Restart {
      deaths++;
      recent = [...recent.filter((at) => now() - at < DEATHS_MS), now()];
      if (recent.length >= MAX_DEATHS) return { kind: "give_up", deaths: recent.length };
      return { kind: "restart", inMs: backoffMs(recent.length, random(), BACKOFF) };
    },
    get deaths(): number {
      return deaths;
    },
  };
}

/**
 * Checks in a row without a tick, after which the worker counts as hanging. It ticks at least every
 * ten seconds (`TICK_MS` of `shard/shard.ts`).
 */
const MAX_STANDSTILLS = 2;

/**
 * Creates the counter.
 *
 * @param now Unix time in milliseconds, which counts as the first tick.
 */
export function createTick(now: number) {
  const buffer = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
  const counter = new BigInt64Array(buffer);
  Atomics.store(counter, 0, BigInt(now));
  let standstills = 0;
  let last = -1n;

  return {
    /** A 64-bit counter to which the worker writes Unix time in milliseconds. */
    buffer,
    /** Returns the Unix time in milliseconds of the worker's last tick. */
    at: (): number => Number(Atomics.load(counter, 0)),
    /** Records that a new worker starts, so that earlier checks do not count. */
    begin: (): void => void (standstills = 0),
    /** Checks the worker. Returns whether the counter stood still in several checks in a row. */
    isStalled(): boolean {
      const seen = Atomics.load(counter, 0);
      standstills = seen === last ? standstills + 1 : 0;
      last = seen;
      return standstills >= MAX_STANDSTILLS;
    },
  };
}
