/**
 * Asks models through the AI SDK's providers. No other file uses these.
 *
 * The providers know the wire formats and follow their changes. Barnacle itself does retries,
 * time-outs and the classification of failures (`wire.ts`). This module does not use the SDK's
 * `streamText`: its tool loop cannot be stored step by step, and it costs more CPU time than the
 * rest of a reply. It makes a provider's model once, because the provider compiles its schemas each
 * time.
 *
 * For Anthropic, a request marks what the server shall keep in its cache: the system prompt with
 * the tools, and the conversation up to the newest message. Google's servers find equal beginnings
 * themselves.
 */

import type { createAnthropic } from "@ai-sdk/anthropic";
import {
  type FinishReason,
  ModelError,
  type ModelMessage,
  type ModelPart,
  type ModelRequest,
  type ToolCall,
  type ToolDefinition,
} from "../core/model.ts";
import { isRecord } from "../lib/text/quoted.ts";
import {
  argumentsOf,
  type CarriedFields,
  carriedIn,
  carriedText,
  createVisibleText,
  finishOf,
  nameOf,
  usageFrom,
} from "./answer_parts.ts";
import { brokenAnswerOf, readEventBody } from "./failures.ts";
import {
  endpointOf,
  modelIdOf,
  type ModelSettings,
  secretsOf,
  silenceMsOf,
  withQuery,
} from "./settings.ts";
import { createEventBody } from "./event_body.ts";
import { type Ask, createWire, type Omitted, type Wire, withoutFields } from "./wire.ts";
import {
  anthropicThinking,
  blocksIn,
  fieldsOfBlocks,
  googleThinking,
  takesThinking,
  type ThinkingBlock,
} from "./thinking.ts";

export type SdkModel = Pick<ReturnType<ReturnType<typeof createAnthropic>>, "doStream">;
type SdkOptions = Parameters<SdkModel["doStream"]>[0];
type SdkMessage = SdkOptions["prompt"][number];
/** Marks the end of a beginning that Anthropic shall cache. */
const CACHED = { anthropic: { cacheControl: { type: "ephemeral" } } } as const;

function sdkRequestOf(
  { system, messages, tools, mayCall = true, thinking, showsThinking }: ModelRequest,
  settings: ModelSettings,
): SdkOptions {
  const isAnthropic = settings.provider.kind === "anthropic";
  const level = isAnthropic && !takesThinking(messages) ? undefined : thinking;
  const conversation = grouped(messages.map(messageOf));
  const google = googleThinking({ thinking, showsThinking: showsThinking === true }, settings.name);
  return {
    prompt: [
      ...(system === "" ? [] : [{
        role: "system" as const,
        content: system,
        providerOptions: isAnthropic ? CACHED : undefined,
      }]),
      ...(isAnthropic ? withBreakpoints(conversation) : conversation),
    ],
    ...(tools && { tools: tools.map(toolOf) }),
    ...(isAnthropic && level !== undefined &&
      { providerOptions: { anthropic: { thinking: anthropicThinking(level) } } }),
    ...(!isAnthropic && Object.keys(google).length > 0 &&
      { providerOptions: { google: { thinkingConfig: google } } }),
    ...(!mayCall && { toolChoice: { type: "none" as const } }),
  };
}

/**
 * Marks up to three messages. Anthropic takes four marks, and the system prompt has one.
 *
 * - The newest message, and the newest of a person: later requests begin with these.
 * - The newest message of the request before. Anthropic looks back over 20 blocks only, and a step may
 *   have more. In a turn's first request, this is the earlier message of a person, because results
 *   after it may be shorter now.
 */
function withBreakpoints(messages: readonly SdkMessage[]): readonly SdkMessage[] {
  const newest = messages.length - 1;
  const asked = messages.findLastIndex(({ role }) => role === "user");
  const answered = messages.findLastIndex(({ role }) => role === "assistant");
  const before = asked === newest
    ? messages.findLastIndex(({ role }, at) => role === "user" && at < answered)
    : answered - 1;
  return messages.map((message, at) =>
    at === newest || at === asked || at === before
      ? { ...message, providerOptions: CACHED }
      : message
  );
}

