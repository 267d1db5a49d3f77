/**
 * Runs one connection to a voice server. It reads the server's messages, in JSON or, for some of
 * end-to-end encryption, in bytes; one state machine decides about the connection (`createGateway`), one
 * about the encryption (`dave.ts`); and `openLink` carries their effects out by a WebSocket and a UDP
 * socket.
 *
 * @see {@link https://docs.discord.com/developers/topics/opcodes-and-status-codes#voice}
 */

import { VoiceOpcodes as OP } from "discord-api-types/voice/v8";
import { createSocket, type Socket } from "node:dgram";
import { readSnowflake, type UserId } from "../../core/discord/ids.ts";
import { schedule } from "../../lib/clock.ts";
import { isRecord, parseForeignJson } from "../../lib/text/quoted.ts";
import type { CallEvent, Pcm, VoiceEnd } from "./line.ts";
import { createDave, type CreateDaveSession, SILENCE } from "./dave.ts";
import type { SoundReceiver } from "./receiver.ts";
import type { Opus } from "./thread.ts";
import {
  chooseMode,
  createTransport,
  discovered,
  discoveryRequest,
  isTransportMode,
  rtpHeader,
  type Transport,
  type TransportMode,
} from "./transport.ts";

export type Guard<Value> = (value: unknown) => value is Value;

// Without a library, which would take 8 MB of the thread.
const number = (value: unknown): value is number => Number.isFinite(value);
const text = (value: unknown): value is string => typeof value === "string";
const user = (value: unknown): value is UserId => readSnowflake(value) !== undefined;
const listOf = <Item>(is: Guard<Item>): Guard<readonly Item[]> => (value) =>
  Array.isArray(value) && value.every(is);
/** Servers without end-to-end encryption leave it out. */
const version = (value: unknown): value is number | undefined =>
  value === undefined || number(value);

/** The fields of each message's `d` that we use. */
const FIELDS = {
  [OP.Ready]: { ssrc: number, ip: text, port: number, modes: listOf(text) },
  [OP.SessionDescription]: {
    ...{ mode: text, secret_key: listOf(number), dave_protocol_version: version },
  },
  [OP.Speaking]: { user_id: user, ssrc: number },
  [OP.HeartbeatAck]: {},
  [OP.Hello]: { heartbeat_interval: number },
  [OP.Resumed]: {},
  [OP.ClientsConnect]: { user_ids: listOf(user) },
  [OP.ClientDisconnect]: { user_id: user },
  [OP.DavePrepareTransition]: { transition_id: number, protocol_version: number },
  [OP.DaveExecuteTransition]: { transition_id: number },
  [OP.DavePrepareEpoch]: { epoch: number, protocol_version: number },
};

/** A message of the voice server in JSON. */
export type JsonMessage = {
  [Op in keyof typeof FIELDS]: {
    readonly op: Op;
    readonly d: {
      readonly [Field in keyof (typeof FIELDS)[Op]]: (typeof FIELDS)[Op][Field] extends
        Guard<infer Value> ? Value : never;
    };
  };
}[keyof typeof FIELDS];

const BINARY = [
  OP.DaveMlsExternalSender,
  OP.DaveMlsProposals,
  OP.DaveMlsAnnounceCommitTransition,
  OP.DaveMlsWelcome,
] as const;

export type ServerMessage =
  | JsonMessage
  /** A message in bytes, after its number and operation. */
  | { readonly op: (typeof BINARY)[number]; readonly content: Uint8Array };

function isJsonMessage(value: unknown): value is JsonMessage {
  if (!isRecord(value)) return false;
  const { op, d } = value;
  const [, fields] = Object.entries(FIELDS).find(([known]) => known === String(op)) ?? [];
  const content = isRecord(d) ? d : {};
  return fields !== undefined &&
    Object.entries(fields).every(([name, is]) => is(content[name]));
}

/** A message as it came. */
interface ReadMessage {
  /** Its number, which a RESUME names. */
  readonly seq?: number | undefined;
  /** Absent: it is unknown, or does not fit. */
  readonly message?: ServerMessage | undefined;
}

export function readServerMessage(data: string | Uint8Array): ReadMessage {
  if (typeof data === "string") {
    const value = parseForeignJson(data);
    const seq = isRecord(value) && typeof value["seq"] === "number" ? value["seq"] : undefined;
    return { seq, message: isJsonMessage(value) ? value : undefined };
  }
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (data.length < 5) return {};
  const seq = view.getUint16(0);
  const op = BINARY.find((known) => known === view.getUint8(2));
  return { seq, message: op && { op, content: data.subarray(3) } };
}

