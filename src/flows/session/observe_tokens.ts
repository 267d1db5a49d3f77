/**
 * Improves the estimate of tokens with each counted request (L4).
 *
 * @module
 */

import type { ModelRequest, ModelUsage, ToolDefinition } from "../../core/model.ts";
import type { TokenRates } from "../../session/history.ts";

/** Notes the tokens of a request. One with images tells nothing about the tokens of a text. */
export function observeTokens(
  rates: Pick<TokenRates, "observe">,
  request: ModelRequest,
  { inputTokens }: ModelUsage,
  modelId: string,
): void {
  if (!hasImages(request)) rates.observe(modelId, requestChars(request), inputTokens);
}

/** UTF-16 units of everything that the server counts. */
function requestChars({ system, messages, tools = [] }: ModelRequest): number {
  let chars = system.length + toolChars(tools);
  for (const message of messages) {
    chars += message.text.length;
    if (message.role !== "assistant" || !message.calls) continue;
    for (const call of message.calls) chars += call.arguments.length;
  }
  return chars;
}

function hasImages({ messages }: ModelRequest): boolean {
  return messages.some((message) => message.role === "user" && message.images !== undefined);
}

/** Lengths by tools: a list of tools is the same array for all turns that have it. */
const lengths = new WeakMap<readonly ToolDefinition[], number>();

/** UTF-16 units of the definitions of tools. */
export function toolChars(tools: readonly ToolDefinition[]): number {
  const known = lengths.get(tools);
  if (known !== undefined) return known;
  const chars = tools.length === 0 ? 0 : JSON.stringify(tools).length;
  lengths.set(tools, chars);
  return chars;
}
