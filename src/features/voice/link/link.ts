/**
 * Runs one connection to a voice server: its WebSocket, its UDP socket, and the state machines between
 * them. The machines decide; here are only their effects.
 */

import { createSocket, type Socket } from "node:dgram";
import { VoiceOpcodes as OP } from "discord-api-types/voice/v8";
import { schedule, type StartTimer } from "../../../lib/clock.ts";
import type { CallEvents, Pcm } from "../line/call.ts";
import { createDave, type DavePorts, SILENCE } from "./dave.ts";
import {
  createTransport,
  discovered,
  discoveryRequest,
  rtpHeader,
  type Transport,
} from "./wire/transport.ts";
import type { SoundReceiver } from "./receiver.ts";
import { createGateway, type LinkEnd, type LinkTarget } from "./gateway.ts";
import { readServerMessage } from "./wire/messages.ts";
import type { Opus } from "./thread.ts";

/** The runtime's clock, chance and sockets; tests give their own. */
export interface LinkRuntime extends Pick<DavePorts, "createSession"> {
  /** Unix time in milliseconds that never jumps. */
  readonly now: () => number;
  readonly after: StartTimer;
  readonly random: () => number;
  readonly openWebSocket: (url: string) => WebSocket;
  readonly openUdp: () => Socket;
}

export const RUNTIME: Omit<LinkRuntime, "createSession"> = {
  now: () => performance.timeOrigin + performance.now(),
  after: schedule,
  random: Math.random,
  openWebSocket: (url) => new WebSocket(url),
  openUdp: () => createSocket("udp4"),
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

/** Opens a connection. */
export function openLink(
  target: LinkTarget,
  { now, after, random, openWebSocket, openUdp, createSession }: LinkRuntime,
  { opus, receiver, events }: {
    readonly opus: Pick<Opus, "encode">;
    readonly receiver: SoundReceiver;
    readonly events: Pick<CallEvents, "ready"> & { ended(end: LinkEnd): void };
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
  const gateway = createGateway(target, {
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
    events.ready(toldEndToEnd);
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
    events.ended(how);
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
