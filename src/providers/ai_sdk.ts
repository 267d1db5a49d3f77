/**
 * Asks models through the AI SDK's providers. No other file uses these.
 *
 * The providers know the wire formats and follow their changes. Barnacle itself does retries,
 * time-outs and the classification of failures (`wire.ts`). This module does not use the SDK's
 * `streamText`: its tool loop cannot be stored step by step, and it costs more CPU time than the
 * rest of a reply. It makes a provider's model once, because the provider compiles its schemas each
 * time.
 *
 * @module
 */

import type { createAnthropic } from "@ai-sdk/anthropic";
import {
  type FinishReason,
  ModelError,
  type ModelMessage,
  type ModelPart,
  type ModelRequest,
  type ModelUsage,
  type ToolCall,
  type ToolDefinition,
} from "../core/model.ts";
import type { Ask, AskDeps } from "./ask.ts";
import { createVisibleText, endingFault } from "./endings.ts";
import { brokenAnswerOf } from "./failures.ts";
import { endpointOf, modelIdOf, type ModelSettings, secretsOf } from "./settings.ts";
import { argumentsOf, nameOf, withIds } from "./tool_calls.ts";
import { createWire, type Wire } from "./wire.ts";

/** Anthropic refuses a request that does not limit its answer. */
const ANTHROPIC_MAX_OUTPUT_TOKENS = 4_096;

/** The part of a provider's model that all providers have. */
type SdkModel = Pick<ReturnType<ReturnType<typeof createAnthropic>>, "doStream">;
type SdkStream = Awaited<ReturnType<SdkModel["doStream"]>>["stream"];
type SdkPart = SdkStream extends ReadableStream<infer Part> ? Part : never;
type SdkFinish = Extract<SdkPart, { type: "finish" }>;
type SdkOptions = Parameters<SdkModel["doStream"]>[0];
type SdkPrompt = SdkOptions["prompt"];
type SdkTool = NonNullable<SdkOptions["tools"]>[number];

/** Creates the `Ask` of one model. */
export async function createSdkAsk(settings: ModelSettings, deps: AskDeps): Promise<Ask> {
  const modelId = modelIdOf(settings);
  const secrets = secretsOf(settings.provider);
  /** Running calls. A model has one `fetch`, which gets each call's signal. */
  const wires = new WeakMap<AbortSignal, Wire>();
  const model = await anthropicModel(settings, async (input, init) => {
    const wire = init?.signal && wires.get(init.signal);
    if (!wire) throw new TypeError("The SDK asked without the signal of its call");
    return responseOf(wire, await wire.send(input, init));
  });

  return async function* ask(request, signal) {
    signal.throwIfAborted();
    const wire = createWire({ ...deps, modelId, secrets }, signal);
    // Only identifies the call; the wire aborts.
    const { signal: abortSignal } = new AbortController();
    wires.set(abortSignal, wire);
    try {
      const { stream } = await model.doStream({
        prompt: promptOf(request),
        ...(request.tools && { tools: request.tools.map(toolOf) }),
        ...(request.mayCall === false && { toolChoice: { type: "none" as const } }),
        abortSignal,
        maxOutputTokens: settings.maxOutputTokens ?? ANTHROPIC_MAX_OUTPUT_TOKENS,
      });
      yield* answerOf(stream, modelId, secrets);
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      throw wire.failure() ??
        (thrown instanceof ModelError ? thrown : brokenAnswerOf(sentIn(thrown), modelId, secrets));
    } finally {
      wire.close();
    }
  };
}

/** A response whose body the wire reads. */
function responseOf(wire: Wire, { status, headers }: Response): Response {
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const bytes = await wire.read();
        if (bytes) controller.enqueue(bytes);
        else controller.close();
      } catch (thrown) {
        controller.error(thrown);
      }
    },
    cancel: () => wire.close(),
  });
  return new Response(body, { status, headers });
}

function promptOf({ system, messages }: ModelRequest): SdkPrompt {
  return [
    ...(system === "" ? [] : [{ role: "system" as const, content: system }]),
    ...withAnthropicIds(messages).map(messageOf),
  ];
}

/**
 * Gives calls ids that Anthropic accepts: few characters, and no id twice in a conversation. The
 * transcript may have ids of other servers.
 */
