/**
 * What one text from the gateway is.
 *
 * A dispatch that nobody uses is told by its envelope and never parsed. One
 * that leaves the thread is parsed here once, although only its text goes on:
 * a single text that is no JSON would spoil the whole batch.
 *
 * @module
 */

import { GatewayOpcodes as Op } from "@discordeno/types";
import type { GatewaySession } from "../../core/inbound.ts";
import { parsePayload, type Payload, scanEnvelope } from "./envelope.ts";
import type { SocketEvent } from "./life.ts";

export type Frame =
  /** Without its text where nobody uses it. */
  | {
    readonly kind: "dispatch";
    readonly type: string;
    readonly seq: number;
    readonly text?: string;
  }
  | {
    readonly kind: "ready";
    readonly type: string;
    readonly seq: number;
    readonly session: GatewaySession;
    readonly text: string;
  }
  | {
    readonly kind: "resumed";
    readonly type: string;
    readonly seq: number;
    readonly text?: string;
  }
  | { readonly kind: "event"; readonly event: SocketEvent }
  /** Says why; holds nothing of the text, which may be people's words. */
  | { readonly kind: "unreadable"; readonly why: string }
  /** An opcode that asks for nothing. */
  | { readonly kind: "nothing" };

/** Milliseconds; a shorter interval could only be an error, and would flood. */
const MIN_INTERVAL_MS = 100;

/** @param wanted Types of the dispatches that somebody uses. */
export function readFrame(text: string, wanted: ReadonlySet<string>): Frame {
  const envelope = scanEnvelope(text);
  if (envelope?.op === Op.Dispatch) {
    const { t, s } = envelope;
    const isOurs = t === "READY" || t === "RESUMED" || (t !== undefined && wanted.has(t));
    if (t !== undefined && s !== undefined && !isOurs) return { kind: "dispatch", type: t, seq: s };
  }
  const payload = parsePayload(text);
  if (!payload) return { kind: "unreadable", why: "not JSON of the gateway's" };
  if (payload.op === Op.Dispatch) return readDispatch(payload, text, wanted);
  const event = toSocketEvent(payload);
  return event ? { kind: "event", event } : { kind: "nothing" };
}

function readDispatch({ t, s, d }: Payload, text: string, wanted: ReadonlySet<string>): Frame {
  if (t === undefined || s === undefined) {
    return { kind: "unreadable", why: "a dispatch without type or sequence number" };
  }
  const dispatch = { type: t, seq: s, ...(wanted.has(t) && { text }) };
  if (t === "RESUMED") return { kind: "resumed", ...dispatch };
  if (t !== "READY") return { kind: "dispatch", ...dispatch };
  const session = toSession(d, s);
  return session
    ? { kind: "ready", ...dispatch, text, session }
    : { kind: "unreadable", why: "READY without a session" };
}

function toSession(d: unknown, seq: number): GatewaySession | undefined {
  if (typeof d !== "object" || d === null) return undefined;
  if (!("session_id" in d) || typeof d.session_id !== "string") return undefined;
  // Servers in Discord's place leave it out: a session is then resumed where it began.
  const resumeUrl = "resume_gateway_url" in d && typeof d.resume_gateway_url === "string"
    ? d.resume_gateway_url
    : "";
  return { sessionId: d.session_id, resumeUrl, seq };
}

/** What a payload that is no dispatch means; `undefined` if nothing. */
function toSocketEvent({ op, d }: Payload): SocketEvent | undefined {
  switch (op) {
    case Op.Heartbeat:
      return { kind: "beat_asked" };
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
      return typeof intervalMs === "number" && intervalMs >= MIN_INTERVAL_MS
        ? { kind: "hello", intervalMs }
        : { kind: "garbled", reason: "HELLO without a heartbeat interval" };
    }
  }
  return undefined;
}
