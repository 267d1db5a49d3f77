/**
 * Runs the account's connection in the worker, by messages of the main thread. It is one shard: Discord
 * asks for more only above 2,500 servers.
 *
 * `lifecycle/advance.ts` computes the next state and its effects. The machine keeps the state, and
 * carries out each effect before it takes the next event. The socket passes payloads to the receiver.
 * The receiver sorts them into events for the machine and dispatches for the main thread.
 *
 * An unexpected error ends the thread. The main thread then starts another worker from the stored
 * state, which is safer than a shard in an unknown state.
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
  type GatewayCounts,
  type IdentifyWaitReason,
  type OwnVoice,
  type Presence,
} from "../../../core/discord/gateway.ts";
import type { GuildId } from "../../../core/discord/ids.ts";
import { bounded, UNPRINTABLE } from "../../../lib/text/quoted.ts";
import {
  advance,
  DEADLINES,
  hasSocket,
  initialState,
  isOfSession,
  type LifecycleEvent,
  type LifecycleRules,
  type LifecycleState,
  type LostConnection,
  type Now,
  type ShardEffect,
  type SocketEvent,
  wakeAtMs,
} from "../lifecycle/advance.ts";
import { backoffOf, closeLabel, closeLine, SESSION_LOST } from "../lifecycle/close_codes.ts";
import {
  type BatchBounds,
  type CommonOptions,
  createBatches,
  createCounters,
  createPosition,
  type FromWorker,
  type LogValue,
  type PermitAnswer,
  type ThreadLogLevel,
  type ToWorker,
  type WorkerStart,
} from "../link/protocol.ts";
import {
  type DispatchFrame,
  gatewayUrl,
  identifyPayload,
  presencePayload,
  readFrame,
  resumePayload,
  toConnectionState,
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

/** What a shard gets from its thread. */
type ShardContext = {
  readonly post: (message: FromWorker) => void;
  /** Counters of the workers that have died. */
  readonly counts?: GatewayCounts;
  readonly now: () => Now;
  /** Returns a number from 0 up to, but not including, 1. */
  readonly random: () => number;
  /** Calls back once, after `ms` milliseconds; returns a function that cancels. */
  readonly after: (ms: number, callback: () => void) => () => void;
  /** Called at every tick of the machine, to show that the thread runs. */
  readonly onTick: () => void;
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
};

const WAIT_TEXTS: Readonly<Record<IdentifyWaitReason, string>> = {
  spacing: "Not identifying yet: another IDENTIFY was sent within five seconds",
  budget: "Daily IDENTIFY limit almost reached: Barnacle waits before it opens a new session",
};

const HOLE =
  "Discord has forgotten events that the store lost: Barnacle will open a new session, and " +
  "catch-up reads the missing messages";

/** Maximum bytes of a close frame's reason; names of socket errors are shorter. */
const MAX_REASON = 123;

export function createShardReport(
  { token, isConnectionDebug, reconnect }: CommonOptions,
  post: ShardContext["post"],
  counters: ReturnType<typeof createCounters>,
) {
  let reported = "";
  let passedOver = 0;

  function log(level: ThreadLogLevel, event: string, fields: ShardLogFields): void {
    post({ kind: "log", level, event, fields });
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
        ...backoffOf(next.kind, reconnect),
      });
    },
    /** Reports that Discord has forgotten events that the store lost. */
    hole: (): void => log("warn", HOLE, {}),
    /** Sends state and counters if they have changed. */
    update(lifecycle: LifecycleState): void {
      const state = toConnectionState(lifecycle);
      const { failures, phase } = lifecycle;
      const text = JSON.stringify([state, failures]);
      if (text !== reported && phase.kind !== "stopped") {
        reported = text;
        post({ kind: "state", state, failures });
      }
      const counts = counters.changed();
      if (counts) post({ kind: "counts", counts });
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

/**
 * Maximum milliseconds between ticks. Ticks notice that the machine slept, and show that the thread
 * runs. Health checks report a dead thread after three times as long. Each tick of an idle bot
 * costs CPU time.
 */
const TICK_MS = 10_000;

/**
 * Creates the machine in its initial state; it takes no step yet.
 *
 * @param carryOut Carries out an effect; `sessionId` is that of the state before the step.
 */
function createMachine(
  facts: WorkerStart,
  firstRules: LifecycleRules,
  { now, random, after, onTick, tickMs = TICK_MS }: ShardContext,
  carryOut: (effect: ShardEffect, sessionId: string | undefined) => void,
  settled: (state: LifecycleState) => void,
) {
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
      for (const effect of effects) carryOut(effect, sessionId);
      events.shift();
    }
    arm();
    settled(state);
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

/**
 * Creates the function that takes the socket's payloads.
 *
 * @param types Types of the dispatches that Barnacle uses. Of others only the number counts.
 * @returns A function that takes a payload. Payloads of earlier sockets are ignored.
 */
function createReceiver(
  types: readonly string[],
  acknowledge: ShardContext["acknowledge"],
  { machine, position, batches, report, counters }: {
    readonly machine: Machine;
    readonly position: ReturnType<typeof createPosition>;
    readonly batches: ReturnType<typeof createBatches>;
    readonly report: ShardReport;
    readonly counters: ReturnType<typeof createCounters>;
  },
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
    const isTooLarge = text !== undefined && text.length > MAX_CHARS &&
      !type.startsWith("GUILD_") &&
      type !== "READY";
    if (isTooLarge) report.passedOver(`a ${type} of more than 1 MiB`, text);
    const isDropped = !isTooLarge && type === INTERACTION_CREATE && text !== undefined &&
      !acknowledge(text);
    if (text === undefined || isTooLarge || isDropped) return batches.skip(position.received);
    batches.add(text, position.received, isReplayed);
  }

  return receive;
}

