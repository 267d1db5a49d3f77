/** Reads events of OpenAI's Realtime protocol, of which a server may leave out or spoil any part (V6). */

import type { ModelPart, ToolCall } from "../../../core/model.ts";
import { microsOf, type Price } from "../../../core/spending/usage.ts";
import { isRecord } from "../../../lib/text/json.ts";
import type { RealtimeEvent } from "../../../providers/other_apis/realtime.ts";

/** Id of the event that asks for an answer: its error is the answer's. */
export const ASK = "answer";

/** The response of an event; `""`: it is of none. */
export function responseOf(event: RealtimeEvent): string {
  return textOf(event, "response_id") || textOf(recordOf(event, "response"), "id");
}

/** Ends an answer, as the server's refusal of it does. */
export const endOf = (message: string): RealtimeEvent => ({
  type: "error",
  error: { event_id: ASK, message },
});

/** An error, with the id of our event that it is about, if the server names it. */
export function errorOf(event: RealtimeEvent): { readonly id: string; readonly reason: string } {
  const error = recordOf(event, "error");
  return { id: textOf(error, "event_id"), reason: textOf(error, "message").slice(0, 200) };
}

/** The end of an answer, of which the server may tell no tokens. */
export function finishOf(
  response: RealtimeEvent,
  calls: readonly ToolCall[],
  price: Price | undefined,
): ModelPart {
  const count = (key: string) => Number(recordOf(response, "usage")[key]) || 0;
  const tokens = { inputTokens: count("input_tokens"), outputTokens: count("output_tokens") };
  const last = response["status"] === "incomplete" ? "length" : "stop";
  return {
    kind: "finish",
    reason: calls.length > 0 ? "tool_calls" : last,
    calls: calls.length > 0 ? calls : undefined,
    usage: { ...tokens, micros: microsOf(tokens, price) },
  };
}

export function recordOf(event: RealtimeEvent, key: string): RealtimeEvent {
  const { [key]: value } = event;
  return isRecord(value) ? value : {};
}

export function textOf(event: RealtimeEvent, key: string): string {
  const { [key]: value } = event;
  return typeof value === "string" ? value : "";
}
