/** Reads events of OpenAI's Realtime protocol, of which a server may leave out or spoil any part (V6). */

import { Buffer } from "node:buffer";
import { isRecord } from "../../../lib/text/json.ts";
import type { RealtimeEvent } from "../../../providers/other_apis/realtime.ts";
import type { Pcm } from "../line/call.ts";

/** The response of an event; `""`: it is of none. */
export function responseOf(event: RealtimeEvent): string {
  return textOf(event, "response_id") || textOf(recordOf(event, "response"), "id");
}

export const isCancelled = (event: RealtimeEvent): boolean =>
  textOf(recordOf(event, "response"), "status") === "cancelled";

export function recordOf(event: RealtimeEvent, key: string): RealtimeEvent {
  const { [key]: value } = event;
  return isRecord(value) ? value : {};
}

export function textOf(event: RealtimeEvent, key: string): string {
  const { [key]: value } = event;
  return typeof value === "string" ? value : "";
}

export function pcmOf(base64: string): Pcm {
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  return new Int16Array(bytes.buffer, 0, bytes.length >> 1);
}
