/**
 * The gateway's payloads: classifies those that it sends, and builds its URL and those that a shard
 * sends.
 *
 * This thread reads only the envelope of most dispatches. The main thread parses them, and skips
 * texts that are no JSON. This file parses READY, RESUMED and everything that is no dispatch. It
 * also parses a dispatch whose envelope does not come first.
 *
 * Discord writes the envelope (`op`, `t`, `s`) before `d`, so a scan of the first few bytes finds
 * the type (0.1 µs against 2 µs for parsing all). The scan walks key by key from the opening brace
 * and stops at `d`. So it never reads message text, even text that contains `"t":`.
 */

import process from "node:process";
import { ActivityTypes, GatewayOpcodes as Op } from "@discordeno/types";
import type {
  Activity,
  ActivityKind,
  ConnectionState,
  OwnVoice,
  Presence,
} from "../../../core/discord/gateway.ts";
import { readSnowflake } from "../../../core/discord/ids.ts";
import type { GatewaySession } from "../../../core/inbound/inbound.ts";
import { isRecord, parseForeignJson } from "../../../lib/text/quoted.ts";
import type { LifecycleState, Phase, SocketEvent } from "../lifecycle/advance.ts";
import type { CommonOptions } from "../link/protocol.ts";

/**
 * Adds the API version, the encoding and the compression to the gateway's address.
 *
 * @throws {TypeError} If the address is no URL.
 */
export function gatewayUrl(address: string, compress: boolean): URL {
  const url = new URL(address);
  url.searchParams.set("v", "10");
  url.searchParams.set("encoding", "json");
  if (compress) url.searchParams.set("compress", "zlib-stream");
  return url;
}

/** Builds the `d` of an IDENTIFY. */
export function identifyPayload({ token, intents, presence }: CommonOptions): unknown {
  return {
    token,
    intents,
    presence: presencePayload(presence),
    properties: { os: process.platform, browser: "Barnacle", device: "Barnacle" },
    large_threshold: 50,
  };
}

/** Builds the `d` of a RESUME. */
export function resumePayload(token: string, sessionId: string, seq: number): unknown {
  return { token, session_id: sessionId, seq };
}

/** Builds the `d` of a presence update (op 3), which is also the `presence` of an IDENTIFY. */
export function presencePayload({ status, activity }: Presence): unknown {
  return {
    since: null,
    activities: activity ? [activityPayload(activity)] : [],
    status,
    afk: false,
  };
}

/** Builds the `d` of a voice state update (op 4). */
export function voicePayload({ guildId, channelId }: OwnVoice): unknown {
  return { guild_id: guildId, channel_id: channelId ?? null, self_mute: false, self_deaf: false };
}

/** Discord shows the `state` of a custom status, and the `name` of other activities. */
function activityPayload({ type, name, url }: Activity): unknown {
  return type === "custom"
    ? { name: "Custom Status", type: ACTIVITY_TYPES.custom, state: name }
    : { name, type: ACTIVITY_TYPES[type], url };
}

const ACTIVITY_TYPES: Readonly<Record<ActivityKind, ActivityTypes>> = {
  playing: ActivityTypes.Playing,
  streaming: ActivityTypes.Streaming,
  listening: ActivityTypes.Listening,
  watching: ActivityTypes.Watching,
  custom: ActivityTypes.Custom,
  competing: ActivityTypes.Competing,
};

export function toConnectionState(
  { phase, readyAt, ack, isDown }: LifecycleState,
): ConnectionState {
  const waits = phase.kind === "waiting" ? phase.waitReason : undefined;
  return { state: STATES[phase.kind], readyAt, ack, isDown, waits };
}

const STATES: Readonly<Record<Phase["kind"], ConnectionState["state"]>> = {
  waiting: "backoff",
  connecting: "connecting",
  greeting: "connecting",
  permitting: "identifying",
  identifying: "identifying",
  resuming: "resuming",
  ready: "ready",
  closing: "ready",
  final: "fatal",
  stopped: "connecting",
};

export interface DispatchFrame {
  /** Discord's type of the dispatch; `"ODD"` if it does not look like one of Discord's types. */
  readonly type: string;
  /** Sequence number within the session. */
  readonly seq: number;
  /** The dispatch as JSON; absent if Barnacle does not use its type. */
  readonly text?: string;
}

export type Frame =
  | ({ readonly kind: "dispatch" } & DispatchFrame)
  | ({
    readonly kind: "ready";
    readonly session: GatewaySession;
    readonly text: string;
  } & DispatchFrame)
  | ({ readonly kind: "resumed" } & DispatchFrame)
  | { readonly kind: "event"; readonly event: SocketEvent }
  /** `why` quotes nothing of the text, which may contain people's messages. */
  | { readonly kind: "unreadable"; readonly why: string };

