/**
 * Adapts a request to a model's abilities (L3, L4).
 *
 * A fallback may have no tools, see no images, or have a smaller window than the model that the
 * request was made for. Anthropic and several gateways refuse calls and results in a request that
 * offers no tools, and models without tools cannot read them.
 */

import type {
  ContextWindow,
  Model,
  ModelImage,
  ModelMessage,
  ModelRequest,
  ToolDefinition,
} from "./model.ts";
import { oncePer } from "../lib/cache.ts";

/** Rough number of tokens per UTF-16 unit, as for the history (`session/history.ts`). */
const TOKENS_PER_CHAR = 0.3;

/** The request, as far as the model can take it. The same object if nothing changes. */
export function fitRequest(
  request: ModelRequest,
  { takesNoTools, takesImages, window }: Model,
): ModelRequest {
  let fit = request;
  if (takesNoTools && request.tools) fit = withoutTools(fit);
  if (takesImages === false) fit = withoutImages(fit);
  return window ? withinWindow(fit, window) : fit;
}

/** The images of a conversation, oldest first. */
export function imagesOf(messages: readonly ModelMessage[]): readonly ModelImage[] {
  return messages.flatMap((one) => one.role === "user" ? one.images ?? [] : []);
}

export function hasImages(messages: readonly ModelMessage[]): boolean {
  return messages.some((message) => message.role === "user" && message.images !== undefined);
}

/**
 * The same request without images; the model learns that there were some.
 *
 * @param isRefused Chooses single images; absent: all of them.
 */
export function withoutImages(
  request: ModelRequest,
  isRefused: (image: ModelImage) => boolean = () => true,
): ModelRequest {
  if (!hasImages(request.messages)) return request;
  const messages = request.messages.map((message): ModelMessage => {
    if (message.role !== "user" || !message.images) return message;
    const { images, text } = message;
    const seen = images.filter((image) => !isRefused(image));
    const count = images.length - seen.length;
    if (count === 0) return message;
    const note = `[${count} image${count === 1 ? "" : "s"}: you see ${
      seen.length === 0 ? "no images" : "only the others"
    }]`;
    return {
      role: "user",
      text: text === "" ? note : `${text}\n${note}`,
      ...(seen.length > 0 && { images: seen }),
    };
  });
  return { ...request, messages };
}

/** Leaves out the oldest turns that do not fit. The newest turn stays, whatever its length. */
function withinWindow(
  request: ModelRequest,
  { contextWindow, maxOutput }: ContextWindow,
): ModelRequest {
  const { system, messages } = request;
  const maxChars = (contextWindow - maxOutput) / TOKENS_PER_CHAR;
  let chars = system.length + toolChars(request.tools);
  let start = messages.length;
  for (let at = messages.length - 1; at >= 0; at--) {
    const message = messages[at];
    if (!message) break;
    chars += lengthOf(message);
    if (chars > maxChars && start < messages.length) break;
    if (message.role === "user") start = at;
  }
  return start === 0 ? request : { ...request, messages: messages.slice(start) };
}

/** UTF-16 units of a message that a model sees: text, arguments of calls, and carried fields. */
export function lengthOf(message: ModelMessage): number {
  if (message.role !== "assistant") return message.text.length;
  const { text, calls, carried = "" } = message;
  const chars = text.length + carried.length;
  return calls ? calls.reduce((sum, call) => sum + call.arguments.length, chars) : chars;
}

/** Lengths by tools: a list of tools is the same array for all turns that have it. */
const lengthOfTools = oncePer((tools: readonly ToolDefinition[]) => JSON.stringify(tools).length);

/** UTF-16 units of the definitions of tools. */
export function toolChars(tools: readonly ToolDefinition[] = []): number {
  return tools.length === 0 ? 0 : lengthOfTools(tools);
}

export function estimatedTokens(request: ModelRequest): number {
  return Math.ceil((charsIn(request) + toolChars(request.tools)) * TOKENS_PER_CHAR);
}

/** UTF-16 units of a request without its tools, for an estimate of its tokens. */
export function charsIn({ system, messages }: ModelRequest): number {
  return messages.reduce((sum, message) => sum + lengthOf(message), system.length);
}

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

/**
 * The messages with results of calls as text of the user, and without the answers that made the calls.
 *
 * @param isPlain Whether the calls of an answer become text; absent: all do.
 */
export function plainMessages(
  messages: readonly ModelMessage[],
  isPlain: (answer: Extract<ModelMessage, { role: "assistant" }>) => boolean = () => true,
): readonly ModelMessage[] {
  const plain: ModelMessage[] = [];
  let areResults = false;
  for (const message of messages) {
    if (message.role === "assistant") areResults = message.calls !== undefined && isPlain(message);
    if (message.role === "tool" ? !areResults : message.role === "user" || !areResults) {
      plain.push(message);
    } else if (message.role === "tool") {
      const last = plain.at(-1);
      if (last?.role !== "user") plain.push({ role: "user", text: lineOf(message) });
      else plain[plain.length - 1] = { ...last, text: `${last.text}\n${lineOf(message)}` };
    }
  }
  return plain;
}

function lineOf({ call, text }: Extract<ModelMessage, { role: "tool" }>): string {
  return `[result of the tool ${JSON.stringify(call.name)}]\n${text}`;
}
