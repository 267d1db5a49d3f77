/**
 * Implements the voice gateway (version 8): identify, select a protocol, heartbeats, and resume with the
 * messages that were missed. It decides, and its ports act. Messages of end-to-end encryption pass
 * through to `dave.ts`.
 *
 * @see {@link https://docs.discord.com/developers/topics/voice-connections}
 */

import { VoiceOpcodes as OP } from "discord-api-types/voice/v8";
import type { VoiceEnd } from "../line/call.ts";
import { type ReadMessage, type ServerMessage } from "./wire/messages.ts";
import { chooseMode, isTransportMode, type TransportMode } from "./wire/transport.ts";

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

interface GatewayPorts {
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
}

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

export function createGateway(target: LinkTarget, ports: GatewayPorts) {
  const { now, random, send } = ports;
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
    ports.drop();
    ports.ended(how);
  }

  function open(): void {
    enter("greeting", STEP_MS);
    ports.open();
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
    ports.drop();
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
          return ports.discover(ssrc, ip, port);
        }
        case OP.SessionDescription: {
          const { mode: told, secret_key: key, dave_protocol_version: dave = 0 } = message.d;
          if (phase !== "selecting" || !isTransportMode(told) || key.length !== KEY_BYTES) return;
          ready();
          return ports.session(told, Uint8Array.from(key), dave);
        }
        case OP.Resumed:
          if (phase !== "resuming") return;
          ready();
          return ports.resumed();
        default:
          return ports.pass(message);
      }
    },
  };
}