/** Puts results of calls of one answer into one message, as Google wants them. */
function grouped(messages: readonly SdkMessage[]): readonly SdkMessage[] {
  const all: SdkMessage[] = [];
  for (const message of messages) {
    const last = all.at(-1);
    if (message.role === "tool" && last?.role === "tool") {
      all[all.length - 1] = { ...last, content: [...last.content, ...message.content] };
    } else if (message.content.length > 0) {
      all.push(message); // an answer without text and calls is none
    }
  }
  return all;
}

function messageOf(message: ModelMessage): SdkMessage {
  const { fields, calls: ofCalls } = carriedIn(message);
  const google = googleOptions(fields);
  const texts = message.text === ""
    ? []
    : [{ type: "text" as const, text: message.text, ...google }];
  switch (message.role) {
    case "user": {
      const images = (message.images ?? []).map(({ mediaType, data }) => ({
        type: "file" as const,
        mediaType,
        data: { type: "data" as const, data },
      }));
      return { role: "user", content: [...texts, ...images] };
    }
    case "assistant": {
      const { calls = [] } = message;
      const parts = calls.map((call, at) => ({ ...callOf(call), ...googleOptions(ofCalls[at]) }));
      return {
        role: "assistant",
        content: [...blocksIn(message).map(blockOf), ...texts, ...parts],
      };
    }
    case "tool": {
      const output = { type: "text" as const, value: message.text };
      const { id: toolCallId } = message.call;
      const toolName = nameOf(message.call);
      return { role: "tool", content: [{ type: "tool-result", toolCallId, toolName, output }] };
    }
  }
}

/** The SDK drops a block without a signature, so it gets one that the request's body loses again. */
const NONE = "barnacle:unsigned";
/** Such a signature in a body. A text has no quote without a backslash before it. */
const UNSIGNED = `,"signature":"${NONE}"`;

function blockOf(block: ThinkingBlock) {
  const [text, anthropic] = "redacted" in block
    ? ["", { redactedData: block.redacted }] as const
    : [block.text, { signature: block.signature ?? NONE }] as const;
  return { type: "reasoning" as const, text, providerOptions: { anthropic } };
}

function callOf(call: ToolCall) {
  const { id: toolCallId } = call;
  const toolName = nameOf(call);
  return { type: "tool-call" as const, toolCallId, toolName, input: argumentsOf(call) };
}

/** Google's signature of a part, if it carries one. */
function googleOptions({ thoughtSignature }: CarriedFields = {}) {
  return typeof thoughtSignature === "string"
    ? { providerOptions: { google: { thoughtSignature } } }
    : {};
}

function toolOf(
  { name, description, parameters: inputSchema }: ToolDefinition,
): NonNullable<SdkOptions["tools"]>[number] {
  return { type: "function", name, description, inputSchema };
}

/** Anthropic refuses a request that does not limit its answer. */
const ANTHROPIC_MAX_OUTPUT_TOKENS = 4_096;

type SdkStream = Awaited<ReturnType<SdkModel["doStream"]>>["stream"];
type SdkPart = SdkStream extends ReadableStream<infer Part> ? Part : never;
type SdkFinish = Extract<SdkPart, { type: "finish" }>;

