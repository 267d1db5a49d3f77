/**
 * Runs the account's shards in the worker, by messages of the main thread.
 *
 * `lifecycle/advance.ts` computes the next state of a shard and its effects. The machine keeps the
 * state, and passes each effect to its handler before it takes the next event. The socket passes
 * payloads to the receiver. The receiver sorts them into events for the machine and dispatches for
 * the main thread.
 *
 * An unexpected error of any shard ends the thread. The main thread then starts another worker from
 * the stored state, which is safer than a shard in an unknown state.
 *
 * Discord accepts one IDENTIFY in five seconds for each `id % maxConcurrency`. The main thread alone
 * decides, by the stored record. This file only keeps shards from opening a socket that would have
 * to wait.
 *
 * A payload that cannot be read is counted and skipped, because the session continues without it.
 * Only a broken stream ends a connection.
 *
 * It opens a socket only after the one before is closed.
 *
 * Each lost connection is one line at `info` that explains why it ended (G3). With
 * `connection_debug`, further lines show each step (G10). No line contains the token, a session id
 * or people's messages. So Discord's texts are bounded, and token and session id are removed.
 */

import { GatewayOpcodes as Op } from "@discordeno/types";
import {
  type IdentifyWaitReason,
  type OwnVoice,
  type Presence,
  SPACING_MS,
} from "../../../core/discord/gateway.ts";
import { type GuildId, shardOf } from "../../../core/discord/ids.ts";
import { createEmitter } from "../../../lib/emitter.ts";
import { bounded, UNPRINTABLE } from "../../../lib/text/quoted.ts";
import {
  advance,
  DEADLINES,
  type Effect,
  hasSocket,
  initialState,
  isClosedAlive,
  isOfSession,
  type LifecycleEvent,
  type LifecycleRules,
  type LifecycleState,
  type LostConnection,
  type Now,
  type SocketEvent,
  type StartFacts,
  wakeAtMs,
  wantsIdentify,
} from "../lifecycle/advance.ts";
import { backoffOf, closeLabel, closeLine, SESSION_LOST } from "../lifecycle/close_codes.ts";
import {
  type BatchBounds,
  type CommonOptions,
  createBatches,
  createCounters,
  createPosition,
  type FromShard,
  type FromWorker,
  type LogValue,
  type PermitAnswer,
  type ShardStart,
  type ThreadLogLevel,
  type ToWorker,
} from "../link/protocol.ts";
import {
  type DispatchFrame,
  gatewayUrl,
  identifyPayload,
  presencePayload,
  readFrame,
  resumePayload,
  toShardState,
  voicePayload,
} from "../socket/frame.ts";
import { openPayloadSocket, type PayloadSocket } from "../socket/socket.ts";
import type { SocketClose } from "../socket/socket.ts";
import {
  createAcknowledge,
  createCallback,
  createForms,
  createInteractionLimit,
  type Forms,
  INTERACTION_CREATE,
  type InteractionLimit,
} from "./acknowledge.ts";

type ShardLogFields = Readonly<Record<string, LogValue>>;

interface ShardContext {
  post(message: FromShard): void;
  postFromWorker(message: FromWorker): void;
  readonly counters: ReturnType<typeof createCounters>;
  now(): Now;
  /** Returns a number from 0 up to, but not including, 1. */
  random(): number;
  /** Calls back once, after `ms` milliseconds; returns a function that cancels. */
  after(ms: number, callback: () => void): () => void;
  /** Called at every tick of the machine, to show that the thread runs. */
  onTick(): void;
  readonly connect: typeof openPayloadSocket;
  /**
   * Takes an INTERACTION_CREATE as JSON. Discord waits three seconds for an answer.
   *
   * @returns Whether the main thread gets it.
   */
  readonly acknowledge: (dispatch: string) => boolean;
  /** Bounds of the uncommitted dispatches; absent for the default. */
  readonly bounds?: BatchBounds;
  /** Maximum milliseconds between ticks; for tests. */
  readonly tickMs?: number;
}

const WAIT_TEXTS: Readonly<Record<IdentifyWaitReason, string>> = {
  spacing: "Not identifying yet: another IDENTIFY was sent within five seconds",
  budget: "Daily IDENTIFY limit almost reached: this shard waits before it opens a new session",
};

