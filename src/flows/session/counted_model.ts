/**
 * Wraps a model so that each counted request improves the estimate of tokens (L4).
 *
 * @module
 */

import {
  type Model,
  type ModelRequest,
  type ToolDefinition,
  withGenerate,
} from "../../core/model.ts";
import type { TokenRates } from "../../session/token_rates.ts";

/** Wraps a model for one turn. */
export function countedModel(model: Model, rates: Pick<TokenRates, "observe">): Model {
  return withGenerate(model, async function* (request, signal) {
    for await (const part of model.generate(request, signal)) {
      if (part.kind === "finish" && part.usage && !hasImages(request)) {
        rates.observe(part.modelId ?? model.id, requestChars(request), part.usage.inputTokens);
      }
      yield part;
    }
  });
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
