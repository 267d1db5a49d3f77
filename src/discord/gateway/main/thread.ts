/**
 * Runs the gateway from the main thread: passes on its shards' events, and reports commits to them.
 *
 * The sockets are in a thread of their own, so that no work of the bot can delay a heartbeat. One
 * thread runs all shards of the account. After a death, the next worker resumes from the stored
 * state.
 *
 * Workers and sessions restart their own numbers. So every batch gets a ticket, which is unique for
 * the life of the process. After a worker died, its successor resumes from the committed number,
 * and drops the dispatches that the main thread has received. So events without an id of their own
 * take effect once (G5b).
 *
 * A worker starts without a past. This file keeps what its predecessor reported.
 *
 * An error of the worker, an exit that was not requested, and a hanging thread all count as death. The
 * worker writes the time to shared memory, and the main thread reads it without a message. The delay
 * before a restart grows with each death of the last minutes. After too many deaths there is no
 * restart: the process should end rather than seem connected.
 */

import type { Worker } from "node:worker_threads";
import {
  type GatewayStats,
  type OwnVoice,
  type Presence,
  type ShardState,
  SPACING_MS,
} from "../../../core/discord/gateway.ts";
import type { OfferedForm } from "../../../core/people/question.ts";
import type { Clock } from "../../../lib/clock.ts";
import { backoffMs } from "../../../lib/network/backoff.ts";
import { DOWN_IDENTIFY_SPACING_MS, type FinalPlan } from "../lifecycle/advance.ts";
import {
  type Batch,
  createTotals,
  type DispatchBatch,
  type FromShard,
  type FromWorker,
  type GatewayOptions,
  type LogValue,
  type PermitAnswer,
  type ResumePoint,
  type ShardOptions,
  type ShardStart,
  type ThreadLogLevel,
  type ToWorker,
} from "../link/protocol.ts";
import { startThread } from "./early_thread.ts";

interface SupervisorPorts extends Clock {
  /** The worker's module. It is at the top of `src/`, because a compiled binary finds no other. */
  readonly workerUrl: URL;
  /** Returns a thread that is already loaded; without one the supervisor creates it. */
  readonly takeThread?: () => Worker | undefined;
  /** Returns a number from 0 up to, but not including, 1. */
  random(): number;
  /** Milliseconds between two checks of the worker; for tests. */
  readonly watchMs?: number;
}

const WATCH_MS = 15_000;

const STOP_MS = 2_000;