const HOLE =
  "Discord has forgotten events that the store lost: Barnacle will open a new session, and " +
  "catch-up reads the missing messages";

/** Maximum bytes of a close frame's reason; names of socket errors are shorter. */
const MAX_REASON = 123;

export function createShardReport(
  { token, shardCount, isConnectionDebug, reconnect }: CommonOptions,
  shardId: number,
  { post, postFromWorker, counters }: {
    readonly post: ShardContext["post"];
    readonly postFromWorker: ShardContext["postFromWorker"];
    readonly counters: ShardContext["counters"];
  },
) {
  let reported = "";
  let passedOver = 0;

  function log(level: ThreadLogLevel, event: string, fields: ShardLogFields): void {
    const own: ShardLogFields = shardCount > 1 ? { shard: shardId } : {};
    postFromWorker({ kind: "log", level, event, fields: { ...own, ...fields } });
  }

  function debug(event: string, fields: ShardLogFields): void {
    if (isConnectionDebug) log("debug", event, fields);
  }

  return {
    log,
    /** Writes a log line if `connection_debug` is on. */
    debug,
    /** Reports a heartbeat; without `latencyMs` Discord did not acknowledge it. */
    beat({ lateMs, latencyMs }: { readonly lateMs: number; readonly latencyMs?: number }): void {
      const late = { lateMs: Math.round(lateMs) };
      if (latencyMs === undefined) return debug("Heartbeat not acknowledged", late);
      debug("Heartbeat acknowledged", { ...late, latencyMs: Math.round(latencyMs) });
    },
    identifyWait(reason: IdentifyWaitReason, waitMs: number): void {
      if (reason === "budget") return log("warn", WAIT_TEXTS.budget, { waitMs });
      debug(WAIT_TEXTS.spacing, { waitMs: Math.round(waitMs) });
    },
    /** Tells of a skipped payload: logs every power of two, so that a flood cannot fill the log. */
    passedOver(why: string, { length }: string): void {
      passedOver++;
      if (!Number.isInteger(Math.log2(passedOver))) return;
      log("warn", "Skipped a payload from Discord that Barnacle cannot read", {
        why,
        length,
        passedOver,
      });
    },
    /** Reports a lost connection; `sessionId` is that of the state before. */
    lost(lost: LostConnection, sessionId: string | undefined): void {
      const { cause, during, next, attempt } = lost;
      const label = closeLabel(cause);
      counters.disconnected(label);
      if (during === "resuming") {
        const isLate = cause.kind === "late";
        const isInvalid = cause.kind === "invalid_session";
        counters.resumeEnded(isInvalid ? "invalid" : isLate ? "timeout" : "closed");
      }
      const reason = withoutSecrets(reasonOf(cause), [token, sessionId ?? ""]);
      log("info", closeLine(lost), {
        cause: label,
        phase: during,
        ...(reason !== "" && { reason: bounded(reason, MAX_REASON) }),
      });
      if (lost.isSessionLost) {
        const why = lost.isResumeGivenUp ? `${lost.failedResumes} RESUMEs in a row failed` : label;
        log("warn", SESSION_LOST, { why });
      }
      if (next.kind === "stop" || next.kind === "give_up") {
        return post({ kind: "final", plan: next });
      }
      debug("Back-off", {
        next: next.kind,
        attempt,
        inMs: Math.round(next.delayMs),
        ...backoffOf(next.kind, reconnect, isClosedAlive(lost.cause, lost.livedMs)),
      });
    },
    /** Reports that Discord has forgotten events that the store lost. */
    hole: (): void => log("warn", HOLE, {}),
    /** Sends state and counters if they have changed. */
    update(lifecycle: LifecycleState): void {
      const state = toShardState(lifecycle);
      const { failures, phase } = lifecycle;
      const text = JSON.stringify([state, failures]);
      if (text !== reported && phase.kind !== "stopped") {
        reported = text;
        post({ kind: "state", state, failures });
      }
      const counts = counters.changed();
      if (counts) postFromWorker({ kind: "counts", counts });
    },
  };
}

