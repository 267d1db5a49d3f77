/**
 * Model calls through the AI SDK's providers: the one file that knows them.
 *
 * The providers know the wire formats and follow their changes. Everything else
 * is kept from the SDK: retries and time-outs are ours, so is the naming of
 * failures (`wire.ts`). Its `streamText` is left out on purpose: it adds a tool
 * loop, of which a turn of one step has no use, and costs more CPU time than all the rest of a
 * reply. A provider's model is made once, for it compiles its schemas anew.
 *
 * @module
 */

import type { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
  type FinishReason,
  ModelError,
  type ModelPart,
  type ModelRequest,
  type ModelUsage,
} from "../core/model.ts";
import { brokenOffOf } from "./failures.ts";
import { endpointOf, modelIdOf, type ModelSettings, secretsOf } from "./settings.ts";
import { openWire, type Wire, type WireTimeouts } from "./wire.ts";

/** Anthropic refuses a request that does not say how much may be answered. */
const ANTHROPIC_MAX_OUTPUT_TOKENS = 4_096;

/** What every provider's model can do. */
type SdkModel = Pick<
  ReturnType<ReturnType<typeof createOpenAICompatible>["chatModel"]>,
  "doStream"
>;
type SdkStream = Awaited<ReturnType<SdkModel["doStream"]>>["stream"];
type SdkPart = SdkStream extends ReadableStream<infer Part> ? Part : never;
type SdkFinishReason = Extract<SdkPart, { type: "finish" }>["finishReason"]["unified"];
type SdkPrompt = Parameters<SdkModel["doStream"]>[0]["prompt"];

export interface AskDeps {
  readonly fetch: typeof globalThis.fetch;
  readonly timeouts: WireTimeouts;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/**
 * Asks once, and streams the words of the answer: no calls of tools that nobody offered, and no
 * thinking that the server keeps apart; what it left in is `render/visible.ts`'s to take out.
 *
 * @throws {ModelError} As {@link ModelPart}'s port has it, or the signal's reason.
 */
export type Ask = (
  request: ModelRequest,
  signal: AbortSignal,
) => AsyncGenerator<ModelPart, void>;

/** Makes the model that the settings name. */
export async function createAsk(
  settings: ModelSettings,
  { fetch, timeouts, now }: AskDeps,
): Promise<Ask> {
  const modelId = modelIdOf(settings);
  const secrets = secretsOf(settings.provider);
  /** Of the calls under way: a model has one `fetch`, and hands it each call's signal. */
  const wires = new WeakMap<AbortSignal, Wire>();
  const model = await sdkModel(settings, (input, init) => {
    const wire = init?.signal && wires.get(init.signal);
    if (!wire) throw new TypeError("The SDK asked without the signal of its call");
    return wire.fetch(input, init);
  });

  return async function* ask(request, signal) {
    signal.throwIfAborted();
    const wire = openWire({ modelId, secrets, timeouts, fetch, now });
    // A reader that stops reading closes the connection too.
    const stop = new AbortController();
    const abortSignal = AbortSignal.any([signal, stop.signal]);
    wires.set(abortSignal, wire);
    try {
      const { stream } = await model.doStream({
        prompt: promptOf(request),
        abortSignal,
        ...maxOutputOf(settings),
      });
      yield* answerOf(stream, modelId, secrets);
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      throw wire.failure() ??
        (thrown instanceof ModelError ? thrown : brokenOffOf(sentIn(thrown), modelId, secrets));
    } finally {
      stop.abort();
    }
  };
}

function promptOf({ system, messages }: ModelRequest): SdkPrompt {
  return [
    ...(system === "" ? [] : [{ role: "system" as const, content: system }]),
    ...messages.map(({ role, text }) => ({ role, content: [{ type: "text" as const, text }] })),
  ];
}

/** Reads the SDK's parts once; a second reader would make it keep the whole answer. */
async function* answerOf(
  parts: SdkStream,
  modelId: string,
  secrets: readonly string[],
): AsyncGenerator<ModelPart, void> {
  let isEmpty = true;
  let blank = ""; // held back: the first piece that is told is something to be seen
  for await (const part of parts) {
    if (part.type === "error") throw brokenOffOf(sentIn(part.error), modelId, secrets);
    if (part.type === "text-delta") {
      const text = blank + part.delta;
      blank = text.trim() === "" ? text : "";
      if (blank !== text) yield { kind: "text", text };
      isEmpty &&= blank === text;
    }
    if (part.type !== "finish") continue;
    const reason = finishReasonOf(part.finishReason.unified);
    const fault = faultOf(reason, part.finishReason.raw, isEmpty);
    if (fault) throw new ModelError(`${modelId} ${fault.what}`, { kind: fault.kind, modelId });
    const usage = usageOf(part.usage);
    yield { kind: "finish", reason, ...(usage && { usage }) };
    return;
  }
  // Also how the SDK ends a stream that its caller aborted.
  throw new ModelError(`${modelId} ended its answer early`, { kind: "not_an_answer", modelId });
}

/** The server's error object: in a provider's error, or as it came; the SDK's own errors hold the prompt. */
function sentIn(error: unknown): unknown {
  if (typeof error !== "object" || error === null) return undefined;
  if ("data" in error) return error.data;
  return error instanceof Error ? undefined : error;
}

/** The vendor's half; each package loads at its first use. */
async function sdkModel(
  { provider, name }: ModelSettings,
  fetch: typeof globalThis.fetch,
): Promise<SdkModel> {
  const settings = {
    baseURL: endpointOf(provider.baseUrl),
    headers: { ...provider.headers },
    fetch,
  };
  switch (provider.kind) {
    case "openai-compatible": {
      const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
      return createOpenAICompatible({
        ...settings,
        name: provider.id,
        includeUsage: true,
        ...(provider.apiKey !== undefined && { apiKey: provider.apiKey }),
      }).chatModel(name);
    }
    case "anthropic": {
      const { createAnthropic } = await import("@ai-sdk/anthropic");
      // Left out, the package would look for a key in the environment.
      return createAnthropic({ ...settings, apiKey: provider.apiKey ?? "" })(name);
    }
  }
}

function maxOutputOf({ provider, maxOutputTokens }: ModelSettings) {
  const most = maxOutputTokens ??
    (provider.kind === "anthropic" ? ANTHROPIC_MAX_OUTPUT_TOKENS : undefined);
  return most === undefined ? {} : { maxOutputTokens: most };
}

function finishReasonOf(reason: SdkFinishReason): FinishReason {
  switch (reason) {
    case "stop":
    case "length":
      return reason;
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

/** Why what ended in good order is no answer all the same. */
function faultOf(
  reason: FinishReason,
  rawReason: string | undefined,
  isEmpty: boolean,
): { readonly kind: "not_an_answer" | "rejected"; readonly what: string } | undefined {
  if (rawReason === undefined) return { kind: "not_an_answer", what: "ended its answer early" };
  if (!isEmpty || reason === "tool_calls") return undefined;
  switch (reason) {
    case "content_filter":
      return { kind: "rejected", what: "withheld its answer: its content filter stepped in" };
    case "length":
      return { kind: "not_an_answer", what: "used up its tokens before it said a word" };
    case "stop":
    case "other":
      return { kind: "not_an_answer", what: "answered without a word" };
  }
}

function usageOf(
  { inputTokens: { total: inputTokens }, outputTokens: { total: outputTokens } }: Extract<
    SdkPart,
    { type: "finish" }
  >["usage"],
): ModelUsage | undefined {
  return inputTokens === undefined || outputTokens === undefined
    ? undefined
    : { inputTokens, outputTokens };
}