export async function createSdkAsk(settings: ModelSettings): Promise<Ask> {
  const { provider } = settings;
  const modelId = modelIdOf(settings);
  const secrets = secretsOf(provider);
  const silenceMs = silenceMsOf(provider);
  const most = settings.maxOutputTokens ??
    (provider.kind === "anthropic" ? ANTHROPIC_MAX_OUTPUT_TOKENS : undefined);
  /** Running calls. A model has one `fetch`, which gets each call's signal. */
  const running = new WeakMap<AbortSignal, Call>();
  const model = await loadModel(settings, async (input, init) => {
    const call = init?.signal && running.get(init.signal);
    if (!call) throw new TypeError("The SDK asked without the signal of its call");
    const { wire, omit } = call;
    const { body } = init;
    const lean = typeof body === "string"
      ? withoutFields(body.replaceAll(UNSIGNED, ""), omit)
      : body;
    const url = withQuery(input instanceof Request ? input.url : String(input), provider);
    return responseOf(call, await wire.send(url, { ...init, body: lean }));
  });

  return async function* ask(request, signal) {
    signal.throwIfAborted();
    const wire = createWire({ modelId, secrets, silenceMs, onReading: request.onReading }, signal);
    // Only identifies the call; the wire aborts.
    const { signal: abortSignal } = new AbortController();
    const call: Call = { wire, omit: request.omit };
    running.set(abortSignal, call);
    const visible = createVisibleText();
    try {
      const { stream } = await model.doStream({
        ...sdkRequestOf(request, settings),
        abortSignal,
        ...(most !== undefined && { maxOutputTokens: most }),
      });
      for await (const part of answerOf(stream, visible, request.showsThinking === true, modelId)) {
        if (part.kind === "finish" && "fault" in call) throw new Error("the server sent an error");
        yield part;
      }
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      // The SDK's own errors contain the prompt, so they are not used.
      const isOwn = thrown instanceof ModelError && !("fault" in call);
      throw wire.failure() ??
        (isOwn ? thrown : brokenAnswerOf(call.fault, modelId, secrets, !visible.isEmpty()));
    } finally {
      wire.close();
    }
  };
}

interface Call {
  readonly wire: Wire;
  readonly omit: Omitted;
  /** An event or a body of the server that is no answer. */
  fault?: unknown;
}

/** A response whose body the wire reads. The SDK gets parts of an answer alone, in one form. */
function responseOf(call: Call, { status }: Response): Response {
  const { wire } = call;
  let read = "";
  const events = createEventBody((data, type) => {
    const answer = readEventBody(data, type);
    if ("fault" in answer) {
      if (answer.fault !== undefined) call.fault ??= answer.fault;
      return; // else it is no JSON, as `[DONE]`
    }
    // Google's answers without a stream are a list of its events.
    for (const part of [answer.value].flat()) read += `data: ${JSON.stringify(inForm(part))}\n\n`;
  });
  const body = new ReadableStream<string>({
    async pull(controller) {
      try {
        read = "";
        let isOver = false;
        while (read === "" && !isOver) {
          const bytes = await wire.read();
          events.read(bytes, false);
          isOver = !bytes || "fault" in call;
        }
        if (read !== "") controller.enqueue(read);
        if (isOver) controller.close();
      } catch (thrown) {
        controller.error(thrown);
      }
    },
    cancel: () => wire.close(),
  });
  const headers = { "content-type": "text/event-stream" };
  return new Response(body.pipeThrough(new TextEncoderStream()), { status, headers });
}

/** The same with the counts that the SDK wants, and without `null`, but for arguments of a call. */
function inForm(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inForm);
  if (!isRecord(value)) return value;
  const fields = Object.entries(value).filter(([, one]) => one !== null)
    .map(([name, one]) => [name, /^(?:args|input)$/.test(name) ? one : inForm(one)] as const);
  const { usage, ...others } = Object.fromEntries(fields);
  const isBegin = others["type"] === "message";
  if (!isBegin && others["type"] !== "message_delta") return Object.fromEntries(fields);
  const counts = { ...(isBegin && { input_tokens: 0 }), output_tokens: 0, ...Object(usage) };
  return { ...others, usage: counts };
}

/**
 * Reads the SDK's parts once. With a second reader, the stream would keep the whole answer in
 * memory.
 */