type ShardReport = ReturnType<typeof createShardReport>;

/** The text of Discord's close frame. All other reasons are in the line itself. */
function reasonOf(cause: LostConnection["cause"]): string {
  return cause.kind === "closed" && cause.code !== undefined ? cause.reason : "";
}

/** Removes secrets, and characters that a terminal would execute, or that reorder text. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret !== "")
    .reduce((left, secret) => left.replaceAll(secret, "…"), text)
    .replace(UNPRINTABLE, " ");
}

interface MachineEvents {
  /** Executes an effect; `sessionId` is that of the state before the step. */
  effect(effect: Effect, sessionId: string | undefined): void;
  settled(state: LifecycleState): void;
}

/**
 * Maximum milliseconds between ticks. Ticks notice that the machine slept, and show that the thread
 * runs. Health checks report a dead thread after three times as long. Each tick of an idle bot
 * costs CPU time.
 */
const TICK_MS = 10_000;

/** Creates the machine in its initial state; it takes no step yet. */
function createMachine(
  facts: StartFacts,
  firstRules: LifecycleRules,
  { now, random, after, onTick, tickMs = TICK_MS }: ShardContext,
) {
  const emitter = createEmitter<MachineEvents>();
  let rules = firstRules;
  let state = initialState(now(), facts);
  let cancel: (() => void) | undefined;
  let armedFor = NaN;
  const events: LifecycleEvent[] = [];

  function step(event: LifecycleEvent): void {
    if (events.push(event) > 1) return;
    for (let next = events[0]; next; next = events[0]) {
      const { state: newState, effects } = advance(state, next, rules, now(), random());
      const { sessionId } = state.session ?? {};
      state = newState;
      for (const effect of effects) emitter.emit.effect(effect, sessionId);
      events.shift();
    }
    arm();
    emitter.emit.settled(state);
  }

  /** Plans the next tick: at the next deadline, or in {@link TICK_MS}. */
  function arm(): void {
    const wakeAt = wakeAtMs(state);
    if (wakeAt === armedFor || state.phase.kind === "stopped") return;
    armedFor = wakeAt;
    cancel?.();
    const inMs = Math.max(1, Math.min(tickMs, Math.ceil(wakeAt - now().monotonicMs)));
    cancel = after(inMs, () => {
      armedFor = NaN;
      onTick();
      step({ kind: "tick" });
    });
  }

  return {
    connect: emitter.connect,
    get state(): LifecycleState {
      return state;
    },
    isInUse: (socket: number): boolean => socket === state.socket && hasSocket(state.phase),
    /** Takes a step for an event, and for the events that its effects cause. */
    step,
    setUrl(url: string): void {
      rules = { ...rules, url };
    },
    /** Takes the last step, and cancels the timer. */
    stop(): void {
      cancel?.();
      step({ kind: "stop" });
    },
  };
}

type Machine = ReturnType<typeof createMachine>;

/**
 * Maximum length of a dispatch, except those that describe guilds. A message at all of Discord's
 * limits has a tenth of it. In both threads together, a text of 15 MiB would take 250 MiB.
 */
const MAX_CHARS = 1 << 20;

interface ShardParts extends ShardContext {
  readonly machine: Machine;
  readonly position: ReturnType<typeof createPosition>;
  readonly batches: ReturnType<typeof createBatches>;
  readonly report: ShardReport;
}

/**
 * Creates the function that takes the socket's payloads.
 *
 * @param types Types of the dispatches that Barnacle uses. Of others only the number counts.
 * @returns A function that takes a payload. Payloads of earlier sockets are ignored.
 */
