/**
 * One gateway connection: carries out what `reconnect.ts` decides.
 *
 * It owns the socket, the timer and the decompression, and decides nothing. A
 * payload that cannot be read is counted and passed over, for the session goes
 * on without it; only a broken stream ends a connection. Nothing that is logged
 * here holds the token or what people write.
 *
 * @module
 */

import { GatewayOpcodes as Op } from "@discordeno/types";
import { type BatchBounds, createBatches } from "./batches.ts";
import { closeLabel, closeLine, SESSION_LOST } from "./close_line.ts";
import { type Connection, openConnection } from "./connection.ts";
import type { Counters } from "./counts.ts";
import { readFrame } from "./frame.ts";
import {
  DEADLINES,
  type Effect,
  hasSocket,
  type LifeEvent,
  type LifeRules,
  type Lost,
  newLife,
  type Now,
  type SocketEvent,
  wakeAtMs,
} from "./life.ts";
import type { FromWorker, GatewayOptions, LogLevel, LogValue } from "./protocol.ts";
import { advance } from "./reconnect.ts";
import type { SocketClose } from "./socket.ts";
import { gatewayUrl, identifyPayload, resumePayload, toShardState } from "./wire.ts";

export interface ShardPorts {
  now(): Now;
  /** From 0 up to, but not including, 1. */
  random(): number;
  /** Calls back once, after so many milliseconds; the answer calls it off. */
  after(ms: number, callback: () => void): () => void;
  post(message: FromWorker): void;
  /** Called at every tick, once a second at least: the thread moves. */
  onTick(): void;
  readonly counters: Counters;
  readonly bounds?: BatchBounds;
}

/** Where a shard that takes another one's place goes on. */
export interface ShardStart {
  readonly options: GatewayOptions;
  readonly epoch: number;
  readonly identifyInMs: number;
}

export interface Shard {
  /** The main thread has stored everything up to this batch. */
  committed(batch: { readonly number: number; readonly epoch: number; readonly seq: number }): void;
  /** Where to connect from now on; a wait or a connection there is goes on. */
  setUrl(url: string): void;
  /** Closes the socket so that the session can be resumed; a second at most. */
  stop(): Promise<void>;
}

/** Any code but 1000 and 1001, with which Discord would end the session. */
const KEEP_SESSION_CODE = 3000;

/** Milliseconds; a clock that was set is noticed, and the thread seen to move, this often. */
const TICK_MS = 1_000;

