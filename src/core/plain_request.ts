/**
 * Rewrites a conversation with tool calls for a request without tools.
 *
 * Anthropic and several gateways refuse calls and results in a request that offers no tools. Models
 * without tools cannot read them.
 *
 * @module
 */

import type { ModelMessage, ModelRequest } from "./model.ts";

/** Whether a conversation has calls of tools, or their results. */
export function hasCalls(messages: readonly ModelMessage[]): boolean {
  return messages.some((message) =>
    message.role === "tool" || (message.role === "assistant" && message.calls !== undefined)
  );
}

/**
 * The same request without tools.
 *
 * A result joins the user's message before it. Answers with calls are left out: a model that reads
 * calls as text writes such text itself. So user and assistant still alternate.
 */
export function withoutTools(
  { tools: _tools, mayCall: _mayCall, messages, ...rest }: ModelRequest,
): ModelRequest {
  return { ...rest, messages: hasCalls(messages) ? plainMessages(messages) : messages };
}

function plainMessages(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  const plain: ModelMessage[] = [];
  for (const message of messages) {
    if (message.role === "user" || (message.role === "assistant" && !message.calls)) {
      plain.push(message);
    } else if (message.role === "tool") {
      const last = plain.pop();
      if (last) plain.push({ role: "user", text: `${last.text}\n${lineOf(message)}` });
    }
  }
  return plain;
}

function lineOf({ call, text }: Extract<ModelMessage, { role: "tool" }>): string {
  return `[result of the tool ${JSON.stringify(call.name)}]\n${text}`;
}