function createReceiver(
  types: readonly string[],
  { machine, position, batches, report, counters, acknowledge }: ShardParts,
): (text: string, socket: number) => void {
  const wanted = new Set(types);

  function receive(text: string, socket: number): void {
    if (!machine.isInUse(socket)) return;
    const { phase } = machine.state;
    const frame = readFrame(text, wanted);
    switch (frame.kind) {
      case "dispatch":
        if (isOfSession(phase)) return dispatch(frame);
        return report.passedOver("a dispatch before READY", text);
      case "event": {
        const { event } = frame;
        if (event.kind === "hello") report.debug("HELLO", { intervalMs: event.intervalMs });
        return machine.step({ socket, ...event });
      }
      case "ready":
        if (phase.kind !== "identifying") return report.passedOver("READY out of turn", text);
        position.begin(frame.seq);
        batches.newEpoch(frame.session);
        machine.step({ socket, kind: "ready", ...frame.session });
        report.log("info", "Discord began a new session: the bot is online", {});
        return dispatch(frame);
      case "resumed":
        if (phase.kind !== "resuming") {
          if (isOfSession(phase)) return dispatch(frame); // a replayed RESUMED
          return report.passedOver("RESUMED out of turn", text);
        }
        recordHole(frame.seq);
        counters.resumeEnded("resumed");
        machine.step({ socket, kind: "resumed" });
        report.log("info", "Discord resumed the session: the bot is online", {});
        return dispatch(frame);
      case "unreadable":
        return report.passedOver(frame.why, text);
    }
  }

  function recordHole(seq: number): void {
    if (!position.leavesHole(seq)) return;
    batches.hole();
    report.hole();
    machine.step({ kind: "hole" });
  }

  function dispatch({ type, seq, text }: DispatchFrame): void {
    const isReplayed = machine.state.phase.kind === "resuming";
    report.debug("Dispatch", { type, seq });
    recordHole(seq);
    if (isReplayed && seq <= position.received) return; // an earlier batch has it
    position.receive(seq);
    batches.replayed(isReplayed);
    const isTooLarge = text !== undefined && text.length > MAX_CHARS &&
      !type.startsWith("GUILD_") &&
      type !== "READY";
    if (isTooLarge) report.passedOver(`a ${type} of more than 1 MiB`, text);
    const isDropped = !isTooLarge && type === INTERACTION_CREATE && text !== undefined &&
      !acknowledge(text);
    if (text === undefined || isTooLarge || isDropped) return batches.skip(position.received);
    batches.add(text, position.received);
  }

  return receive;
}

export type Open = Extract<Effect, { kind: "open" }>;

/** Close code that keeps the session. With 1000 or 1001 Discord would end it. */
const KEEP_SESSION_CODE = 3000;

/** Creates the socket of a shard; it has no socket yet. */
function createShardSocket(
  { compress, proxy, tcpKeepaliveSec, userAgent, deadlines = DEADLINES }: CommonOptions,
  { connect }: ShardContext,
  { isInUse, step }: Machine,
  { debug }: ShardReport,
  receive: ReturnType<typeof createReceiver>,
) {
  let connection: PayloadSocket | undefined;
  /** The end of the socket before. */
  let closing: Promise<void> | undefined;

  function openNow({ socket, url: address, intent }: Open): void {
    const emit = (event: SocketEvent) => step({ socket, ...event });
    const onClosed = (close: SocketClose) => {
      connection = undefined;
      emit({ kind: "closed", ...close });
    };
    try {
      const url = gatewayUrl(address, compress);
      debug("Connecting: name look-up, TCP, TLS, upgrade", {
        host: url.host,
        intent,
        ...(proxy !== undefined && { proxy: new URL(proxy).host }),
      });
      connection = connect({
        url,
        compress,
        tcpKeepaliveSec,
        connectTimeoutMs: deadlines.connectMs,
        userAgent,
        proxy,
      }, {
        onOpen: () => {
          debug("Connected, waiting for HELLO", {});
          emit({ kind: "opened" });
        },
        onText: (text) => receive(text, socket),
        onGarbled: (reason) => emit({ kind: "garbled", reason }),
        onClose: onClosed,
      });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      onClosed({ reason: error.message }); // the token must not be sent to this URL
    }
  }

  return {
    open(effect: Open): void {
      if (!closing) return openNow(effect);
      void closing.then(() => {
        if (isInUse(effect.socket)) openNow(effect);
      });
    },
    /** Sends a payload. Does nothing without an open socket. */
    send: (op: number, d: unknown): void => connection?.send(JSON.stringify({ op, d })),
    setPaused: (isPaused: boolean): void => connection?.setPaused(isPaused),
    /** Sends the close frame, and reads until Discord has closed, too. */
    beginClose: (): void => connection?.beginClose(KEEP_SESSION_CODE),
    /** Closes the socket; no event of it follows. */
    drop(): void {
      if (connection) {
        closing = connection.close(KEEP_SESSION_CODE).then(() => void (closing = undefined));
      }
      connection = undefined;
    },
    closed: async (): Promise<void> => await closing,
  };
}

