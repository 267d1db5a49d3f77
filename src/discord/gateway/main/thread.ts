/**
 * Runs the gateway from the main thread: passes on its events, and reports commits to it.
 *
 * The socket is in a thread of its own, so that no work of the bot can delay a heartbeat. A worker
 * starts without a past. After a death, the next one resumes from what this file keeps.
 *
 * Workers and sessions restart their own numbers. So every batch gets a ticket, which is unique for
 * the life of the process. After a worker died, its successor resumes from the committed number,
 * and drops the dispatches that the main thread has received. So events without an id of their own
 * take effect once (G5b).
 *
 * An error of the worker, an exit that was not requested, and a hanging thread all count as death. The
 * worker writes the time to shared memory, and the main thread reads it without a message. The delay
 * before a restart grows with each death of the last minutes. After too many deaths there is no
 * restart: the process should end rather than seem connected.
 */

import type { Worker } from "node:worker_threads";
import {
  type ConnectionState,
  type GatewayStats,
  type OwnVoice,
  type Presence,
  SPACING_MS,
} from "../../../core/discord/gateway.ts";
import type { OfferedForm } from "../../../core/people/question.ts";
import type { Clock } from "../../../lib/clock.ts";
import { backoffMs } from "../../../lib/network/backoff.ts";
import { DOWN_IDENTIFY_SPACING_MS, type FinalPlan } from "../lifecycle/advance.ts";
import {
  type Batch,
  type DispatchBatch,
  type FromWorker,
  type GatewayOptions,
  NO_COUNTS,
  type PermitAnswer,
  type ResumePoint,
  type ToWorker,
} from "../link/protocol.ts";
import { startThread } from "./early_thread.ts";

/** Why the account never connects again. */
export type GatewayFinal =
  /** Discord refuses the account (exit 77), or Barnacle gave up (exit 75 with `exit`). */
  | FinalPlan
  /** The worker died too often (exit 75). */
  | { readonly kind: "worker_died"; readonly deaths: number };

/** What the gateway tells its owner. */
export type GatewayEvent =
  | { readonly kind: "batch"; readonly batch: DispatchBatch }
  /** The state may be the same again. */
  | { readonly kind: "state"; readonly state: ConnectionState }
  /**
   * A permit to IDENTIFY is asked for. The owner answers each by one {@link Gateway.permit}, in
   * order, and stores a granted IDENTIFY first. With `isPreview`, the worker only asks whether it
   * would get one.
   */
  | { readonly kind: "permit_wanted"; readonly isPreview: boolean }
  | { readonly kind: "final"; readonly final: GatewayFinal }
  | Extract<FromWorker, { readonly kind: "beat" | "refused" | "log" }>;