function withAnthropicIds(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  const used = new Set<string>();
  let renamed = new Map<string, ToolCall>(); // calls of the newest answer
  const rename = (call: ToolCall): ToolCall => {
    const plain = call.id.replace(/[^\w-]/g, "_") || "call";
    let id = plain;
    for (let at = 2; used.has(id); at++) id = `${plain}_${at}`;
    used.add(id);
    const mine = { ...call, id };
    renamed.set(call.id, mine);
    return mine;
  };
  return messages.map((message) => {
    switch (message.role) {
      case "user":
        return message;
      case "assistant":
        if (!message.calls) return message;
        renamed = new Map();
        return { ...message, calls: message.calls.map(rename) };
      case "tool":
        return { ...message, call: renamed.get(message.call.id) ?? message.call };
    }
  });
}

function messageOf(message: ModelMessage): SdkPrompt[number] {
  const text = { type: "text" as const, text: message.text };
  switch (message.role) {
    case "user":
      return { role: "user", content: [text] };
    case "assistant": {
      const calls = (message.calls ?? []).map((call) => ({
        type: "tool-call" as const,
        toolCallId: call.id,
        toolName: nameOf(call),
        input: argumentsOf(call),
      }));
      // Anthropic refuses an empty text.
      return { role: "assistant", content: message.text === "" ? calls : [text, ...calls] };
    }
    case "tool": {
      const output = { type: "text" as const, value: message.text };
      const { id: toolCallId } = message.call;
      const toolName = nameOf(message.call);
      return {
        role: "tool",
        content: [{ type: "tool-result", toolCallId, toolName, output }],
      };
    }
  }
}

function toolOf({ name, description, parameters: inputSchema }: ToolDefinition): SdkTool {
  return { type: "function", name, description, inputSchema };
}

/**
 * Reads the SDK's parts once. With a second reader, the stream would keep the whole answer in
 * memory.
 */
async function* answerOf(
  parts: SdkStream,
  modelId: string,
  secrets: readonly string[],
): AsyncGenerator<ModelPart, void> {
  const visible = createVisibleText();
  const calls: ToolCall[] = [];
  for await (const part of parts) {
    if (part.type === "error") throw brokenAnswerOf(sentIn(part.error), modelId, secrets);
    if (part.type === "text-delta") {
      const text = visible.add(part.delta);
      if (text !== "") yield { kind: "text", text };
    }
    if (part.type === "tool-call") {
      calls.push({ id: part.toolCallId, name: part.toolName, arguments: part.input });
    }
    if (part.type !== "finish") continue;
    const reason = finishReasonOf(part.finishReason);
    const fault = endingFault(reason, visible.isEmpty() && calls.length === 0, modelId);
    if (fault || !reason) throw fault;
    const usage = usageOf(part.usage);
    const isWhole = reason === "tool_calls" && calls.length > 0;
    yield {
      kind: "finish",
      reason,
      ...(isWhole && { calls: withIds(calls) }),
      ...(usage && { usage }),
    };
    return;
  }
  // The SDK also ends a stream like this when its caller aborts.
  throw endingFault(undefined, visible.isEmpty(), modelId);
}

/** The server's error object. The SDK's own errors contain the prompt, so they are not used. */
function sentIn(error: unknown): unknown {
  if (typeof error !== "object" || error === null) return undefined;
  if ("data" in error) return error.data;
  return error instanceof Error ? undefined : error;
}

/** Loads the package at its first use. */
async function anthropicModel(
  { provider, name }: ModelSettings,
  fetch: typeof globalThis.fetch,
): Promise<SdkModel> {
  const { createAnthropic } = await import("@ai-sdk/anthropic");
  return createAnthropic({
    baseURL: endpointOf(provider.baseUrl),
    headers: { ...provider.headers },
    fetch,
    apiKey: provider.apiKey ?? "", // without it, the package looks for a key in the environment
  })(name);
}

/** @returns `undefined` if the server gave no reason. */
function finishReasonOf({ unified, raw }: SdkFinish["finishReason"]): FinishReason | undefined {
  if (raw === undefined) return undefined;
  switch (unified) {
    case "stop":
    case "length":
      return unified;
    case "content-filter":
      return "content_filter";
    case "tool-calls":
      return "tool_calls";
    case "error":
    case "interrupted":
    case "other":
      return "other";
  }
}

function usageOf(
  { inputTokens: { total: inputTokens }, outputTokens: { total: outputTokens } }:
    SdkFinish["usage"],
): ModelUsage | undefined {
  return inputTokens === undefined || outputTokens === undefined
    ? undefined
    : { inputTokens, outputTokens };
}