/**
 * Accepted heartbeat intervals in milliseconds. A shorter one must be an error, and would flood
 * Discord. A longer one would keep a dead connection. Discord's own is 41 seconds.
 */
const INTERVAL_MS = { min: 100, max: 600_000 };

/** Metric labels and log lines contain the type, so it is restricted. */
const TYPE = /^[A-Z][A-Z0-9_]{0,63}$/;

/** The start of a dispatch as Discord writes it. Others are parsed as a whole. */
const DISPATCH = /^\{"t":"([A-Z_]*)","s":(\d+),"op":0,"d":/;

/**
 * Classifies one payload.
 *
 * @param wanted Types of the dispatches that Barnacle uses.
 */
export function readFrame(text: string, wanted: ReadonlySet<string>): Frame {
  const [, t, digits] = DISPATCH.exec(text) ?? [];
  const seq = Number(digits);
  if (t !== undefined && Number.isSafeInteger(seq) && t !== "READY" && t !== "RESUMED") {
    return { kind: "dispatch", type: safeType(t), seq, text: wanted.has(t) ? text : undefined };
  }
  const payload = parsePayload(text);
  if (!payload) return { kind: "unreadable", why: "not a gateway payload in JSON" };
  if (payload.op === Op.Dispatch) return readDispatch(payload, text, wanted);
  const event = toSocketEvent(payload);
  return event
    ? { kind: "event", event }
    : { kind: "unreadable", why: "an opcode that Discord does not send to bots" };
}

function readDispatch({ t, s, d }: Payload, text: string, wanted: ReadonlySet<string>): Frame {
  if (t === undefined || s === undefined) {
    return { kind: "unreadable", why: "a dispatch without type or sequence number" };
  }
  const dispatch = { type: safeType(t), seq: s, text: wanted.has(t) ? text : undefined };
  if (t === "RESUMED") return { kind: "resumed", ...dispatch };
  if (t !== "READY") return { kind: "dispatch", ...dispatch };
  const session = toSession(d, s);
  return session
    ? { kind: "ready", ...dispatch, text, session }
    : { kind: "unreadable", why: "READY without a session, or without the bot's id" };
}

function safeType(type: string): string {
  return TYPE.test(type) ? type : "ODD";
}

/**
 * The main thread understands each READY that has both. Otherwise it would know no bot, and pass over
 * every message.
 */
function toSession(d: unknown, seq: number): GatewaySession | undefined {
  if (!isRecord(d) || typeof d.session_id !== "string") return undefined;
  const botId = isRecord(d.user) ? d.user.id : undefined;
  if (readSnowflake(botId) === undefined) return undefined;
  const { session_id: sessionId, resume_gateway_url: url } = d;
  const isUrl = typeof url === "string" && /^wss?:$/.test(URL.parse(url)?.protocol ?? "");
  // Without one, the session is resumed at the gateway's own address.
  return { sessionId, resumeUrl: isUrl ? url : "", seq };
}

/** @returns The event of a payload that is no dispatch; `undefined` for unknown opcodes. */
function toSocketEvent({ op, d }: Payload): SocketEvent | undefined {
  switch (op) {
    case Op.Heartbeat:
      return { kind: "heartbeat_requested" };
    case Op.Reconnect:
      return { kind: "reconnect_asked" };
    case Op.InvalidSession:
      return { kind: "invalid_session", canResume: d === true };
    case Op.HeartbeatACK:
      return { kind: "acked" };
    case Op.Hello: {
      const intervalMs = isRecord(d) ? d.heartbeat_interval : undefined;
      return typeof intervalMs === "number" && intervalMs >= INTERVAL_MS.min &&
          intervalMs <= INTERVAL_MS.max
        ? { kind: "hello", intervalMs }
        : { kind: "garbled", reason: "HELLO without a heartbeat interval" };
    }
  }
  return undefined;
}

interface Payload {
  /** The opcode. */
  readonly op: number;
  /** Type of a dispatch; absent for other opcodes. */
  readonly t?: string;
  /** Sequence number of a dispatch; absent for other opcodes. */
  readonly s?: number;
  readonly d: unknown;
}

/** Parses a whole payload. Returns `undefined` if the text is no gateway payload. */
function parsePayload(text: string): Payload | undefined {
  const value = parseForeignJson(text);
  if (!isRecord(value)) return undefined;
  const { op, t, s, d } = value;
  if (typeof op !== "number" || !Number.isSafeInteger(op)) return undefined;
  return {
    op,
    t: typeof t === "string" ? t : undefined,
    s: typeof s === "number" && Number.isSafeInteger(s) ? s : undefined,
    d,
  };
}