/** Creates a supervisor; `begin` creates the worker. */
function createSupervisor(
  { workerUrl, takeThread, now, random, watchMs = WATCH_MS }: SupervisorPorts,
  events: {
    start(): ToWorker;
    onMessage(message: FromWorker): void;
    /** No worker does its work any more. Called at once, sometimes twice. */
    onWorkerDown(): void;
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
    get deaths() {
      return restarts.deaths;
    },
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

/** The point from which a shard continues its session, in another worker, too. */
interface ShardResumePoint extends ResumePoint {
  /** Whether an earlier process began the session. */
  readonly isInherited: boolean;
}

interface TrackedBatch {
  readonly ticket: number;
  readonly shardId: number;
  readonly worker: number;
  readonly number: number;
  readonly epoch: number;
  readonly seq: number;
}

const NO_SESSION: ShardResumePoint = { epoch: 0, isInherited: false };

/** @param tickets Number of those that earlier threads have given. */
export function createBatchTracker(shards: readonly ShardOptions[], tickets = 0) {
  const resumePoints = new Map(shards.map(({ id, session }): [number, ShardResumePoint] => [
    id,
    session ? { session, epoch: 0, seqCommitted: session.seq, isInherited: true } : NO_SESSION,
  ]));
  const waiting: TrackedBatch[] = [];

  const resumePointOf = (shardId: number): ShardResumePoint =>
    resumePoints.get(shardId) ?? NO_SESSION;

  return {
    /** Records a batch and gives it a ticket; `worker` is the number of the worker that sent it. */
    receive(batch: Batch, shardId: number, worker: number): Omit<DispatchBatch, "arrivedAt"> {
      const { number, epoch, seq, session, afterHole } = batch;
      // The main thread has a session only with its READY. Without READY's batch the store would have
      // nothing of it (T0), and yet the next worker would resume it.
      if (session) resumePoints.set(shardId, { session, epoch, isInherited: false });
      const resumePoint = resumePointOf(shardId);
      if (resumePoint.epoch === epoch) {
        resumePoints.set(shardId, {
          ...resumePoint,
          ...(afterHole && resumePoint.session &&
            { session: { ...resumePoint.session, hasHole: true } }),
          seqReceived: Math.max(resumePoint.seqReceived ?? 0, seq),
        });
      }
      const ticket = ++tickets;
      waiting.push({ ticket, shardId, worker, number, epoch, seq });
      return { ...batch, shardId, ticket };
    },
    /** Records a commit up to a ticket. Returns the messages about it for the current `worker`. */
    committed(ticket: number, worker: number): readonly Extract<ToWorker, { kind: "committed" }>[] {
      const settled = waiting.splice(0, countUpTo(waiting, ticket));
      for (const entry of settled) {
        const resumePoint = resumePointOf(entry.shardId);
        if (resumePoint.epoch !== entry.epoch || !resumePoint.session) continue;
        const seq = Math.max(resumePoint.session.seq, entry.seq);
        const seqCommitted = Math.max(resumePoint.seqCommitted ?? 0, entry.seq);
        resumePoints.set(entry.shardId, {
          ...resumePoint,
          session: { ...resumePoint.session, seq },
          seqCommitted,
        });
      }
      return lastOfEach(settled.filter((entry) => entry.worker === worker))
        .map(({ shardId, number }) => ({ kind: "committed", shardId, number }));
    },
    /** Records that the shard's session lacks an event, for the next worker. */
    lacksEvent(shardId: number): void {
      const resumePoint = resumePointOf(shardId);
      if (!resumePoint.session) return;
      const session = { ...resumePoint.session, hasHole: true } as const;
      resumePoints.set(shardId, { ...resumePoint, session });
    },
    resumePointOf,
    seqCommitted(): ReadonlyMap<number, number> {
      const committedSeqs = [...resumePoints].flatMap((
        [id, { seqCommitted }],
      ): [number, number][] => seqCommitted === undefined ? [] : [[id, seqCommitted]]);
      return new Map(committedSeqs);
    },
    /** The newest ticket; 0 before the first. */
    lastTicket: (): number => tickets,
    get uncommitted(): number {
      return waiting.length;
    },
  };
}

function countUpTo(entries: readonly TrackedBatch[], ticket: number): number {
  const index = entries.findIndex((entry) => entry.ticket > ticket);
  return index < 0 ? entries.length : index;
}

function lastOfEach(entries: readonly TrackedBatch[]): readonly TrackedBatch[] {
  return [...new Map(entries.map((entry) => [entry.shardId, entry])).values()];
}

interface PermitRequest {
  /** Number of the worker that asked. */
  readonly generation: number;
  /** Number of the socket that asked. */
  readonly socket: number;
}

interface ShardView {
  readonly options: ShardOptions;
  state: ShardState;
  failures: number;
  grantedAt: number;
  /** Open requests, oldest first. */
  readonly permitRequests: PermitRequest[];
}

/**
 * Creates the views of an account's shards.
 *
 * @param now Returns the Unix time in milliseconds.
 * @param onState Called with each reported state, which may be the same again.
 */
function createShardViews(
  shards: readonly ShardOptions[],
  now: Clock["now"],
  onState: (shardId: number, state: ShardState) => void,
) {
  const views = new Map(shards.map((options): [number, ShardView] => [options.id, {
    options,
    state: { state: "connecting", readyAt: now(), isDown: false },
    failures: 0,
    grantedAt: -Infinity,
    permitRequests: [],
  }]));

  /** Keeps the time at which the shard was last ready, which a worker that is not ready cannot tell. */
  function set(view: ShardView, reported: ShardState): void {
    const readyAt = view.state.state === "ready" ? now() : view.state.readyAt;
    view.state = reported.state === "ready" ? reported : { ...reported, readyAt };
    onState(view.options.id, view.state);
  }

  /** Drops heartbeats and waits, because no worker runs. */
  function unserved(view: ShardView, state: "connecting" | "fatal"): void {
    const { readyAt, isDown } = view.state;
    set(view, { state, readyAt, isDown });
  }

  return {
    has: (shardId: number): boolean => views.has(shardId),
    /** Returns the state from which a worker starts each shard; `isFirst` for the first worker. */
    starts: (
      resumePointOf: (shardId: number) => ShardResumePoint,
      isFirst: boolean,
    ): readonly ShardStart[] =>
      Array.from(views.values(), (view) => {
        const identifyInMs = isFirst ? view.options.identifyInMs : identifyLeftMs(view, now());
        return toStart(view, resumePointOf(view.options.id), identifyInMs);
      }),
    setState(shardId: number, state: ShardState, failures: number): void {
      const view = views.get(shardId);
      if (!view) return;
      view.failures = failures;
      set(view, state);
    },
    /** Records that no worker runs, so that no shard is connected. */
    workerDown(): void {
      for (const view of views.values()) unserved(view, "connecting");
    },
    /** Records that a shard will not connect again, and so neither will the others. */
    ended(shardId: number): void {
      for (const [id, view] of views) {
        if (id !== shardId) unserved(view, "fatal");
      }
    },
    permitRequested: (shardId: number, request: PermitRequest): void =>
      void views.get(shardId)?.permitRequests.push(request),
    /**
     * Takes the answer to a shard's oldest open request.
     *
     * @returns That request; `undefined` if there is none.
     */
    permitAnswered(shardId: number, answer: PermitAnswer): PermitRequest | undefined {
      const view = views.get(shardId);
      const request = view?.permitRequests.shift();
      if (view && request && answer.kind === "granted") view.grantedAt = now();
      return request;
    },
  };
}

/** Milliseconds until a shard may IDENTIFY again. */
function identifyLeftMs({ state, grantedAt }: ShardView, now: number): number {
  const spacingMs = state.isDown ? DOWN_IDENTIFY_SPACING_MS : SPACING_MS;
  return Math.min(Math.max(0, grantedAt + spacingMs - now), spacingMs);
}

function toStart(
  { options: { id }, state: { isDown }, failures }: ShardView,
  { session, epoch, seqCommitted, seqReceived, isInherited }: ShardResumePoint,
  identifyInMs: number,
): ShardStart {
  return {
    id,
    session,
    identifyInMs,
    epoch,
    seqCommitted,
    seqReceived,
    failures,
    isDown,
    mustSendPresence: isInherited,
  };
}

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
