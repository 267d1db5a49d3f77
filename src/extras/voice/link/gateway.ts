/**
 * Implements the voice gateway (version 8) as one pure function from state and event to effects:
 * identify, select a protocol, heartbeats, and resume with the messages that were missed. Operations of
 * end-to-end encryption pass through to `dave.ts`.
 *
 * @see {@link https://docs.discord.com/developers/topics/voice-connections}
 */

import type { VoiceEnd } from "../line/call.ts";
import { OP, type ReadMessage, type ServerMessage } from "./wire/messages.ts";
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

export type GatewayEvent =
  | { readonly kind: "start" | "opened" | "tick" }
  | { readonly kind: "closed"; readonly code: number | undefined }
  | ({ readonly kind: "message" } & ReadMessage)
  | { readonly kind: "discovered"; readonly address: string; readonly port: number };

/** Why the main thread has to act: for another server, or to learn why Discord has disconnected. */
export type LinkLoss = "refresh" | "disconnected";

export type GatewayEffect =
  | { readonly kind: "open" | "drop" | "resumed" | "reconnecting" }
  | { readonly kind: "send"; readonly op: number; readonly d: unknown }
  | { readonly kind: "discover"; readonly ssrc: number; readonly ip: string; readonly port: number }
  | {
    readonly kind: "session";
    readonly mode: TransportMode;
    readonly key: Uint8Array;
    readonly daveVersion: number;
  }
  | { readonly kind: "pass"; readonly message: ServerMessage }
  | { readonly kind: "lost"; readonly loss: LinkLoss }
  | { readonly kind: "over"; readonly end: VoiceEnd };

/** The step of connecting, or what follows it. */
export type LinkPhase =
  | "waiting"
  | "connecting"
  | "greeting"
  | "identifying"
  | "discovering"
  | "selecting"
  | "resuming"
  | "ready"
  | "over";

export interface GatewayState {
  readonly phase: LinkPhase;
  /** Time at which the phase has failed, or a wait is over. */
  readonly untilMs: number;
  /** Number of the last numbered message. */
  readonly seqAck: number;
  /** Whether the session was described once, so that it can be resumed. */
  readonly hasSession: boolean;
  /** The cipher, once the server has named its own. */
  readonly mode?: TransportMode | undefined;
  /** Connections that failed since the last one that was ready. */
  readonly failures: number;
  /** Absent before HELLO. */
  readonly beat?: {
    readonly intervalMs: number;
    readonly dueMs: number;
    readonly isAcked: boolean;
  } | undefined;
}

type GatewayStep = { readonly state: GatewayState; readonly effects: readonly GatewayEffect[] };

/** Milliseconds for each step of connecting. */
export const STEP_MS = 10_000;
/** Milliseconds for the answer to IP discovery, which is asked for again and again. */
export const DISCOVERY_MS = 5_000;
const MAX_FAILURES = 5;
const FIRST_BACKOFF_MS = 500;

const KEY_BYTES = 32;
/** Shortest interval of heartbeats: a server's mistake must not make a flood. */
const MIN_BEAT_MS = 100;

/** What follows a close code; all others: a RESUME. */
const AFTER_CLOSE: ReadonlyMap<number, LinkLoss | VoiceEnd> = new Map([
  [4001, "refresh"],
  [4002, "refresh"],
  [4003, "refresh"],
  [4004, "refresh"],
  [4005, "refresh"],
  [4006, "refresh"],
  [4009, "refresh"],
  [4011, "refresh"],
  [4012, "unreachable"],
  [4014, "disconnected"],
  [4016, "unreachable"],
  [4017, "no_encryption"],
  [4020, "refresh"],
  [4021, "unreachable"],
  [4022, "disconnected"],
]);

export const FIRST_STATE: GatewayState = {
  phase: "waiting",
  untilMs: Infinity,
  seqAck: -1,
  hasSession: false,
  failures: 0,
};

/** Time of the next tick. */
export function dueMs({ untilMs, beat }: GatewayState): number {
  return Math.min(untilMs, beat?.dueMs ?? Infinity);
}

/** @param random A number from 0 up to, but not including, 1. */
export function step(
  state: GatewayState,
  event: GatewayEvent,
  target: LinkTarget,
  nowMs: number,
  random: number,
): GatewayStep {
  if (state.phase === "over") return { state, effects: [] };
  switch (event.kind) {
    case "start":
      return open(state, nowMs);
    case "opened":
      return to(state, { phase: "greeting", untilMs: nowMs + STEP_MS });
    case "closed":
      return closed(state, event.code, nowMs);
    case "tick":
      return tick(state, nowMs);
    case "discovered": {
      if (state.phase !== "discovering") return to(state);
      const { address, port } = event;
      const d = { protocol: "udp", data: { address, port, mode: state.mode } };
      return to(state, { phase: "selecting", untilMs: nowMs + STEP_MS }, [
        { kind: "send", op: OP.selectProtocol, d },
      ]);
    }
    case "message": {
      const { seq, message } = event;
      const seen = seq === undefined ? state : { ...state, seqAck: seq };
      return message ? received(seen, message, target, nowMs, random) : to(seen);
    }
  }
}

