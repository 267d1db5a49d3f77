/**
 * One gateway connection: carries out what `reconnect.ts` decides.
 *
 * It owns the socket, the timer and the decompression, and decides nothing. A
 * payload that cannot be read is counted and passed over, for the session goes
 * on without it; only a broken stream ends a connection.
 *
 * @module
 */

import { GatewayOpcodes as Op } from "@discordeno/types";
import { type BatchBounds, createBatches } from "../link/batches.ts";
import { SESSION_LOST } from "../life/close_line.ts";
import type { Connection, openConnection } from "../socket/connection.ts";
import { type DispatchFrame, readFrame } from "../socket/frame.ts";
import {
  DEADLINES,
  type Effect,
  hasSocket,
  isOfSession,
  type LifeEvent,
  type LifeRules,
  newLife,
  type Now,
  type SocketEvent,
  wakeAtMs,
  wantsIdentify,
} from "../life/life.ts";
import { createPosition } from "../link/position.ts";
import type { CommonOptions, PermitAnswer, ShardStart } from "../link/protocol.ts";
import { advance } from "../life/reconnect.ts";
import { INTERACTION_CREATE } from "./acknowledge.ts";
import { createShardReport, type ReportPorts } from "./report.ts";
import type { SocketClose } from "../socket/socket.ts";
import { gatewayUrl, identifyPayload, presencePayload, resumePayload } from "../socket/wire.ts";

export interface ShardPorts extends ReportPorts {
  now(): Now;
  /** From 0 up to, but not including, 1. */
  random(): number;
  /** Calls back once, after so many milliseconds; the answer calls it off. */
  after(ms: number, callback: () => void): () => void;
  /** Called at every tick, every {@link TICK_MS} at least: the thread moves. */
  onTick(): void;
  readonly connect: typeof openConnection;
  /** Takes an INTERACTION_CREATE as it came: Discord waits three seconds for an answer. */
  readonly acknowledge: (dispatch: string) => void;
  /** Milliseconds; for tests. */
  readonly tickMs?: number;
  readonly bounds?: BatchBounds;
}

export interface Shard {
  /** The main thread has stored everything up to this batch. */
  committed(batch: { readonly number: number }): void;
  /** Main's answer to the socket that asked for an IDENTIFY; to another one it is void. */
  permit(socket: number, answer: PermitAnswer): void;
  /** Another shard has the turn to IDENTIFY, for so many milliseconds. */
  hold(forMs: number): void;
  wantsIdentify(): boolean;
  /** Where to connect from now on; a wait or a connection there is goes on. */
  setUrl(url: string): void;
  /** Closes the socket so that the session can be resumed; a second at most. */
  stop(): Promise<void>;
}

/** Any code but 1000 and 1001, with which Discord would end the session. */
const KEEP_SESSION_CODE = 3000;

/**
 * Milliseconds; a machine that has slept is noticed, and the thread seen to move, this often. Health
 * calls the thread dead after three times as long, and each tick of an idle bot costs CPU time.
 */
const TICK_MS = 10_000;

