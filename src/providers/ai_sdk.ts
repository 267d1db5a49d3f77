/**
 * Asks models through the AI SDK's providers. No other file uses these.
 *
 * The providers know the wire formats and follow their changes. Barnacle itself does retries,
 * time-outs and the classification of failures (`wire.ts`). This module does not use the SDK's
 * `streamText`: its tool loop cannot be stored step by step, and it costs more CPU time than the
 * rest of a reply. It makes a provider's model once, because the provider compiles its schemas each
 * time.
 */

import { type FinishReason, ModelError, type ModelPart, type ToolCall } from "../core/model.ts";
import { type Ask, type AskDeps, createWire, type Wire } from "./wire.ts";
import { createVisibleText, fieldsOf, finishOf, usageFrom } from "./answer_parts.ts";
import { type CarriedFields, carriedText } from "./carried/carried.ts";
import { brokenAnswerOf, faultIn } from "./failures.ts";
import { parseForeignJson } from "../lib/text/json.ts";
import { type SdkModel, sdkRequestOf, UNSIGNED } from "./sdk_prompt.ts";
import {
  endpointOf,
  modelIdOf,
  type ModelSettings,
  secretsOf,
  sessionHeaderOf,
} from "./settings.ts";
import { fieldsOfBlocks, type ThinkingBlock } from "./thinking.ts";
import { type Omitted, withoutFields } from "./without_fields.ts";

/** Anthropic refuses a request that does not limit its answer. */
const ANTHROPIC_MAX_OUTPUT_TOKENS = 4_096;

type SdkStream = Awaited<ReturnType<SdkModel["doStream"]>>["stream"];
type SdkPart = SdkStream extends ReadableStream<infer Part> ? Part : never;
type SdkFinish = Extract<SdkPart, { type: "finish" }>;

export async function createSdkAsk(settings: ModelSettings, deps: AskDeps): Promise<Ask> {
  const modelId = modelIdOf(settings);
  const secrets = secretsOf(settings.provider);
  /** Running calls. A model has one `fetch`, which gets each call's signal. */
  const wires = new WeakMap<AbortSignal, { readonly wire: Wire; readonly omit: Omitted }>();
  const model = await loadModel(settings, async (input, init) => {
    const call = init?.signal && wires.get(init.signal);
    if (!call) throw new TypeError("The SDK asked without the signal of its call");
    const { wire, omit } = call;
    const { body } = init;
    const lean = typeof body === "string"
      ? withoutFields(body.replaceAll(UNSIGNED, ""), omit)
      : body;
    return responseOf(wire, await wire.send(input, { ...init, body: lean }));
  });

  return async function* ask(request, signal) {
    signal.throwIfAborted();
    const wire = createWire({ ...deps, modelId, secrets, onReading: request.onReading }, signal);
    // Only identifies the call; the wire aborts.
    const { signal: abortSignal } = new AbortController();
    wires.set(abortSignal, { wire, omit: request.omit });
    const session = sessionHeaderOf(settings.provider, request);
    try {
      const { stream } = await model.doStream({
        ...sdkRequestOf(request, settings),
        abortSignal,
        ...maxOutputOf(settings),
        ...(session && { headers: { [session.name]: session.value } }),
      });
      yield* answerOf(stream, request.showsThinking === true, modelId, secrets);
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

/**
 * Reads the SDK's parts once. With a second reader, the stream would keep the whole answer in
 * memory.
 */
async function* answerOf(
  parts: SdkStream,
  showsThinking: boolean,
  modelId: string,
  secrets: readonly string[],
): AsyncGenerator<ModelPart, void> {
  const visible = createVisibleText();
  const calls: ToolCall[] = [];
  const callFields: CarriedFields[] = [];
  const thoughts = createThoughts();
  for await (const part of parts) {
    if (part.type === "error") {
      throw brokenAnswerOf(sentIn(part.error), modelId, secrets, !visible.isEmpty());
    }
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
    const usage = usageOf(part.usage);
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

/** What the server sent. The SDK's own errors contain the prompt, so they are not used. */
function sentIn(error: unknown): unknown {
  if (typeof error !== "object" || error === null) return undefined;
  const { responseBody, data, value } = fieldsOf(error); // of a body, or an event of another form
  if (typeof responseBody === "string") return parseForeignJson(responseBody) ?? data;
  const sent = data ?? value;
  return sent !== undefined ? faultIn(sent) : error instanceof Error ? undefined : error;
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

function maxOutputOf(
  { provider: { kind }, maxOutputTokens }: ModelSettings,
): { readonly maxOutputTokens?: number } {
  const most = maxOutputTokens ??
    (kind === "anthropic" ? ANTHROPIC_MAX_OUTPUT_TOKENS : undefined);
  return most === undefined ? {} : { maxOutputTokens: most };
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

function usageOf({ inputTokens: input, outputTokens: output }: SdkFinish["usage"]) {
  return usageFrom(input.total, output.total, input.cacheRead);
}
