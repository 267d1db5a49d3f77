/**
 * The built-in model's fifth wire format: Converse of Amazon Bedrock, in binary frames.
 *
 * @see {@link https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html}
 */

import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { INPUT_TOKENS, type ReportedTokens, type WireFormat, type WireRequest } from "./wire.ts";

const textSchema = z.looseObject({ text: z.string().optional() });

const turnSchema = z.looseObject({
  role: z.enum(["user", "assistant"]),
  content: z.array(z.looseObject({
    text: z.string().optional(),
    toolUse: z.looseObject({ toolUseId: z.string().regex(/^[\w-]{1,64}$/) }).optional(),
    toolResult: z.looseObject({ content: z.array(textSchema) }).optional(),
  })).min(1),
});

const requestSchema = z.looseObject({
  system: z.array(textSchema).default([]),
  messages: z.array(turnSchema),
  toolConfig: z.looseObject({
    tools: z.array(z.looseObject({ toolSpec: z.looseObject({ name: z.string() }) })),
  }).optional(),
});

/** The model in a path such as `/model/barnacle-script/converse-stream`. */
export function bedrockModelIn(path: string): string | undefined {
  const name = /\/model\/([^/]+)\/converse-stream$/.exec(path)?.[1];
  return name === undefined ? undefined : decodeURIComponent(name);
}

/**
 * Parses a request; `undefined` if it is none. As Bedrock, it wants turns that alternate, and tools
 * beside calls.
 */
export function parseBedrockRequest(body: unknown, model: string): WireRequest | undefined {
  const { data } = requestSchema.safeParse(body);
  if (!data || data.messages.some(({ role }, at) => role === data.messages[at - 1]?.role)) {
    return undefined;
  }
  const blocks = data.messages.flatMap(({ content }) => content);
  const tools = data.toolConfig?.tools.map(({ toolSpec: { name } }) => name) ?? [];
  if (tools.length === 0 && blocks.some(({ toolUse }) => toolUse)) return undefined;
  const messages = data.messages.flatMap(({ role, content }) => {
    const results = content.flatMap(({ toolResult }) =>
      toolResult ? [{ role: "tool", text: textOf(toolResult.content) }] : []
    );
    const rest = content.filter(({ text }) => text !== undefined);
    const isSaid = rest.length > 0 || role === "assistant"; // calls without words are an answer
    return [...results, ...(isSaid ? [{ role, text: textOf(rest) }] : [])];
  });
  const isLast = messages.at(-1)?.text.endsWith("Call no tool.]") === true;
  return {
    model,
    system: textOf(data.system),
    messages: isLast ? messages.slice(0, -1) : messages,
    hasTools: tools.length > 0,
    tools: isLast ? [] : tools,
  };
}

function textOf(parts: readonly z.infer<typeof textSchema>[]): string {
  return parts.map(({ text }) => text ?? "").join("");
}

const STOP = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  content_filter: "content_filtered",
} as const;

/** One frame: both lengths with their checksum, headers, payload, checksum. */
export function frameOf(headers: Readonly<Record<string, string>>, payload: string): Uint8Array {
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(Buffer.byteLength(value));
      return Buffer.concat([
        Buffer.from([name.length]),
        Buffer.from(name),
        Buffer.from([7]),
        length,
        Buffer.from(value),
      ]);
    }),
  );
  const body = Buffer.from(payload);
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(16 + head.length + body.length, 0);
  prelude.writeUInt32BE(head.length, 4);
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
  const frame = Buffer.concat([prelude, head, body]);
  const end = Buffer.alloc(4);
  end.writeUInt32BE(crc32(frame));
  return Buffer.concat([frame, end]);
}

/** Writes the frames of the stream. */
export function bedrockFormat(
  _model: string,
  { input, cached }: ReportedTokens = { input: INPUT_TOKENS },
): WireFormat {
  let index = -1;
  let openBlock: string | undefined;
  const event = (type: string, payload: object) =>
    frameOf({
      ":event-type": type,
      ":content-type": "application/json",
      ":message-type": "event",
    }, JSON.stringify(payload));
  const close = () => {
    if (openBlock === undefined) return [];
    openBlock = undefined;
    return [event("contentBlockStop", { contentBlockIndex: index })];
  };
  /** Only a block of a tool has an event for its beginning. */
  const inBlock = (kind: string, delta: object, start?: object) => {
    const opened = openBlock === kind ? [] : close();
    if (openBlock !== kind) {
      openBlock = kind;
      index++;
      if (start) opened.push(event("contentBlockStart", { contentBlockIndex: index, start }));
    }
    return Buffer.concat([
      ...opened,
      event("contentBlockDelta", { contentBlockIndex: index, delta }),
    ]);
  };
  return {
    open: () => event("messageStart", { role: "assistant" }),
    text: (text) => inBlock("text", { text }),
    thought: (text) => inBlock("thought", { reasoningContent: { text } }),
    toolCall: ({ id, name, arguments: written }) =>
      inBlock(`tool ${index + 1}`, { toolUse: { input: written } }, {
        toolUse: { toolUseId: id, name },
      }),
    finish: (reason, outputTokens) =>
      Buffer.concat([
        ...close(),
        event("messageStop", { stopReason: STOP[reason] }),
        event("metadata", {
          usage: {
            inputTokens: input - (cached ?? 0),
            outputTokens,
            ...(cached !== undefined && { cacheReadInputTokens: cached }),
          },
        }),
      ]),
    error: (kind) => {
      const [type, message] = kind === "overloaded"
        ? ["serviceUnavailableException", "overloaded"]
        : ["validationException", "the model exploded"];
      const headers = { ":exception-type": type, ":message-type": "exception" };
      return frameOf(headers, JSON.stringify({ message }));
    },
    errorBody: (message) => JSON.stringify({ message }),
  };
}