export function startShard(
  { options, shard }: { readonly options: CommonOptions; readonly shard: ShardStart },
  ports: ShardPorts,
): Shard {
  const { counters, post, tickMs = TICK_MS } = ports;
  const { log, debug, ...report } = createShardReport(options, shard.id, ports);
  let rules: LifeRules = {
    url: options.url,
    reconnect: options.reconnect,
    deadlines: options.deadlines ?? DEADLINES,
  };
  const wanted = new Set(options.dispatches);
  const position = createPosition(shard);
  let life = newLife(ports.now(), shard);
  let connection: Connection | undefined;
  /** The goodbye of the socket before; until it is over there is no other. */
  let closing: Promise<void> | undefined;
  let cancel: (() => void) | undefined;
  let armedFor = NaN;
  const events: LifeEvent[] = [];

  const batches = createBatches(
    {
      post: (batch) => post({ kind: "batch", batch }),
      after: ports.after,
      onFull: (isFull) => {
        connection?.setPaused(isFull);
        debug(isFull ? "Congested: the socket is not read" : "Drained: the socket is read again", {
          held: batches.held,
        });
        step({ kind: isFull ? "congested" : "drained" });
      },
    },
    shard.epoch,
    ports.bounds,
  );

  /** Takes a step, and those that its effects bring about after it. */
  function step(event: LifeEvent): void {
    if (events.push(event) > 1) return;
    for (let next = events[0]; next; next = events[0]) {
      const { life: after, effects } = advance(life, next, rules, ports.now(), ports.random());
      const { sessionId } = life.session ?? {};
      life = after;
      for (const effect of effects) carryOut(effect, sessionId);
      events.shift();
    }
    arm();
    report.update(life);
  }

  function carryOut(effect: Effect, sessionId: string | undefined): void {
    switch (effect.kind) {
      case "open":
        if (!closing) return open(effect);
        return void closing.then(() => {
          if (effect.socket === life.socket && hasSocket(life.phase)) open(effect);
        });
      case "drop":
        if (connection) {
          closing = connection.close(KEEP_SESSION_CODE).then(() => void (closing = undefined));
        }
        connection = undefined;
        return;
      case "close":
        debug("Closing, to begin a new session", {});
        return connection?.beginClose(KEEP_SESSION_CODE);
      case "ask_permit":
        debug("Asking for a permit to IDENTIFY", {});
        return post({ kind: "permit_wanted", socket: effect.socket });
      case "identify":
        counters.identified();
        debug("IDENTIFY sent, waiting for READY", {});
        return send(Op.Identify, identifyPayload(options, shard.id));
      case "resume": {
        const seq = position.resume();
        debug("RESUME sent, waiting for RESUMED", { seq });
        return send(Op.Resume, resumePayload(options.token, effect.sessionId, seq));
      }
      case "send_presence":
        return send(Op.PresenceUpdate, presencePayload(options.presence));
      case "heartbeat": {
        return send(
          Op.Heartbeat,
          (isOfSession(life.phase) ? position.committed : undefined) ?? null,
        );
      }
      case "report_beat": {
        const { kind: _, ...beat } = effect;
        report.beat(beat);
        return post({ kind: "beat", ...beat });
      }
      case "report_flood":
        return log("warn", "Discord asks for more heartbeats than may be sent", {});
      case "report_held":
        return report.held(effect.hold, effect.waitMs);
      case "report_lost":
        return report.lost(effect.lost, sessionId);
      case "report_stale":
        return log("warn", SESSION_LOST, { why: "not heard of for too long" });
    }
  }

  function open({ socket: number, url: address, intent }: Extract<Effect, { kind: "open" }>): void {
    const on = (event: SocketEvent) => step({ socket: number, ...event });
    const gone = (close: SocketClose) => {
      connection = undefined;
      on({ kind: "closed", ...close });
    };
    try {
      const url = gatewayUrl(address, options.compress);
      const { proxy } = options;
      debug("Connecting: name look-up, TCP, TLS, upgrade", {
        host: url.host,
        intent,
        ...(proxy !== undefined && { proxy: new URL(proxy).host }),
      });
      connection = ports.connect({
        url,
        compress: options.compress,
        tcpKeepaliveSec: options.tcpKeepaliveSec,
        connectTimeoutMs: rules.deadlines.connectMs,
        ...(proxy !== undefined && { proxy }),
      }, {
        onOpen: () => {
          debug("Connected, waiting for HELLO", {});
          on({ kind: "opened" });
        },
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
        if (isOfSession(life.phase)) return dispatch(frame);
        return report.passedOver("a dispatch before READY", text);
      case "event":
        if (frame.event.kind === "hello") debug("HELLO", { intervalMs: frame.event.intervalMs });
        return step({ socket: number, ...frame.event });
      case "ready":
        if (life.phase.kind !== "identifying") return report.passedOver("READY out of turn", text);
        position.begin(frame.seq);
        batches.newEpoch(frame.session);
        step({ socket: number, kind: "ready", ...frame.session });
        log("info", "Discord began a new session: the bot is online", {});
        return dispatch(frame);
      case "resumed":
        if (life.phase.kind !== "resuming") {
          if (isOfSession(life.phase)) return dispatch(frame); // an earlier one, replayed
          return report.passedOver("RESUMED out of turn", text);
        }
        noteHole(frame.seq);
        counters.resumeEnded("resumed");
        step({ socket: number, kind: "resumed" });
        log("info", "Discord resumed the session: the bot is online", {});
        return dispatch(frame);
      case "unreadable":
        return report.passedOver(frame.why, text);
    }
  }

  function noteHole(seq: number): void {
    if (!position.leavesHole(seq)) return;
    batches.hole();
    report.hole();
    step({ socket: life.socket, kind: "hole" });
  }

  function dispatch({ type, seq, text }: DispatchFrame): void {
    const isReplayed = life.phase.kind === "resuming";
    counters.dispatched(type, isReplayed);
    debug("Dispatch", { type, seq });
    noteHole(seq);
    if (isReplayed && seq <= position.received) return; // it is in a batch already
    position.receive(seq);
    if (type === INTERACTION_CREATE && text !== undefined) ports.acknowledge(text);
    if (text === undefined) batches.skip(position.received);
    else batches.add(text, position.received);
  }

  function send(op: number, d: unknown): void {
    connection?.send(JSON.stringify({ op, d }));
  }

  /** Plans the next tick: when something is due, or in {@link TICK_MS}. */
  function arm(): void {
    const wakeAt = wakeAtMs(life);
    if (wakeAt === armedFor || life.phase.kind === "stopped") return;
    armedFor = wakeAt;
    cancel?.();
    const inMs = Math.max(1, Math.min(tickMs, Math.ceil(wakeAt - ports.now().monotonicMs)));
    cancel = ports.after(inMs, () => {
      armedFor = NaN;
      ports.onTick();
      step({ kind: "tick" });
    });
  }

  step({ kind: "start" });

  return {
    committed({ number }) {
      const progress = batches.committed(number);
      if (progress) position.wasCommitted(progress);
    },
    permit(socket, answer) {
      const isVoid = socket !== life.socket || life.phase.kind !== "permitting";
      debug(isVoid ? "A permit came too late" : "A permit was answered", { answer: answer.kind });
      step({ socket, kind: "permit", answer });
    },
    hold: (forMs) => step({ kind: "held", forMs }),
    wantsIdentify: () => wantsIdentify(life),
    setUrl(url) {
      rules = { ...rules, url };
    },
    async stop() {
      cancel?.();
      step({ kind: "stop" });
      await closing;
      batches.close();
      report.update(life);
    },
  };
}