function to(
  state: GatewayState,
  change: Partial<GatewayState> = {},
  effects: readonly GatewayEffect[] = [],
): GatewayStep {
  return { state: { ...state, ...change }, effects };
}

function over(state: GatewayState, effect: GatewayEffect): GatewayStep {
  const change = { phase: "over", untilMs: Infinity, beat: undefined } as const;
  return to(state, change, [{ kind: "drop" }, effect]);
}

function open(state: GatewayState, nowMs: number): GatewayStep {
  return to(state, { phase: "connecting", untilMs: nowMs + STEP_MS }, [{ kind: "open" }]);
}

function closed(state: GatewayState, code: number | undefined, nowMs: number): GatewayStep {
  const after = code === undefined ? undefined : AFTER_CLOSE.get(code);
  if (after === "refresh" || after === "disconnected") {
    return over(state, { kind: "lost", loss: after });
  }
  if (after !== undefined) return over(state, { kind: "over", end: after });
  const failures = state.failures + 1;
  if (failures > MAX_FAILURES) return over(state, { kind: "lost", loss: "refresh" });
  const waitMs = failures === 1 ? 0 : FIRST_BACKOFF_MS * 2 ** (failures - 2);
  return to(state, { phase: "waiting", untilMs: nowMs + waitMs, beat: undefined, failures }, [
    { kind: "drop" },
    { kind: "reconnecting" },
  ]);
}

function tick(state: GatewayState, nowMs: number): GatewayStep {
  const { phase, untilMs, beat } = state;
  if (nowMs >= untilMs) {
    if (phase === "waiting") return open(state, nowMs);
    if (phase === "discovering") return over(state, { kind: "over", end: "udp_blocked" });
    return closed(state, undefined, nowMs);
  }
  if (!beat || nowMs < beat.dueMs) return to(state);
  if (!beat.isAcked) return closed(state, undefined, nowMs);
  const next = { ...beat, dueMs: beat.dueMs + beat.intervalMs, isAcked: false };
  const d = { t: Math.trunc(nowMs), seq_ack: state.seqAck };
  return to(state, { beat: next }, [{ kind: "send", op: OP.heartbeat, d }]);
}

function received(
  state: GatewayState,
  message: ServerMessage,
  target: LinkTarget,
  nowMs: number,
  random: number,
): GatewayStep {
  const { phase } = state;
  const { guildId: server_id, userId: user_id, sessionId: session_id, token } = target;
  switch (message.op) {
    case OP.hello: {
      if (phase !== "greeting") return to(state);
      const intervalMs = Math.max(MIN_BEAT_MS, message.d.heartbeat_interval);
      const beat = { intervalMs, dueMs: nowMs + intervalMs * random, isAcked: true };
      const isResume = state.hasSession;
      const d = isResume
        ? { server_id, session_id, token, seq_ack: state.seqAck }
        : { server_id, user_id, session_id, token, max_dave_protocol_version: 1 };
      return to(
        state,
        { phase: isResume ? "resuming" : "identifying", untilMs: nowMs + STEP_MS, beat },
        [{ kind: "send", op: isResume ? OP.resume : OP.identify, d }],
      );
    }
    case OP.acked:
      return to(state, { beat: state.beat && { ...state.beat, isAcked: true } });
    case OP.ready: {
      if (phase !== "identifying") return to(state);
      const { ssrc, ip, port, modes } = message.d;
      const mode = chooseMode(modes);
      if (!mode) return over(state, { kind: "over", end: "unreachable" });
      return to(state, { phase: "discovering", untilMs: nowMs + DISCOVERY_MS, mode }, [
        { kind: "discover", ssrc, ip, port },
      ]);
    }
    case OP.session: {
      const { mode, secret_key, dave_protocol_version: daveVersion = 0 } = message.d;
      if (phase !== "selecting" || !isTransportMode(mode) || secret_key.length !== KEY_BYTES) {
        return to(state);
      }
      const change = { phase: "ready", untilMs: Infinity, hasSession: true, failures: 0 } as const;
      const key = Uint8Array.from(secret_key);
      return to(state, change, [{ kind: "session", mode, key, daveVersion }]);
    }
    case OP.resumed:
      if (phase !== "resuming") return to(state);
      return to(state, { phase: "ready", untilMs: Infinity, failures: 0 }, [{ kind: "resumed" }]);
    default:
      return to(state, {}, [{ kind: "pass", message }]);
  }
}
