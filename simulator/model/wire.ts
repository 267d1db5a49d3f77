/**
 * The built-in model's two wire formats: parses requests, and writes event streams.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/chat/streaming}
 * @see {@link https://docs.anthropic.com/en/api/messages-streaming}
 */

import { z } from "zod";

/** `content` is that of a tool's result in Anthropic's format. */
const blockSchema = z.looseObject({
  type: z.string().optional(),
  text: z.string().optional(),
  content: z.union([
    z.string(),
    z.array(z.looseObject({ text: z.string().optional() })),
  ]).optional(),
});

const contentSchema = z.union([z.string(), z.array(blockSchema)]);

const toolSchema = z.looseObject({
  name: z.string().optional(),
  function: z.looseObject({ name: z.string() }).optional(),
});

const requestSchema = z.looseObject({
  model: z.string(),
  stream: z.boolean().optional(),
  system: contentSchema.optional(),
  messages: z.array(z.looseObject({ role: z.string(), content: contentSchema.nullish() })),
  tools: z.array(toolSchema).default([]),
  tool_choice: z.unknown().optional(),
});

/** A request of either format, parsed as far as a script needs it. */
export interface WireRequest {
  readonly model: string;
  readonly system: string;
  /** In Anthropic's format, too, a tool's result has the role `tool`. */
  readonly messages: readonly { readonly role: string; readonly text: string }[];
  /** Names of the tools that the answer may call. */
  readonly tools: readonly string[];
  /** Whether the request has tools, or a conversation with calls. */
  readonly hasTools: boolean;
}

/**
 * Parses a request of either format.
 *
 * @param body JSON of the client.
 * @returns `undefined` if it does not ask for a streamed chat.
 */
export function parseWireRequest(body: string): WireRequest | undefined {
  const parsed = requestSchema.safeParse(jsonOf(body));
  if (!parsed.success || parsed.data.stream !== true) return undefined;
  const { tools, tool_choice: choice } = parsed.data;
  const all = parsed.data.messages.flatMap(({ role, content }) => messagesOf(role, content));
  const system = all.filter(({ role }) => isSystem(role)).map(({ text }) => text);
  return {
    model: parsed.data.model,
    system: [textOf(parsed.data.system), ...system].filter((text) => text !== "").join("\n"),
    messages: all.filter(({ role }) => !isSystem(role)),
    hasTools: tools.length > 0 || all.some(({ role }) => role === "tool"),
    tools: isNone(choice)
      ? []
      : tools.map(({ name, function: called }) => called?.name ?? name ?? ""),
  };
}

/** A tool call of an answer. `arguments` is JSON. */
export interface WireCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** Why an answer ends. */
export type WireEnd = "stop" | "length" | "tool_calls" | "content_filter";

/** Events as they are written; most formats have text. */
export type WireEvents = string | Uint8Array;

export interface WireFormat<Events extends WireEvents = WireEvents> {
  /** Before the first text. */
  open(): Events;
  text(delta: string): Events;
  toolCall(call: WireCall): Events;
  /** The end of an answer; nothing follows it. */
  finish(reason: WireEnd, outputTokens: number): Events;
  /** A failure after the answer has begun. */
  error(kind: "overloaded" | "exploded"): Events;
  /** The body of a failure with a status of its own. */
  errorBody(message: string): string;
}

/** Tokens of every prompt, by the script's count. */
export const INPUT_TOKENS = 11;

/** Tokens of a prompt, as an answer reports them. */
export interface ReportedTokens {
  /** All of them, cached ones included. */
  readonly input: number;
  /** Absent: the server does not report cached ones. */
  readonly cached?: number;
}

const SCRIPTED: ReportedTokens = { input: INPUT_TOKENS };