async function* answerOf(
  parts: SdkStream,
  visible: ReturnType<typeof createVisibleText>,
  showsThinking: boolean,
  modelId: string,
): AsyncGenerator<ModelPart, void> {
  const calls: ToolCall[] = [];
  const callFields: CarriedFields[] = [];
  const thoughts = createThoughts();
  for await (const part of parts) {
    if (part.type === "error") throw part.error;
    const thought = thoughts.take(part);
    if (showsThinking && thought !== "") yield { kind: "thinking", text: thought };
    if (part.type === "text-delta") {
      const text = visible.add(part.delta);
      if (text !== "") yield { kind: "text", text };
    }
    if (part.type === "tool-call") {
      calls.push({ id: part.toolCallId, name: part.toolName, arguments: part.input });
      callFields.push(signatureOf(part));
    }
    if (part.type !== "finish") continue;
    const carried = carriedText(thoughts.fields(), callFields);
    const reason = finishReasonOf(part.finishReason);
    const { inputTokens: input, outputTokens: output } = part.usage;
    const usage = usageFrom(input.total, output.total, input.cacheRead);
    yield finishOf(reason, calls, !visible.isEmpty(), { modelId, usage, carried });
    return;
  }
  // The SDK also ends a stream like this when its caller aborts.
  yield finishOf(undefined, calls, !visible.isEmpty(), { modelId });
}

/** Collects the thinking of Anthropic's API, and the signature of Google's texts. */
function createThoughts() {
  const blocks: ThinkingBlock[] = [];
  let signed: CarriedFields = {};
  let block: { text: string; signature?: string } = { text: "" };
  return {
    /** @returns The thinking in a part; often empty. */
    take(part: SdkPart): string {
      const metadata = "providerMetadata" in part ? part.providerMetadata ?? {} : {};
      if (part.type.startsWith("text-")) signed = { ...signed, ...signatureOf(part) };
      const { signature, redactedData } = metadata["anthropic"] ?? {};
      if (typeof redactedData === "string") blocks.push({ redacted: redactedData });
      if (typeof signature === "string") block.signature = signature;
      if (part.type === "reasoning-delta") block.text += part.delta;
      if (part.type === "reasoning-end") {
        if (block.text !== "" || block.signature !== undefined) blocks.push(block);
        block = { text: "" };
      }
      return part.type === "reasoning-delta" ? part.delta : "";
    },
    fields: (): CarriedFields => ({ ...fieldsOfBlocks(blocks), ...signed }),
  };
}

/** Loads the package at its first use. Without a key, it would look for one in the environment. */
async function loadModel(
  { provider, name }: ModelSettings,
  fetch: typeof globalThis.fetch,
): Promise<SdkModel> {
  const options = {
    baseURL: endpointOf(provider),
    headers: { ...provider.headers },
    fetch,
    apiKey: provider.apiKey ?? "",
  };
  if (provider.kind === "google") {
    const { createGoogleGenerativeAI } = await import("@ai-sdk/google");
    return createGoogleGenerativeAI(options)(name);
  }
  const { createAnthropic } = await import("@ai-sdk/anthropic");
  return createAnthropic(options)(name);
}

/** The signature that Google's models add to a call or a text, and want back with it. */
function signatureOf(part: SdkPart): CarriedFields {
  const metadata = "providerMetadata" in part ? part.providerMetadata ?? {} : {};
  const { thoughtSignature } = metadata["google"] ?? {};
  return typeof thoughtSignature === "string" ? { thoughtSignature } : {};
}

/** @returns `undefined` if the server gave no reason. */
function finishReasonOf({ unified, raw }: SdkFinish["finishReason"]): FinishReason | undefined {
  if (raw === undefined) return undefined;
  if (unified === "content-filter") return "content_filter";
  if (unified === "tool-calls") return "tool_calls";
  return unified === "stop" || unified === "length" ? unified : "other";
}
