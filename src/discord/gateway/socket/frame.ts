/**
 * What one text from the gateway is.
 *
 * The envelope of a dispatch says enough, so this thread parses none: the main thread does, and
 * passes over a text that is no JSON. READY, RESUMED and all that is no dispatch are parsed here,
 * and so is a dispatch whose envelope does not come first.
 *
 * @module
 */

import { GatewayOpcodes as Op } from "@discordeno/types";
import type { GatewaySession } from "../../../core/inbound/inbound.ts";
import { parsePayload, type Payload, scanEnvelope } from "./envelope.ts";
import type { SocketEvent } from "../lifecycle/state.ts";

/** As much of a dispatch as the batches want to know. */
export interface DispatchFrame {
  /** Discord's word for it; `"ODD"` where it is none that Discord would use. */
  readonly type: string;
  readonly seq: number;
  /** Absent where nobody uses it. */
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
  /** Says why; holds nothing of the text, which may be people's words. */
  | { readonly kind: "unreadable"; readonly why: string };

/**
 * Milliseconds; a shorter interval could only be an error, and would flood. A
 * longer one would keep a dead connection: Discord's own is 41 seconds.
 */
const INTERVAL_MS = { min: 100, max: 600_000 };

/** A type becomes a metric's label and a word in the log. */
const TYPE = /^[A-Z][A-Z0-9_]{0,63}$/;

/** @param wanted Types of the dispatches that somebody uses. */
export function readFrame(text: string, wanted: ReadonlySet<string>): Frame {
  const envelope = scanEnvelope(text);
  if (envelope?.op === Op.Dispatch) {
    const { t, s } = envelope;
    const isParsed = t === "READY" || t === "RESUMED";
    if (t !== undefined && s !== undefined && Number.isSafeInteger(s) && !isParsed) {
      return { kind: "dispatch", type: safeType(t), seq: s, ...(wanted.has(t) && { text }) };
    }
  }
  const payload = parsePayload(text);
  if (!payload) return { kind: "unreadable", why: "not JSON of the gateway's" };
  if (payload.op === Op.Dispatch) return readDispatch(payload, text, wanted);
  const event = toSocketEvent(payload);
  return event
    ? { kind: "event", event }
    : { kind: "unreadable", why: "an opcode that nobody sends to a bot" };
}

function readDispatch({ t, s, d }: Payload, text: string, wanted: ReadonlySet<string>): Frame {
  if (t === undefined || s === undefined) {
    return { kind: "unreadable", why: "a dispatch without type or sequence number" };
  }
  const dispatch = { type: safeType(t), seq: s, ...(wanted.has(t) && { text }) };
  if (t === "RESUMED") return { kind: "resumed", ...dispatch };
  if (t !== "READY") return { kind: "dispatch", ...dispatch };
  const session = toSession(d, s);
  return session
    ? { kind: "ready", ...dispatch, text, session }
    : { kind: "unreadable", why: "READY without a session" };
}

function safeType(type: string): string {
  return TYPE.test(type) ? type : "ODD";
}

function toSession(d: unknown, seq: number): GatewaySession | undefined {
  if (typeof d !== "object" || d === null) return undefined;
  if (!("session_id" in d) || typeof d.session_id !== "string") return undefined;
  // Servers in Discord's place leave it out: a session is then resumed where it began.
  const resumeAddress = "resume_gateway_url" in d && typeof d.resume_gateway_url === "string"
    ? d.resume_gateway_url
    : "";
  const resumeUrl = /^wss?:$/.test(URL.parse(resumeAddress)?.protocol ?? "") ? resumeAddress : "";
  return { sessionId: d.session_id, resumeUrl, seq };
}

/** What a payload that is no dispatch means; `undefined` if nothing. */
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
      const intervalMs = typeof d === "object" && d !== null && "heartbeat_interval" in d
        ? d.heartbeat_interval
        : undefined;
      return typeof intervalMs === "number" && intervalMs >= INTERVAL_MS.min &&
          intervalMs <= INTERVAL_MS.max
        ? { kind: "hello", intervalMs }
        : { kind: "garbled", reason: "HELLO without a heartbeat interval" };
    }
  }
  return undefined;
}