export function startShard({ options, epoch, identifyInMs }: ShardStart, ports: ShardPorts): Shard {
  const { counters } = ports;
  let rules: LifeRules = {
    url: options.url,
    reconnect: options.reconnect,
    deadlines: options.deadlines ?? DEADLINES,
  };
  const wanted = new Set(options.dispatches);
  let life = newLife(ports.now(), options.session, identifyInMs);
  /** Of the last dispatch received. */
  let seq = options.session?.seq ?? 0;
  /** READY's: where RESUME goes from until more is committed. */
  let begunSeq = seq;
  let committedSeq = options.session?.seq;
  let connection: Connection | undefined;
  let closing: Promise<void> = Promise.resolve();
  let callOff: (() => void) | undefined;
  let armedFor = NaN;
  let reported = "";
  const events: LifeEvent[] = [];

  const batches = createBatches(
    {
      post: (batch) => ports.post({ kind: "batch", batch }),
      after: ports.after,
      onFull: (isFull) => {
        connection?.setPaused(isFull);
        step({ kind: isFull ? "congested" : "drained" });
      },
    },
    epoch,
    ports.bounds,
  );

  /** Takes a step, and those that its effects bring about after it. */
  function step(event: LifeEvent): void {
    if (events.push(event) > 1) return;
    for (let next = events[0]; next; next = events[0]) {
      const { life: after, effects } = advance(life, next, rules, ports.now(), ports.random());
      life = after;
      for (const effect of effects) carryOut(effect);
      events.shift();
    }
    arm();
    report();
  }

  function carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "open":
        return open(effect.socket, effect.url, effect.intent);
      case "drop":
        closing = connection?.close(KEEP_SESSION_CODE) ?? Promise.resolve();
        connection = undefined;
        return;
      case "identify":
        counters.identified();
        debug("IDENTIFY sent", {});
        return send(Op.Identify, identifyPayload(options));
      case "resume": {
        const from = committedSeq ?? begunSeq;
        debug("RESUME sent", { seq: from });
        return send(Op.Resume, resumePayload(options.token, effect.sessionId, from));
      }
      case "heartbeat":
        return send(Op.Heartbeat, life.phase.kind === "identifying" ? null : committedSeq ?? null);
      case "report_beat": {
        const { kind: _, ...beat } = effect;
        debug("Heartbeat", beat);
        return ports.post({ kind: "beat", ...beat });
      }
      case "report_lost":
        return reportLost(effect.lost);
      case "report_stale":
        return log("warn", SESSION_LOST, { why: "not heard of for too long" });
    }
  }

  function open(number: number, address: string, intent: string): void {
    const on = (event: SocketEvent) => step({ socket: number, ...event });
    const gone = (close: SocketClose) => {
      connection = undefined;
      on({ kind: "closed", ...close });
    };
    try {
      const url = gatewayUrl(address, options.compress);
      debug("Connecting", { host: url.host, intent });
      connection = openConnection({
        url,
        compress: options.compress,
        tcpKeepaliveSec: options.tcpKeepaliveSec,
        connectTimeoutMs: rules.deadlines.connectMs,
      }, {
        onOpen: () => on({ kind: "opened" }),
        onText: (text) => receive(text, number),
        onGarbled: (reason) => on({ kind: "garbled", reason }),
        onClose: gone,
      });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      gone({ reason: error.message }); // an address that the token may not be sent to
    }
  }

  function receive(text: string, number: number): void {
    if (number !== life.socket || !hasSocket(life.phase)) return;
    const frame = readFrame(text, wanted);
    switch (frame.kind) {
      case "dispatch":
        return dispatch(frame);
      case "event":
        return step({ socket: number, ...frame.event });
      case "ready":
        if (life.phase.kind !== "identifying") return;
        seq = frame.seq;
        begunSeq = seq;
        committedSeq = undefined;
        batches.newEpoch(frame.session);
        epoch++;
        step({ socket: number, kind: "ready", ...frame.session });
        log("info", "Discord began a new session: the bot is online", {});
        return dispatch(frame);
      case "resumed":
        if (life.phase.kind !== "resuming") return;
        counters.resumeEnded("resumed");
        step({ socket: number, kind: "resumed" });
        log("info", "Discord resumed the session: the bot is online", {});
        return dispatch(frame);
      case "unreadable":
        counters.unparsable();
        return log("warn", "Passed over what Discord sent, for it could not be read", {
          why: frame.why,
          length: text.length,
        });
      case "nothing":
        return;
    }
  }

  /** Dispatches before READY are of no session, and count for none. */
  function dispatch({ type, seq: itsSeq, text }: Dispatch): void {
    if (life.phase.kind !== "ready" && life.phase.kind !== "resuming") return;
    const isReplayed = life.phase.kind === "resuming";
    counters.dispatched(type, isReplayed);
    debug("Dispatch", { type, seq: itsSeq });
    if (isReplayed && itsSeq <= seq) return; // it is in a batch that is still to be committed
    seq = Math.max(seq, itsSeq);
    if (text === undefined) batches.skip(seq);
    else batches.add(text, seq);
  }

  function send(op: number, d: unknown): void {
    connection?.send(JSON.stringify({ op, d }));
  }

  function reportLost(lost: Lost): void {
    const { cause, during } = lost;
    counters.disconnected(closeLabel(cause));
    if (during === "resuming") {
      counters.resumeEnded(
        cause.kind === "invalid_session" ? "invalid" : cause.kind === "late" ? "timeout" : "closed",
      );
    }
    log("info", closeLine(lost), { cause: closeLabel(cause), phase: during });
    if (lost.isSessionLost) log("warn", SESSION_LOST, { why: closeLabel(cause) });
    if (lost.next.kind === "stop" || lost.next.kind === "give_up") {
      ports.post({ kind: "final", plan: lost.next });
    }
  }

  /** Plans the next tick: when something is due, or in a second. */
  function arm(): void {
    const wakeAt = wakeAtMs(life);
    if (wakeAt === armedFor || life.phase.kind === "stopped") return;
    armedFor = wakeAt;
    callOff?.();
    const inMs = Math.max(1, Math.min(TICK_MS, Math.ceil(wakeAt - ports.now().monotonicMs)));
    callOff = ports.after(inMs, () => {
      armedFor = NaN;
      ports.onTick();
      step({ kind: "tick" });
    });
  }

  function report(): void {
    const state = toShardState(life);
    const text = JSON.stringify(state);
    if (text !== reported && life.phase.kind !== "stopped") {
      reported = text;
      ports.post({ kind: "state", state });
    }
    const counts = counters.changed();
    if (counts) ports.post({ kind: "counts", counts });
  }

  function log(level: LogLevel, event: string, fields: Readonly<Record<string, LogValue>>): void {
    ports.post({ kind: "log", level, event, fields });
  }

  function debug(event: string, fields: Readonly<Record<string, LogValue>>): void {
    if (options.isConnectionDebug) log("debug", event, fields);
  }

  step({ kind: "start" });

  return {
    committed(batch) {
      if (batch.epoch === epoch) committedSeq = Math.max(committedSeq ?? 0, batch.seq);
      batches.committed(batch.number);
    },
    setUrl(url) {
      rules = { ...rules, url };
    },
    async stop() {
      callOff?.();
      step({ kind: "stop" });
      await closing;
      batches.close();
      const counts = counters.changed();
      if (counts) ports.post({ kind: "counts", counts });
      ports.post({ kind: "stopped" });
    },
  };
}

/** As much of a frame as the batches want to know. */
interface Dispatch {
  readonly type: string;
  readonly seq: number;
  readonly text?: string;
}