/** What a connection is for. A new server or session is a new connection. */
export interface LinkTarget {
  readonly url: string;
  readonly guildId: string;
  readonly userId: string;
  readonly channelId: string;
  readonly sessionId: string;
  readonly token: string;
}

/** Why a connection is over; after the first two, the main thread asks Discord for another one. */
export type LinkEnd = "refresh" | "disconnected" | VoiceEnd;

type LinkPhase =
  | "waiting"
  | "greeting"
  | "identifying"
  | "discovering"
  | "selecting"
  | "resuming"
  | "ready"
  | "over";

/** Milliseconds for each step of connecting. */
const STEP_MS = 10_000;
/** Milliseconds for the answer to IP discovery, which is asked for again and again. */
export const DISCOVERY_MS = 5_000;
const MAX_FAILURES = 5;
const FIRST_BACKOFF_MS = 500;
const KEY_BYTES = 32;
/** Shortest interval of heartbeats: a server's mistake must not make a flood. */
const MIN_BEAT_MS = 100;

/** What follows a close code; all others: a RESUME. */
const AFTER_CLOSE: readonly (readonly [LinkEnd, ...number[]])[] = [
  ["refresh", 4001, 4002, 4003, 4004, 4005, 4006, 4009, 4011, 4020],
  ["unreachable", 4012, 4016, 4021],
  ["disconnected", 4014, 4022],
  ["no_encryption", 4017],
];

export function createVoiceGateway(target: LinkTarget, effects: {
  readonly now: () => number;
  readonly random: () => number;
  open(): void;
  drop(): void;
  send(op: number, d: unknown): void;
  discover(ssrc: number, ip: string, port: number): void;
  session(mode: TransportMode, key: Uint8Array, daveVersion: number): void;
  pass(message: ServerMessage): void;
  /** Discord repeats its messages. Ours of the moment before may be lost. */
  resumed(): void;
  ended(end: LinkEnd): void;
}) {
  const { now, random, send } = effects;
  let phase: LinkPhase = "waiting";
  let untilMs = Infinity;
  let seqAck = -1;
  let hasSession = false;
  let mode: TransportMode | undefined;
  let failures = 0;
  let beat: { readonly everyMs: number; dueMs: number; isAcked: boolean } | undefined;

  function enter(next: LinkPhase, ms: number): void {
    phase = next;
    untilMs = now() + ms;
  }

  function end(how: LinkEnd): void {
    enter("over", Infinity);
    beat = undefined;
    effects.drop();
    effects.ended(how);
  }

  function open(): void {
    enter("greeting", STEP_MS);
    effects.open();
  }

  function ready(): void {
    enter("ready", Infinity);
    hasSession = true;
  }

  function closed(code?: number): void {
    if (phase === "over") return;
    const [after] = AFTER_CLOSE.find(([, ...codes]) => codes.some((one) => one === code)) ?? [];
    if (after) return end(after);
    failures++;
    if (failures > MAX_FAILURES) return end("refresh");
    enter("waiting", failures === 1 ? 0 : FIRST_BACKOFF_MS * 2 ** (failures - 2));
    beat = undefined;
    effects.drop();
  }

  function greet(intervalMs: number): void {
    const everyMs = Math.max(MIN_BEAT_MS, intervalMs);
    beat = { everyMs, dueMs: now() + everyMs * random(), isAcked: true };
    enter(hasSession ? "resuming" : "identifying", STEP_MS);
    const { guildId: server_id, userId: user_id, sessionId: session_id, token } = target;
    const session = { server_id, session_id, token };
    if (hasSession) send(OP.Resume, { ...session, seq_ack: seqAck });
    else send(OP.Identify, { ...session, user_id, max_dave_protocol_version: 1 });
  }

  return {
    start: open,
    opened: (): void => enter("greeting", STEP_MS),
    closed,
    discovered(address: string, port: number): void {
      if (phase !== "discovering") return;
      enter("selecting", STEP_MS);
      send(OP.SelectProtocol, { protocol: "udp", data: { address, port, mode } });
    },
    dueMs: (): number => Math.min(untilMs, beat?.dueMs ?? Infinity),
    tick(): void {
      if (now() >= untilMs) {
        if (phase === "waiting") open();
        else if (phase === "discovering") end("udp_blocked");
        else closed();
      } else if (beat && now() >= beat.dueMs) {
        if (!beat.isAcked) return closed();
        beat.dueMs += beat.everyMs;
        beat.isAcked = false;
        send(OP.Heartbeat, { t: Math.trunc(now()), seq_ack: seqAck });
      }
    },
    receive({ seq, message }: ReadMessage): void {
      if (phase === "over") return;
      seqAck = seq ?? seqAck;
      if (!message) return;
      switch (message.op) {
        case OP.Hello:
          return phase === "greeting" ? greet(message.d.heartbeat_interval) : undefined;
        case OP.HeartbeatAck:
          if (beat) beat.isAcked = true;
          if (phase === "ready") failures = 0; // some servers break after each RESUME
          return;
        case OP.Ready: {
          if (phase !== "identifying") return;
          const { ssrc, ip, port, modes } = message.d;
          mode = chooseMode(modes);
          if (!mode) return end("unreachable");
          enter("discovering", DISCOVERY_MS);
          return effects.discover(ssrc, ip, port);
        }
        case OP.SessionDescription: {
          const { mode: told, secret_key: key, dave_protocol_version: dave = 0 } = message.d;
          if (phase !== "selecting" || !isTransportMode(told) || key.length !== KEY_BYTES) return;
          ready();
          return effects.session(told, Uint8Array.from(key), dave);
        }
        case OP.Resumed:
          if (phase !== "resuming") return;
          ready();
          return effects.resumed();
        default:
          return effects.pass(message);
      }
    },
  };
}

