/**
 * The built-in model's fourth wire format: OpenAI's Responses.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/responses-streaming}
 */

import { z } from "zod";
import {
  INPUT_TOKENS,
  type ReportedTokens,
  type WireEnd,
  type WireFormat,
  type WireRequest,
} from "./wire.ts";

const itemSchema = z.looseObject({
  type: z.string().optional(),
  role: z.string().optional(),
  content: z.union([
    z.string(),
    z.array(z.looseObject({ text: z.string().optional() })),
  ]).optional(),
  output: z.string().optional(),
});

const requestSchema = z.looseObject({
  model: z.string(),
  stream: z.literal(true),
  instructions: z.string().default(""),
  input: z.array(itemSchema),
  tools: z.array(z.looseObject({ name: z.string() })).default([]),
  tool_choice: z.unknown().optional(),
});

/** Parses a request; `undefined` if it does not ask for a streamed answer. */
export function parseResponsesRequest(body: unknown): WireRequest | undefined {
  const { data } = requestSchema.safeParse(body);
  if (!data) return undefined;
  const messages = data.input.flatMap(({ type, role, content, output }, at) => {
    if (type === "function_call_output") return [{ role: "tool", text: output ?? "" }];
    if (type === "function_call") {
      // The first call of an answer without words.
      const before = data.input[at - 1];
      const isFirst = before?.type !== "function_call" && before?.role !== "assistant";
      return isFirst ? [{ role: "assistant", text: "" }] : [];
    }
    if (role === undefined) return [];
    const text = typeof content === "string"
      ? content
      : (content ?? []).map(({ text = "" }) => text).join("");
    return [{ role, text }];
  });
  return {
    model: data.model,
    system: data.instructions,
    messages,
    hasTools: data.tools.length > 0 || messages.some(({ role }) => role === "tool"),
    tools: data.tool_choice === "none" ? [] : data.tools.map(({ name }) => name),
  };
}

/** Writes the events of the stream. */
export function responsesFormat(
  model: string,
  { input, cached }: ReportedTokens = { input: INPUT_TOKENS },
): WireFormat<string> {
  const output: object[] = [];
  let said = "";
  const event = (payload: { readonly type: string; readonly [key: string]: unknown }) =>
    `event: ${payload.type}\ndata: ${JSON.stringify(payload)}\n\n`;
  const done = (item: object) => {
    output.push(item);
    return event({ type: "response.output_item.done", output_index: output.length - 1, item });
  };
  const response = (status: string, more: object) => ({
    id: "resp_script",
    object: "response",
    model,
    status,
    output,
    error: null,
    incomplete_details: null,
    ...more,
  });
  const finish = (reason: WireEnd, tokens: number) => {
    const message = said === "" ? "" : done({
      type: "message",
      role: "assistant",
      content: [{ type: "output_text", text: said }],
    });
    const isWhole = reason === "stop" || reason === "tool_calls";
    const status = isWhole ? "completed" : "incomplete";
    const why = reason === "length" ? "max_output_tokens" : "content_filter";
    return message + event({
      type: `response.${status}`,
      response: response(status, {
        incomplete_details: isWhole ? null : { reason: why },
        usage: {
          input_tokens: input,
          output_tokens: tokens,
          ...(cached !== undefined && { input_tokens_details: { cached_tokens: cached } }),
        },
      }),
    });
  };
  return {
    open: () => event({ type: "response.created", response: response("in_progress", {}) }),
    text: (delta) => {
      said += delta;
      return event({ type: "response.output_text.delta", delta });
    },
    toolCall: ({ id, name, arguments: written }) => {
      const item = { type: "function_call", call_id: id, name };
      return event({ type: "response.output_item.added", item: { ...item, arguments: "" } }) +
        event({ type: "response.function_call_arguments.delta", delta: written }) +
        done({ ...item, arguments: written });
    },
    finish,
    error: (kind) =>
      event({
        type: "response.failed",
        response: response("failed", {
          error: kind === "overloaded"
            ? { code: "server_is_overloaded", message: "overloaded" }
            : { code: "server_fault", message: "the model exploded" },
        }),
      }),
    errorBody: (message) => JSON.stringify({ error: { message, type: "error", code: null } }),
  };
}