type ShardSocket = ReturnType<typeof createShardSocket>;

const VOICE_LIMIT = { max: 10, everyMs: 60_000 };

function createVoiceSender({ after, isReady, send }: {
  readonly after: ShardContext["after"];
  readonly isReady: () => boolean;
  readonly send: (own: OwnVoice) => void;
}) {
  const waiting = new Map<GuildId, OwnVoice>();
  const cancels = new Set<() => void>();

  function flush(): void {
    for (const [guildId, own] of waiting) {
      if (cancels.size >= VOICE_LIMIT.max || !isReady()) return;
      waiting.delete(guildId);
      const cancel = after(VOICE_LIMIT.everyMs, () => {
        cancels.delete(cancel);
        flush();
      });
      cancels.add(cancel);
      send(own);
    }
  }

  return {
    add(own: OwnVoice): void {
      waiting.set(own.guildId, own);
      flush();
    },
    flush,
    stop: (): void => cancels.forEach((cancel) => cancel()),
  };
}

/** Starts a shard; it connects at once. */
export function startShard(
  { options, shard }: { readonly options: CommonOptions; readonly shard: ShardStart },
  context: ShardContext,
) {
  const { post } = context;
  const { url, reconnect, deadlines = DEADLINES } = options;
  const report = createShardReport(options, shard.id, context);
  const { debug } = report;
  const position = createPosition(shard);
  const machine = createMachine(shard, { url, reconnect, deadlines }, context);
  const batches = createBatches(
    {
      post: (batch) => post({ kind: "batch", batch }),
      after: context.after,
      onFull(isFull) {
        shardSocket.setPaused(isFull);
        debug(isFull ? "Congested: the socket is not read" : "Drained: the socket is read again", {
          held: batches.uncommitted,
        });
        machine.step({ kind: isFull ? "congested" : "drained" });
      },
    },
    shard.epoch,
    context.bounds,
  );
  let { presence } = options;
  const parts = { ...context, machine, position, batches, report };
  const receive = createReceiver(options.dispatches, parts);
  const shardSocket = createShardSocket(options, context, machine, report, receive);
  const voice = createVoiceSender({
    after: context.after,
    isReady: () => machine.state.phase.kind === "ready",
    send: (own) => shardSocket.send(Op.VoiceStateUpdate, voicePayload(own)),
  });

  machine.connect({
    effect: createEffects(options, shard.id, { ...parts, shardSocket, presence: () => presence }),
    settled(state) {
      report.update(state);
      voice.flush();
    },
  });
  machine.step({ kind: "start" });

  return {
    /** Records that the main thread has stored everything up to this batch. */
    committed({ number }: { readonly number: number }): void {
      const progress = batches.committed(number);
      if (progress) position.wasCommitted(progress);
    },
    /** Takes the answer to a permit request of this socket; one for an earlier socket is ignored. */
    permit(socket: number, answer: PermitAnswer): void {
      const { socket: inUse, phase } = machine.state;
      const isAwaited = phase.kind === "permitting" || (phase.kind === "ready" && phase.isAsking);
      const isVoid = socket !== inUse || !isAwaited;
      debug(isVoid ? "A permit came too late" : "A permit was answered", { answer: answer.kind });
      machine.step({ socket, kind: "permit", answer });
    },
    /** Delays an IDENTIFY, because another shard is about to send one. */
    delayIdentify: (forMs: number): void => machine.step({ kind: "identify_delayed", forMs }),
    wantsIdentify: (): boolean => wantsIdentify(machine.state),
    /** Begins a new session, as soon as it may IDENTIFY: this one lacks an event. */
    renew(): void {
      const event = "Barnacle will open a new session, which may bring what it could not read";
      report.log("warn", event, {});
      machine.step({ kind: "hole" });
    },
    setUrl: machine.setUrl,
    /** Shows another presence, also after each reconnect. */
    setPresence(changed: Presence): void {
      presence = changed;
      machine.step({ kind: "presence_changed" });
    },
    /** Joins or leaves a voice channel, once the session is ready. */
    setVoice: (own: OwnVoice): void => voice.add(own),
    /** Closes the socket so that the session stays resumable; takes a second at most. */
    async stop(): Promise<void> {
      voice.stop();
      machine.stop();
      await shardSocket.closed();
      batches.close();
      report.update(machine.state);
    },
  };
}