/** The runtime's clock, chance and sockets; tests give their own. */
export const RUNTIME = {
  /** Unix time in milliseconds that never jumps. */
  now: (): number => performance.timeOrigin + performance.now(),
  after: schedule,
  random: Math.random,
  openWebSocket: (url: string): WebSocket => new WebSocket(url),
  openUdp: (): Socket => createSocket("udp4"),
};

/** Milliseconds between requests of discovery, between checks, and between packets that keep a NAT open. */
const ASK_MS = 500;
const CHECK_MS = 1_000;
const KEEP_ALIVE_MS = 5_000;
/**
 * Longest message in characters or bytes: a group of a thousand people. Parsed JSON takes 20 times as
 * much memory.
 */
const MAX_MESSAGE = 1_000_000;
/** Close code that keeps the session. */
const KEEP_SESSION = 4900;

export type FromLink =
  | Extract<CallEvent, { readonly kind: "ready" }>
  /** `token` is that of its connection: the next one may be on its way to the thread. */
  | { readonly kind: "over"; readonly end: LinkEnd; readonly token: string };

/** Opens a connection. */
export function openLink(
  target: LinkTarget,
  { now, after, random, openWebSocket, openUdp }: typeof RUNTIME,
  createSession: CreateDaveSession,
  { opus, receiver, tell }: {
    readonly opus: { readonly encode: Opus["encode"] };
    readonly receiver: SoundReceiver;
    readonly tell: (told: FromLink) => void;
  },
) {
  let ws: WebSocket | undefined;
  let udp: { readonly socket: Socket; readonly port: number; readonly ip: string } | undefined;
  let transport: Transport | undefined;
  let ssrc = 0;
  let sequence = Math.floor(random() * 0x10000);
  let isSpeaking = false;
  let toldEndToEnd: boolean | undefined;
  const cancels = new Map<string, () => void>();
  const dave = createDave({
    ...target,
    createSession,
    send,
    sendBytes: (op, content) => sendRaw(Uint8Array.of(op, ...content)),
    failed: () => end("no_encryption"),
  });
  const gateway = createVoiceGateway(target, {
    now,
    random,
    open: openSocket,
    drop: () => dropSocket(KEEP_SESSION),
    send,
    discover,
    session(mode, key, daveVersion) {
      transport = createTransport(mode, key);
      dave.start(daveVersion);
      if (!transport) return; // it failed
      plan("check", CHECK_MS, () => dave.tick(now()), true);
      sendSpeaking(); // the server takes no sound of a number that it does not know
      tellReady();
    },
    pass(message) {
      if (message.op === OP.Speaking) receiver.speaks(message.d.ssrc, message.d.user_id);
      if (message.op === OP.ClientDisconnect) receiver.gone(message.d.user_id);
      dave.receive(message);
      if (transport) tellReady();
    },
    resumed() {
      sendSpeaking();
      dave.resumed();
    },
    ended: end,
  });

  /** Tells that sound can be sent, and anew once its encryption is another one. */
  function tellReady(): void {
    if (dave.isEndToEnd() === toldEndToEnd) return;
    toldEndToEnd = dave.isEndToEnd();
    tell({ kind: "ready", isEndToEnd: toldEndToEnd });
  }

  function sendRaw(data: string | Uint8Array<ArrayBuffer>): void {
    if (ws?.readyState === WebSocket.OPEN) ws.send(data);
  }

  function send(op: number, d: unknown): void {
    sendRaw(JSON.stringify({ op, d }));
  }

  function sendSpeaking(): void {
    send(OP.Speaking, { speaking: isSpeaking ? 1 : 0, delay: 0, ssrc });
  }

  /** Plans a task; a later one of the same name replaces it. */
  function plan(name: string, ms: number, run: () => void, repeats = false): void {
    stopTimer(name);
    const task = () => {
      if (repeats) plan(name, ms, run, true);
      run(); // which may stop it
    };
    cancels.set(name, after(task, ms));
  }

  function stopTimer(name: string): void {
    cancels.get(name)?.();
    cancels.delete(name);
  }

  /** Lets the gateway take an event, and plans its next tick. */
  function run(take: () => void): void {
    take();
    const waitMs = gateway.dueMs() - now();
    if (Number.isFinite(waitMs)) plan("gateway", Math.max(0, waitMs), () => run(gateway.tick));
    else stopTimer("gateway");
  }

  function openSocket(): void {
    const socket = openWebSocket(target.url);
    ws = socket;
    socket.binaryType = "arraybuffer";
    const isOurs = () => ws === socket;
    socket.onopen = () => isOurs() && run(gateway.opened);
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (!isOurs()) return;
      const content = typeof data === "string" ? data : new Uint8Array(data);
      if (content.length > MAX_MESSAGE) return end("refresh"); // a RESUME would bring it again
      run(() => gateway.receive(readServerMessage(content)));
    };
    socket.onerror = () => {}; // a close follows
    socket.onclose = ({ code }) => {
      if (!isOurs()) return;
      ws = undefined;
      run(() => gateway.closed(code));
    };
  }

  function dropSocket(code: number): void {
    const socket = ws;
    ws = undefined;
    socket?.close(code);
  }

  function discover(ours: number, ip: string, port: number): void {
    ssrc = ours;
    udp?.socket.close();
    const socket = openUdp();
    udp = { socket, ip, port };
    const ask = () => socket.send(discoveryRequest(ours), port, ip);
    socket.on("error", () => {}); // a lost packet, as on a network that changes
    socket.on("message", (packet, from) => {
      if (from.address !== ip || from.port !== port) return;
      if (transport) return receiver.packet(packet, transport, dave, now());
      const found = discovered(packet, ours);
      if (!found) return;
      stopTimer("discovery");
      plan("alive", KEEP_ALIVE_MS, () => socket.send(new Uint8Array(8), port, ip), true);
      run(() => gateway.discovered(found.address, found.port));
    });
    ask();
    plan("discovery", ASK_MS, ask, true);
  }

  function close(code: number): void {
    for (const name of [...cancels.keys()]) stopTimer(name);
    dropSocket(code);
    udp?.socket.close();
    udp = transport = undefined;
  }

  function end(how: LinkEnd): void {
    close(KEEP_SESSION);
    tell({ kind: "over", end: how, token: target.token });
  }

  run(gateway.start);

  return {
    dave,
    /** Whether frames leave now. Nobody hears those of a call that is empty, so they are left out. */
    canSend: (): boolean => transport !== undefined && (dave.isReady() || dave.isAlone()),
    send(pcm: Pcm | undefined, timestamp: number): void {
      if (!transport || !udp || !dave.isReady()) return;
      const frame = pcm ? dave.encrypt(opus.encode(pcm)) : SILENCE;
      sequence = (sequence + 1) & 0xffff;
      const packet = transport.seal(rtpHeader({ sequence, timestamp, ssrc }), frame);
      udp.socket.send(packet, udp.port, udp.ip);
    },
    speaking(isNow: boolean): void {
      isSpeaking = isNow;
      sendSpeaking();
    },
    /** Ends the connection; no event of it follows. */
    close: (): void => close(1000),
  };
}

export type Link = ReturnType<typeof openLink>;