/** @param ticketsBefore Number of tickets that earlier gateways of the account have given. */
export function startGateway(
  options: GatewayOptions,
  tell: (event: GatewayEvent) => void,
  { workerUrl, takeThread, now, random, watchMs = WATCH_MS }: Clock & {
    /** The worker's module. It is at the top of `src/`, because a compiled binary finds no other. */
    readonly workerUrl: URL;
    /** Returns a thread that is already loaded; without one, one is created. */
    readonly takeThread?: () => Worker | undefined;
    /** Returns a number from 0 up to, but not including, 1. */
    readonly random: () => number;
    /** Milliseconds between two checks of the worker; for tests. */
    readonly watchMs?: number;
  },
  ticketsBefore?: number,
) {
  const { session, identifyInMs, ...common } = options;
  const batches = createBatchTracker(session, ticketsBefore);
  const tick = createTick(now());
  const died = createRestartPolicy({ now, random });
  let { url, presence } = options;
  /** Whether an earlier process began the session, perhaps with another presence. */
  let isInherited = session !== undefined;
  let isPresenceChanged = false;
  let forms: readonly OfferedForm[] = [];
  let counts = NO_COUNTS;
  let state: ConnectionState = { state: "connecting", readyAt: now(), isDown: false };
  let failures = 0;
  let grantedAt = -Infinity;
  /** Open requests for permits, oldest first, by the numbers of worker and socket. */
  const asked: { readonly worker: number; readonly socket: number }[] = [];
  let worker: Worker | undefined;
  let generation = 0;
  let restart: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  let onStopped: (() => void) | undefined;

  function log(level: "debug" | "error", event: string, fields = {}): void {
    tell({ kind: "log", level, event, fields });
  }

  /** Keeps the time of the last readiness, which a worker that is not ready cannot tell. */
  function setState(reported: ConnectionState): void {
    const readyAt = state.state === "ready" ? now() : state.readyAt;
    state = reported.state === "ready" ? reported : { ...reported, readyAt };
    tell({ kind: "state", state });
  }

  /** No worker does its work any more; it may have been told before. */
  function workerDown(): void {
    setState({ state: "connecting", readyAt: state.readyAt, isDown: state.isDown });
  }

  function send(message: ToWorker): void {
    worker?.postMessage(message);
  }

  function spawn(): void {
    const own = takeThread?.() ?? startThread(workerUrl);
    let cause = "it ended by itself";
    worker = own;
    generation++;
    tick.begin();
    own.on("message", (message: FromWorker) => {
      if (worker === own) receive(message);
    });
    own.on("error", (error) => cause = error instanceof Error ? error.name : "an error");
    own.on("exit", () => {
      if (worker === own) onDeath(cause);
    });
    const from = {
      ...batches.point(),
      identifyInMs: generation === 1 ? identifyInMs : identifyLeftMs(),
      failures,
      isDown: state.isDown,
      mustSendPresence: isInherited || isPresenceChanged, // a worker that died may not have sent it
    };
    if (common.isConnectionDebug) {
      const isResuming = from.session !== undefined;
      log("debug", "The gateway's worker starts", { generation, isResuming });
    }
    const current = { ...common, url, presence };
    send({ kind: "start", options: current, from, counts, tick: tick.buffer, forms });
  }

  /** Milliseconds until another IDENTIFY may be sent. */
  function identifyLeftMs(): number {
    const spacingMs = state.isDown ? DOWN_IDENTIFY_SPACING_MS : SPACING_MS;
    return Math.min(Math.max(0, grantedAt + spacingMs - now()), spacingMs);
  }

  function onDeath(cause: string): void {
    worker = undefined;
    onStopped?.();
    if (isOver) return;
    workerDown();
    const { deaths, inMs } = died();
    if (inMs === undefined) {
      end();
      log("error", "The gateway's worker died too often: there is no restart", { cause });
      return tell({ kind: "final", final: { kind: "worker_died", deaths } });
    }
    log("error", "The gateway's worker died: Barnacle restarts it", { cause, inMs });
    restart = setTimeout(spawn, inMs);
  }

  /** Ends a thread that hangs; its `exit` event does the rest. */
  const watch = setInterval(() => {
    if (!tick.isStalled() || !worker) return;
    log("error", "The gateway's worker hangs: Barnacle ends it");
    workerDown();
    void worker.terminate();
  }, watchMs);

  /** From now on a worker that dies is not replaced. */
  function end(): void {
    isOver = true;
    clearInterval(watch);
    clearTimeout(restart);
  }

  function receive(message: FromWorker): void {
    switch (message.kind) {
      case "batch": {
        const batch = batches.receive(message.batch, generation);
        if (batch.session) isInherited = false;
        return tell({ kind: "batch", batch: { ...batch, arrivedAt: message.arrivedAt } });
      }
      case "state":
        ({ failures } = message);
        return setState(message.state);
      case "permit_wanted":
        asked.push({ worker: generation, socket: message.socket });
        return tell({ kind: "permit_wanted", isPreview: message.isPreview ?? false });
      case "final":
        if (isOver) return;
        end();
        return tell({ kind: "final", final: message.plan });
      case "counts":
        return void (counts = message.counts);
      case "stopped":
        return onStopped?.();
      default:
        return tell(message);
    }
  }

  spawn();

  return {
    /** Records that everything up to the batch with this ticket is stored. */
    committed(ticket: number): void {
      const number = batches.committed(ticket, generation);
      if (number !== undefined) send({ kind: "committed", number });
    },
    lastTicket: batches.lastTicket,
    /** Replaces the session, because an event of it could not be read. */
    renew(): void {
      batches.lacksEvent();
      send({ kind: "renew" });
    },
    /** Answers the oldest open request. An answer to a dead worker or socket is ignored. */
    permit(answer: PermitAnswer): void {
      const request = asked.shift();
      if (request && answer.kind === "granted") grantedAt = now();
      if (request?.worker !== generation) return;
      send({ kind: "permit", socket: request.socket, answer });
    },
    /**
     * Changes the gateway's URL, for IDENTIFYs, and for sessions without a URL of their own. It does
     * not end a wait or a connection.
     */
    setUrl(newUrl: string): void {
      url = newUrl;
      send({ kind: "url", url });
    },
    /** Replaces the forms that people may open; the thread opens them when their button is pressed. */
    setForms(offered: readonly OfferedForm[]): void {
      forms = offered;
      send({ kind: "forms", forms });
    },
    /** Takes the interactions of an owner or approver, however many others send. */
    admit: (userId: string): void => send({ kind: "admit", userId }),
    /** Shows another presence, also after a reconnect and in the next worker. */
    setPresence(changed: Presence): void {
      presence = changed;
      isPresenceChanged = true;
      send({ kind: "presence", presence });
    },
    /** Joins or leaves a voice channel. A worker that dies meanwhile forgets it. */
    setVoice: (own: OwnVoice): void => send({ kind: "voice", ...own }),
    stats: (): GatewayStats => ({
      ...counts,
      tickAt: tick.at(),
      compression: options.compress ? "zlib-stream" : "none",
    }),
    /** Closes the socket so that the session stays resumable; takes two seconds at most. */
    async stop(): Promise<void> {
      end();
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

export type Gateway = ReturnType<typeof startGateway>;

const WATCH_MS = 15_000;

const STOP_MS = 2_000;

/** Deaths within {@link DEATHS_MS} after which there is no restart. */
const MAX_DEATHS = 5;
/** Milliseconds for which a death counts. */
const DEATHS_MS = 10 * 60_000;

const BACKOFF = { minDelayMs: 200, maxDelayMs: 10_000, base: 2 };

/** @returns Counts a death, and tells how often the worker died lately and when to restart it. */
function createRestartPolicy({ now, random }: Clock & { readonly random: () => number }) {
  let recent: readonly number[] = [];
  /** @returns Milliseconds until the restart; absent if there is none. */
  return (): { readonly deaths: number; readonly inMs?: number } => {
    recent = [...recent.filter((at) => now() - at < DEATHS_MS), now()];
    const { length: deaths } = recent;
    if (deaths >= MAX_DEATHS) return { deaths };
    return { deaths, inMs: backoffMs(deaths, random(), BACKOFF) };
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
function createTick(now: number) {
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

/** @param tickets Number of those that earlier threads have given. */
export function createBatchTracker(stored: GatewayOptions["session"], tickets = 0) {
  let point: ResumePoint = stored
    ? { session: stored, epoch: 0, seqCommitted: stored.seq }
    : { epoch: 0 };
  /** `worker` is the number of the worker that sent it. */
  let waiting: (Pick<DispatchBatch, "ticket" | "number" | "epoch" | "seq"> & {
    readonly worker: number;
  })[] = [];

  function lacksEvent(): void {
    if (point.session) point = { ...point, session: { ...point.session, hasHole: true } };
  }

  return {
    /** Records a batch and gives it a ticket; `worker` is the number of the worker that sent it. */
    receive(batch: Batch, worker: number): Omit<DispatchBatch, "arrivedAt"> {
      const { number, epoch, seq, session, afterHole } = batch;
      // The main thread has a session only with its READY. Without READY's batch the store would have
      // nothing of it (T0), and yet the next worker would resume it.
      if (session) point = { session, epoch };
      if (point.epoch === epoch) {
        if (afterHole && !session) lacksEvent(); // a new session lacks nothing
        point = { ...point, seqReceived: Math.max(point.seqReceived ?? 0, seq) };
      }
      const ticket = ++tickets;
      waiting.push({ ticket, worker, number, epoch, seq });
      return { ...batch, ticket };
    },
    /** Records a commit up to a ticket. Returns the last number of the current `worker` in it. */
    committed(upTo: number, worker: number): number | undefined {
      const settled = waiting.filter(({ ticket }) => ticket <= upTo);
      waiting = waiting.filter(({ ticket }) => ticket > upTo);
      for (const { epoch, seq } of settled) {
        if (point.epoch !== epoch || !point.session) continue;
        point = {
          ...point,
          session: { ...point.session, seq: Math.max(point.session.seq, seq) },
          seqCommitted: Math.max(point.seqCommitted ?? 0, seq),
        };
      }
      return settled.findLast((one) => one.worker === worker)?.number;
    },
    /** Records that the session lacks an event, for the next worker. */
    lacksEvent,
    /** The point from which the next worker continues the session. */
    point: (): ResumePoint => point,
    /** The newest ticket; 0 before the first. */
    lastTicket: (): number => tickets,
  };
}