export type Shard = ReturnType<typeof startShard>;

/**
 * Creates the executor of a shard's effects.
 *
 * @returns A function that executes one effect; `sessionId` is that of the state before the step.
 */
function createEffects(
  options: CommonOptions,
  shardId: number,
  { shardSocket, machine, position, report, counters, presence, post }: ShardParts & {
    readonly shardSocket: ShardSocket;
    readonly presence: () => Presence;
  },
): (effect: Effect, sessionId: string | undefined) => void {
  const { log, debug } = report;

  return (effect, sessionId) => {
    switch (effect.kind) {
      case "open":
        return shardSocket.open(effect);
      case "drop":
        return shardSocket.drop();
      case "close":
        debug("Closing, to begin a new session", {});
        return shardSocket.beginClose();
      case "ask_permit":
        debug("Asking for a permit to IDENTIFY", {});
        return post({ ...effect, kind: "permit_wanted" });
      case "identify":
        counters.identified();
        debug("IDENTIFY sent, waiting for READY", {});
        return shardSocket.send(
          Op.Identify,
          identifyPayload({ ...options, presence: presence() }, shardId),
        );
      case "resume": {
        const seq = position.resume();
        debug("RESUME sent, waiting for RESUMED", { seq });
        return shardSocket.send(Op.Resume, resumePayload(options.token, effect.sessionId, seq));
      }
      case "send_presence":
        return shardSocket.send(Op.PresenceUpdate, presencePayload(presence()));
      case "heartbeat": {
        const seq = isOfSession(machine.state.phase) ? position.committed : undefined;
        return shardSocket.send(Op.Heartbeat, seq ?? null);
      }
      case "report_heartbeat": {
        const { kind: _, ...beat } = effect;
        report.beat(beat);
        return post({ kind: "beat", ...beat });
      }
      case "report_flood":
        return log("warn", "Discord asks for more heartbeats than may be sent", {});
      case "report_identify_wait":
        return report.identifyWait(effect.reason, effect.waitMs);
      case "report_lost":
        return report.lost(effect.lost, sessionId);
      case "report_stale":
        return log("warn", SESSION_LOST, { why: "no sign of the session for too long" });
    }
  };
}

/**
 * Runs shards until the thread ends.
 */