export type Open = Extract<ShardEffect, { kind: "open" }>;

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
export function startShard(options: CommonOptions, from: WorkerStart, context: ShardContext) {
  const { post, after } = context;
  const { url, reconnect, deadlines = DEADLINES } = options;
  const counters = createCounters(context.counts);
  const report = createShardReport(options, post, counters);
  const { log, debug } = report;
  const position = createPosition(from);
  let { presence } = options;
  const machine = createMachine(
    from,
    { url, reconnect, deadlines },
    context,
    carryOut,
    (state) => {
      report.update(state);
      voice.flush();
    },
  );
  const batches = createBatches(
    {
      post: (batch) => post({ kind: "batch", batch, arrivedAt: Date.now() }),
      after,
      onFull(isFull) {
        shardSocket.setPaused(isFull);
        debug(isFull ? "Congested: the socket is not read" : "Drained: the socket is read again", {
          held: batches.uncommitted,
        });
        machine.step({ kind: isFull ? "congested" : "drained" });
      },
    },
    from.epoch,
    context.bounds,
  );
  const parts = { machine, position, batches, report, counters };
  const receive = createReceiver(options.dispatches, context.acknowledge, parts);
  const shardSocket = createShardSocket(options, context, machine, report, receive);
  const voice = createVoiceSender({
    after,
    isReady: () => machine.state.phase.kind === "ready",
    send: (own) => shardSocket.send(Op.VoiceStateUpdate, voicePayload(own)),
  });

  /** Carries out an effect; `sessionId` is that of the state before the step. */
  function carryOut(effect: ShardEffect, sessionId: string | undefined): void {
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
        return shardSocket.send(Op.Identify, identifyPayload({ ...options, presence }));
      case "resume": {
        const seq = position.resume();
        debug("RESUME sent, waiting for RESUMED", { seq });
        return shardSocket.send(Op.Resume, resumePayload(options.token, effect.sessionId, seq));
      }
      case "send_presence":
        return shardSocket.send(Op.PresenceUpdate, presencePayload(presence));
      case "heartbeat": {
        const seq = isOfSession(machine.state.phase) ? position.committed : undefined;
        return shardSocket.send(Op.Heartbeat, seq ?? null);
      }
      case "report_heartbeat": {
        report.beat(effect);
        const { latencyMs } = effect;
        if (latencyMs !== undefined) post({ kind: "beat", latencyMs, at: Date.now() });
        return;
      }
      case "report_identify_wait":
        return report.identifyWait(effect.reason, effect.waitMs);
      case "report_lost":
        return report.lost(effect.lost, sessionId);
      case "report_stale":
        return log("warn", SESSION_LOST, { why: "no sign of the session for too long" });
    }
  }

  machine.step({ kind: "start" });

  return {
    /** Records that the main thread has stored everything up to this batch. */
    committed(number: number): void {
      const progress = batches.committed(number);
      if (progress) position.wasCommitted(progress);
    },
    /** Takes the answer to a permit request of this socket; one for an earlier socket is ignored. */
    permit: (socket: number, answer: PermitAnswer): void =>
      machine.step({ socket, kind: "permit", answer }),
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

/** Runs the shard until the thread ends. */
export function serveGateway(port: {
  postMessage(message: FromWorker): void;
  on(event: "message", listener: (message: ToWorker) => void): unknown;
}): void {
  let shard: Shard | undefined;
  let forms: Forms | undefined;
  let limit: InteractionLimit | undefined;
  const post = (message: FromWorker) => port.postMessage(message);

  function start(
    { options, from, counts, tick, forms: offered }: Extract<ToWorker, { kind: "start" }>,
  ): void {
    const callback = createCallback(options, fetch, (outcome, isDone, interactionId) => {
      if (outcome === "403") post({ kind: "refused", interactionId });
      if (isDone && !options.isConnectionDebug) return;
      const level = isDone ? "debug" : "warn";
      const event = isDone
        ? "Interaction acknowledged"
        : "Discord did not accept the first answer to an interaction";
      post({ kind: "log", level, event, fields: { outcome } });
    });
    forms = createForms(callback, Date.now);
    forms.set(offered);
    limit = createInteractionLimit(
      { steadyNow: () => performance.now(), schedule: (run, ms) => after(ms, run) },
      (fields) => {
        const event = "Dropped presses and commands: their people sent too many";
        post({ kind: "log", level: "warn", event, fields });
      },
    );
    const tickAt = new BigInt64Array(tick);
    const onTick = () => void Atomics.store(tickAt, 0, BigInt(Date.now()));
    onTick();
    shard = startShard(options, from, {
      now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }),
      random: Math.random,
      after,
      post,
      onTick,
      counts,
      connect: openPayloadSocket,
      acknowledge: createAcknowledge(callback, forms.pressed, limit.take),
    });
  }

  port.on("message", (message) => {
    switch (message.kind) {
      case "start":
        return start(message);
      case "committed":
        return shard?.committed(message.number);
      case "renew":
        return shard?.renew();
      case "permit":
        return shard?.permit(message.socket, message.answer);
      case "url":
        return shard?.setUrl(message.url);
      case "forms":
        return forms?.set(message.forms);
      case "admit":
        return limit?.admit(message.userId);
      case "presence":
        return shard?.setPresence(message.presence);
      case "voice":
        return shard?.setVoice(message);
      case "stop":
        // A failure would end the thread, which is the purpose.
        return void shard?.stop().then(() => post({ kind: "stopped" }));
    }
  });
}

function after(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}
