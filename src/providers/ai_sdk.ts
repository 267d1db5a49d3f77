/**
 * One model call through the AI SDK: the one file that knows it.
 *
 * The SDK knows the wire formats and follows their changes. Everything else is
 * kept from it: retries and time-outs are ours, so is the naming of failures
 * (`wire.ts`), and nothing of it loads before the first call.
 *
 * @module
 */

import { type FinishReason as SdkFinishReason, type LanguageModel, streamText } from "ai";
import {
  type FinishReason,
  ModelError,
  type ModelPart,
  type ModelRequest,
  type ModelUsage,
} from "../core/model.ts";
import { brokenOffOf } from "./failures.ts";
import { endpointOf, modelIdOf, type ModelSettings, secretsOf } from "./settings.ts";
import { createThinkingFilter } from "./thinking.ts";
import { openWire, type Wire, type WireTimeouts } from "./wire.ts";

/** Anthropic refuses a request that does not say how much may be answered. */
const ANTHROPIC_MAX_OUTPUT_TOKENS = 4_096;

// The SDK would write its warnings past our log, to the console.
globalThis.AI_SDK_LOG_WARNINGS = false;

export interface AskDeps {
  readonly fetch: typeof globalThis.fetch;
  readonly timeouts: WireTimeouts;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/**
 * Asks once, and streams what is meant to be read: neither thinking nor calls of
 * tools that nobody offered.
 *
 * @throws {ModelError} As {@link ModelPart}'s port has it, or the signal's reason.
 */
export async function* ask(
  settings: ModelSettings,
  request: ModelRequest,
  signal: AbortSignal,
  { fetch, timeouts, now }: AskDeps,
): AsyncGenerator<ModelPart, void> {
  signal.throwIfAborted();
  const modelId = modelIdOf(settings);
  const secrets = secretsOf(settings.provider);
  const wire = openWire({ modelId, secrets, timeouts, fetch, now });
  // A reader that stops reading closes the connection too.
  const stop = new AbortController();
  try {
    const { stream } = streamText({
      model: await languageModel(settings, wire),
      ...(request.system !== "" && { instructions: request.system }),
      messages: request.messages.map(({ role, text }) => ({ role, content: text })),
      maxRetries: 0,
      abortSignal: AbortSignal.any([signal, stop.signal]),
      ...maxOutputOf(settings),
      onError: () => {}, // the stream brings it too; without this it goes to the console
    });
    yield* answerOf(stream, modelId, secrets);
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    throw wire.failure() ??
      (thrown instanceof ModelError ? thrown : brokenOffOf(sentIn(thrown), modelId, secrets));
  } finally {
    stop.abort();
  }
}

/** Reads the SDK's parts once; a second reader would make it keep the whole answer. */
async function* answerOf(
  parts: ReturnType<typeof streamText>["stream"],
  modelId: string,
  secrets: readonly string[],
): AsyncGenerator<ModelPart, void> {
  const visible = createThinkingFilter();
  let isEmpty = true;
  for await (const part of parts) {
    if (part.type === "error") throw brokenOffOf(sentIn(part.error), modelId, secrets);
    const text = part.type === "text-delta"
      ? visible.push(part.text)
      : part.type === "finish"
      ? visible.end()
      : "";
    if (text !== "") {
      isEmpty = false;
      yield { kind: "text", text };
    }
    if (part.type !== "finish") continue;
    const reason = finishReasonOf(part.finishReason);
    const fault = faultOf(reason, part.rawFinishReason, isEmpty);
    if (fault) throw new ModelError(`${modelId} ${fault.what}`, { kind: fault.kind, modelId });
    const usage = usageOf(part.totalUsage);
    yield { kind: "finish", reason, ...(usage && { usage }) };
    return;
  }
  // Also how the SDK ends a stream that its caller aborted.
  throw new ModelError(`${modelId} ended its answer early`, { kind: "not_an_answer", modelId });
}

/** The server's error object within the SDK's error; the rest of that holds the prompt. */
function sentIn(error: unknown): unknown {
  return error instanceof Error && "data" in error ? error.data : undefined;
}

/** The vendor's half; each package loads at its first use. */
async function languageModel(
  { provider, name }: ModelSettings,
  wire: Wire,
): Promise<Exclude<LanguageModel, string>> {
  const settings = {
    baseURL: endpointOf(provider.baseUrl),
    headers: { ...provider.headers },
    fetch: wire.fetch,
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
  { inputTokens, outputTokens }: {
    readonly inputTokens: number | undefined;
    readonly outputTokens: number | undefined;
  },
): ModelUsage | undefined {
  return inputTokens === undefined || outputTokens === undefined
    ? undefined
    : { inputTokens, outputTokens };
}