export function serveGateway(port: {
  postMessage(message: FromWorker): void;
  on(event: "message", listener: (message: ToWorker) => void): unknown;
}): void {
  const shards = new Map<number, Shard>();
  let maxConcurrency = 1;
  let shardCount = 1;
  let forms: Forms | undefined;
  let limit: InteractionLimit | undefined;
  let isOver = false;

  function start(
    { options, shards: starts, tick, forms: offered }: Extract<ToWorker, { kind: "start" }>,
  ): void {
    maxConcurrency = Math.max(1, options.maxConcurrency ?? 1);
    ({ shardCount } = options);
    const counters = createCounters();
    const callback = createCallback(options, fetch, (outcome, isDone, interactionId) => {
      if (outcome === "403") port.postMessage({ kind: "refused", interactionId });
      if (isDone && !options.isConnectionDebug) return;
      const level = isDone ? "debug" : "warn";
      const event = isDone
        ? "Interaction acknowledged"
        : "Discord did not accept the first answer to an interaction";
      port.postMessage({ kind: "log", level, event, fields: { outcome } });
    });
    forms = createForms(callback, Date.now);
    forms.set(offered);
    limit = createInteractionLimit(
      { steadyNow: () => performance.now(), schedule: (run, ms) => after(ms, run) },
      (fields) => {
        const event = "Dropped presses and commands: their people sent too many";
        port.postMessage({ kind: "log", level: "warn", event, fields });
      },
    );
    const acknowledge = createAcknowledge(callback, forms.pressed, limit.take);
    const tickAt = new BigInt64Array(tick);
    const onTick = () => void Atomics.store(tickAt, 0, BigInt(Date.now()));
    onTick();
    for (const shard of spaceIdentifies(starts, maxConcurrency)) {
      if (isOver) return;
      const { id } = shard;
      const ports = {
        now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }),
        random: Math.random,
        after,
        post: (message: FromShard) => postFromShard(id, message),
        postFromWorker: (message: FromWorker) => port.postMessage(message),
        onTick,
        connect: openPayloadSocket,
        acknowledge,
        counters,
      };
      shards.set(id, startShard({ options, shard }, ports));
    }
  }

  function postFromShard(shardId: number, message: FromShard): void {
    port.postMessage({ ...message, shardId, sentAt: Date.now() });
    if (message.kind !== "final") return;
    isOver = true;
    void endAll(); // if one shard cannot go on, neither can its account
  }

  function permit({ shardId, socket, answer }: Extract<ToWorker, { kind: "permit" }>): void {
    shards.get(shardId)?.permit(socket, answer);
    if (answer.kind !== "granted") return;
    const others = [...shards].map(([id, { wantsIdentify }]) => ({
      id,
      wantsIdentify: wantsIdentify(),
    }));
    for (const [id, forMs] of identifyDelays(shardId, others, maxConcurrency)) {
      shards.get(id)?.delayIdentify(forMs);
    }
  }

  /** Stops all shards. If that fails, the error ends the thread, which is the purpose. */
  function endAll(): Promise<unknown> {
    return Promise.all([...shards.values()].map((shard) => shard.stop())).catch(
      (error: unknown) => {
        queueMicrotask(() => {
          throw error;
        });
      },
    );
  }

  port.on("message", (message) => {
    switch (message.kind) {
      case "start":
        return start(message);
      case "committed":
        return shards.get(message.shardId)?.committed(message);
      case "renew":
        return shards.get(message.shardId)?.renew();
      case "permit":
        return permit(message);
      case "url":
        return shards.forEach((shard) => shard.setUrl(message.url));
      case "forms":
        return forms?.set(message.forms);
      case "admit":
        return limit?.admit(message.userId);
      case "presence":
        return shards.forEach((shard) => shard.setPresence(message.presence));
      case "voice":
        return shards.get(shardOf(message.guildId, shardCount))?.setVoice(message);
      case "stop":
        return void endAll().then(() => port.postMessage({ kind: "stopped" }));
    }
  });
}

function after(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}

/** Delays the shards that identify at the start, so that they do so one after the other. */
export function spaceIdentifies(
  shards: readonly ShardStart[],
  maxConcurrency: number,
): readonly ShardStart[] {
  const freeAt = new Map<number, number>();
  return shards.map((shard) => {
    if (shard.session) return shard;
    const key = shard.id % maxConcurrency;
    const identifyInMs = Math.max(shard.identifyInMs, freeAt.get(key) ?? 0);
    freeAt.set(key, identifyInMs + SPACING_MS);
    return { ...shard, identifyInMs };
  });
}

/** A shard that may have to wait for another one's IDENTIFY. */
interface IdentifyCandidate {
  readonly id: number;
  readonly wantsIdentify: boolean;
}

/**
 * Computes how long other shards wait after a shard got its permit.
 *
 * @param granted Number of the shard that got the permit.
 * @returns Milliseconds by shard. Shards that want to identify wait one after the other.
 */
export function identifyDelays(
  granted: number,
  shards: readonly IdentifyCandidate[],
  maxConcurrency: number,
): ReadonlyMap<number, number> {
  const isSameKey = ({ id }: IdentifyCandidate) =>
    id !== granted && id % maxConcurrency === granted % maxConcurrency;
  let forMs = 0;
  return new Map(
    shards.filter(isSameKey).map(({ id, wantsIdentify }) => [
      id,
      wantsIdentify ? forMs += SPACING_MS : SPACING_MS,
    ]),
  );
}