export function openAiFormat(
  model: string,
  { input, cached }: ReportedTokens = SCRIPTED,
): WireFormat<string> {
  const base = { id: "chatcmpl-script", object: "chat.completion.chunk", created: 0, model };
  let calls = 0;
  const data = (payload: object) => `data: ${JSON.stringify(payload)}\n\n`;
  const chunk = (delta: object, finish_reason: string | null = null) =>
    data({ ...base, choices: [{ index: 0, delta, finish_reason }] });
  return {
    open: () => chunk({ role: "assistant", content: "" }),
    text: (content) => chunk({ content }),
    toolCall: ({ id, name, arguments: written }) =>
      chunk({
        tool_calls: [{
          index: calls++,
          id,
          type: "function",
          function: { name, arguments: written },
        }],
      }),
    finish: (reason, completion_tokens) =>
      chunk({}, reason) +
      data({
        ...base,
        choices: [],
        usage: {
          prompt_tokens: input,
          completion_tokens,
          total_tokens: input + completion_tokens,
          ...(cached !== undefined && { prompt_tokens_details: { cached_tokens: cached } }),
        },
      }) +
      "data: [DONE]\n\n",
    error: (kind) =>
      data({
        error: kind === "overloaded"
          ? { message: "overloaded", type: "overloaded_error" }
          : { message: "the model exploded", type: "server_fault" },
      }),
    errorBody: (message) => JSON.stringify({ error: { message, type: "error", code: null } }),
  };
}

const ANTHROPIC_STOP = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  content_filter: "refusal",
} as const;

export function anthropicFormat(
  model: string,
  { input, cached = 0 }: ReportedTokens = SCRIPTED,
): WireFormat<string> {
  let index = -1;
  let openBlock: string | undefined;
  const event = (payload: { readonly type: string; readonly [key: string]: unknown }) =>
    `event: ${payload.type}\ndata: ${JSON.stringify(payload)}\n\n`;
  const close = () => {
    if (openBlock === undefined) return "";
    openBlock = undefined;
    return event({ type: "content_block_stop", index });
  };
  /** Its first delta opens a block, and the next event of another kind closes it. */
  const inBlock = (kind: string, content_block: object, delta: object) => {
    if (openBlock === kind) return event({ type: "content_block_delta", index, delta });
    const closed = close();
    openBlock = kind;
    index++;
    return closed + event({ type: "content_block_start", index, content_block }) +
      event({ type: "content_block_delta", index, delta });
  };
  return {
    open: () =>
      event({
        type: "message_start",
        message: {
          id: "msg_script",
          type: "message",
          role: "assistant",
          model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: {
            input_tokens: input - cached,
            output_tokens: 0,
            ...(cached > 0 && { cache_read_input_tokens: cached }),
          },
        },
      }),
    text: (text) => inBlock("text", { type: "text", text: "" }, { type: "text_delta", text }),
    toolCall: ({ id, name, arguments: partial_json }) =>
      inBlock(`tool_use ${index + 1}`, { type: "tool_use", id, name, input: {} }, {
        type: "input_json_delta",
        partial_json,
      }),
    finish: (reason, output_tokens) =>
      close() +
      event({
        type: "message_delta",
        delta: { stop_reason: ANTHROPIC_STOP[reason], stop_sequence: null },
        usage: { output_tokens },
      }) +
      event({ type: "message_stop" }),
    error: (kind) =>
      event({
        type: "error",
        error: kind === "overloaded"
          ? { type: "overloaded_error", message: "Overloaded" }
          : { type: "server_fault", message: "the model exploded" },
      }),
    errorBody: (message) => JSON.stringify({ type: "error", error: { type: "error", message } }),
  };
}

function isSystem(role: string): boolean {
  return role === "system" || role === "developer";
}

function isNone(choice: unknown): boolean {
  return choice === "none" || Object(choice).type === "none";
}

/** One message, or one for each tool's result of Anthropic's format. */
function messagesOf(role: string, content: z.infer<typeof contentSchema> | null | undefined) {
  if (typeof content !== "object" || content === null) return [{ role, text: textOf(content) }];
  const results = content.filter(({ type }) => type === "tool_result");
  const rest = content.filter(({ type }) => type !== "tool_result");
  return [
    ...results.map(({ content }) => ({ role: "tool", text: textOf(content) })),
    ...(rest.length > 0 || results.length === 0 ? [{ role, text: textOf(rest) }] : []),
  ];
}

function textOf(content: z.infer<typeof contentSchema> | null | undefined): string {
  if (content === undefined || content === null) return "";
  if (typeof content === "string") return content;
  return content.map(({ text }) => text ?? "").join("");
}

/** The parsed text; `undefined` if it is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no JSON is no request, like any other wrong body
  }
}
