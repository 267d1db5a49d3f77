/**
 * Asks a server what a model can do (L4): its context window, its longest answer, images and tools.
 *
 * Each kind of server tells it elsewhere, and some tell nothing. No request here costs tokens.
 *
 * `tryModel` plays a turn of two steps as the bot would, and measures it (`barnacle model test`).
 * The second step sends the model's answer and a tool's result back: some servers refuse only that.
 */

import { Buffer } from "node:buffer";
import {
  type Abilities,
  ModelError,
  type ModelImage,
  type ModelMessage,
  type ModelRequest,
  type ModelUsage,
  type RefusedPart,
  type ToolCall,
  type ToolDefinition,
} from "../../core/model.ts";
import type { Clock } from "../../lib/clock.ts";
import { fieldsOf } from "../answer_parts.ts";
import type { ToldAbilities } from "../models.ts";
import type { FittedModel } from "../refused/plainer_requests.ts";
import { endpointOf, isOpenai, isPaid, type ModelSettings } from "../settings.ts";
import { credentialsOf, readAbout } from "./check.ts";

const RED_PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAQAAAAEAAQMAAABmvDolAAAAA1BMVEX/AAAZ4gk3AAAAH0lEQVR42u3BAQ0AAADC" +
  "oPdPbQ43oAAAAAAAAAAAvg0hAAABYOSdlwAAAABJRU5ErkJggg==";

/** A picture that each model with images takes: a red square of 256 by 256 pixels. */
const RED_SQUARE: ModelImage = {
  mediaType: "image/png",
  data: new Uint8Array(Buffer.from(RED_PNG, "base64")),
};

const SMALL_TOOL: ToolDefinition = {
  name: "report_colour",
  description: "Reports the colour of the image.",
  parameters: {
    type: "object",
    properties: { colour: { type: "string", description: "One English word." } },
    required: ["colour"],
    additionalProperties: false,
  },
};

/** The result of a turn. Times are milliseconds. */
export interface TriedModel {
  /** Until the first text or call of the first step, whose prompt is as long as that of a turn. */
  readonly firstMs: number;
  /** Until the end of the first step. */
  readonly totalMs: number;
  readonly tools: boolean;
  readonly images: boolean;
  /** Whether it answers after a tool's result; absent if it called no tool. */
  readonly secondStep?: boolean;
  /** Whether its text came in several pieces; absent if there was too little text. */
  readonly streams?: boolean;
  readonly refused: readonly Omit<RefusedPart, "modelId" | "at">[];
  /** Tokens of the first step; absent if the server reports none. */
  readonly usage?: ModelUsage;
}

const QUESTION: ModelMessage = {
  role: "user",
  text: "This tests a connection. Which one colour fills the image? Call the tool " +
    "`report_colour` with its English name, in one word. If you see no image, call it with the " +
    "word none.",
  images: [RED_SQUARE],
};

const RESULT = "Noted. Now write two sentences about the sea, and call no tool.";

/** Fewest UTF-16 units of a text that a server streams in several pieces. */
const STREAMED_CHARS = 40;

/**
 * Plays the turn.
 *
 * @param prompt System prompt and tools of a turn.
 * @param now Milliseconds of a clock that never goes back.
 * @throws {ModelError} If the model gives no answer, however small the request is.
 */
export async function tryModel(
  model: FittedModel,
  prompt: { readonly system: string; readonly tools: readonly ToolDefinition[] },
  now: Clock["now"],
  signal: AbortSignal,
): Promise<TriedModel> {
  const request: ModelRequest = {
    system: prompt.system,
    messages: [QUESTION],
    tools: [...prompt.tools, SMALL_TOOL],
  };
  const first = await askOnce(model, request, now, signal);
  const { said, calls, carried: _, pieces, usage, ...times } = first;
  const tools = calls.some(({ name }) => name === SMALL_TOOL.name);
  const refused: Omit<RefusedPart, "modelId" | "at">[] = [];
  const second = tools
    ? await askOnce(model, withResults(request, first), now, signal).catch((error: unknown) => {
      if (!(error instanceof ModelError)) throw error;
      const part = "its own answer with the result of a tool";
      refused.push({ part, fix: "update the server, or set another model", reason: error.message });
      return undefined;
    })
    : undefined;
  const last = second ?? { said, pieces };
  const written = calls.map((call) => call.arguments).join(" ");
  return {
    ...times,
    tools,
    images: model.takesImages !== false &&
      /\b(?:red|crimson|scarlet)\b/i.test(`${said} ${written}`),
    ...(tools && { secondStep: second !== undefined && second.said.trim() !== "" }),
    ...(last.said.length >= STREAMED_CHARS && { streams: last.pieces > 1 }),
    refused: [...model.refused(), ...refused],
    usage,
  };
}

interface TriedStep extends Pick<TriedModel, "firstMs" | "totalMs" | "usage"> {
  readonly said: string;
  readonly calls: readonly ToolCall[];
  readonly carried?: string;
  readonly pieces: number;
}

function withResults(
  request: ModelRequest,
  { said: text, calls, carried }: TriedStep,
): ModelRequest {
  const results = calls.map((call): ModelMessage => ({ role: "tool", call, text: RESULT }));
  return {
    ...request,
    messages: [...request.messages, { role: "assistant", text, calls, carried }, ...results],
  };
}

async function askOnce(
  model: FittedModel,
  request: ModelRequest,
  now: Clock["now"],
  signal: AbortSignal,
): Promise<TriedStep> {
  const startedAt = now();
  let firstMs: number | undefined;
  let said = "";
  let pieces = 0;
  for await (const part of model.generate(request, signal)) {
    firstMs ??= now() - startedAt;
    if (part.kind === "text") {
      said += part.text;
      pieces += 1;
      continue;
    }
    if (part.kind === "again") said = "";
    if (part.kind === "thinking" || part.kind === "again") continue;
    const { calls = [], carried, usage } = part;
    return { firstMs, totalMs: now() - startedAt, said, calls, carried, pieces, usage };
  }
  throw new ModelError(`${model.id} ended its answer early`, {
    kind: "not_an_answer",
    modelId: model.id,
  });
}

/** Reads JSON of a server; `undefined` if it refuses, or sends something else. */
type Read = (path: string, body?: object) => Promise<unknown>;

/**
 * Asks the server.
 *
 * @returns `undefined` if no answer came, so that asking again later may help. An ability that the
 * server does not tell is absent; a window may be that of the model's family.
 */
export async function askAbilities(
  settings: ModelSettings,
  silenceMs: number,
): Promise<ToldAbilities | undefined> {
  const { provider, name } = settings;
  let hasAnswered = false;
  const read: Read = async (path, body) => {
    const url = path.startsWith("/")
      ? `${new URL(provider.baseUrl).origin}${path}`
      : `${endpointOf(provider)}/${path}`;
    try {
      const text = await readAbout(url, settings, silenceMs, credentialsOf(settings), body);
      const value: unknown = JSON.parse(text);
      hasAnswered = true;
      return value;
    } catch (error) {
      if (error instanceof ModelError && error.kind === "not_found") hasAnswered = true;
      return undefined; // a server without this path
    }
  };
  const told: ToldAbilities = isOpenai(provider)
    ? await fromCompatible(read, name)
    : await fromVendor(read, name);
  if (!hasAnswered) return undefined;
  // A server of one's own may give a model less room than it could have.
  if (told.contextWindow !== undefined || !isPaid(settings)) return told;
  const contextWindow = familyWindow(name);
  return contextWindow === undefined ? told : { ...told, contextWindow, windowFrom: "family" };
}

/**
 * Windows of hosted models by the beginning of their names, after a vendor's prefix. The first match
 * counts. Each is the smallest of its family, and a refusal teaches a smaller one.
 */
const FAMILIES: readonly (readonly [name: RegExp, tokens: number])[] = [
  [/^gpt-(?:3\.5|4(?:-\d|-32k|$))/, 8_192],
  [/^gpt-4\.1/, 1_000_000],
  [/^(?:gpt-|chatgpt-|o\d)/, 128_000],
  [/^claude-/, 200_000],
  [/^gemini-(?:1\.5|[2-9])/, 1_000_000],
  [/^grok-/, 128_000],
  [/^deepseek-/, 64_000],
  [/^(?:meta-)?llama-?(?:3\.[1-9]|3-[1-9]-|[4-9])/, 128_000],
  [/^mistral-(?:large|medium)/, 128_000],
  [/^command-[ar]/, 128_000],
  [/^(?:kimi-k|glm-(?:4\.[5-9]|[5-9]))/, 128_000],
];

/** The window of a model's family; `undefined` if the name has none. */
export function familyWindow(name: string): number | undefined {
  const own = name.toLowerCase().slice(name.lastIndexOf("/") + 1);
  return FAMILIES.find(([family]) => family.test(own))?.[1];
}

/** Anthropic and Google describe one model by its name. */
async function fromVendor(read: Read, name: string): Promise<Abilities> {
  const model = fieldsOf(await read(`models/${encodeURIComponent(name)}`));
  const capabilities = fieldsOf(model["capabilities"]);
  return abilities({
    contextWindow: model["inputTokenLimit"] ?? model["max_input_tokens"],
    maxOutput: model["outputTokenLimit"] ?? model["max_tokens"],
    images: fieldsOf(capabilities["image_input"])["supported"],
    tools: undefined,
  });
}

/**
 * OpenAI-compatible servers: the list of models has it at vLLM, OpenRouter, Groq, Mistral and
 * others. Ollama, LM Studio and llama.cpp have paths of their own, below the server's root.
 */
async function fromCompatible(read: Read, name: string): Promise<ToldAbilities> {
  const listed = entryOf(await read("models"), name);
  const told = fromList(listed);
  if (told.contextWindow !== undefined) return told;
  const [ollama, studio, props] = await Promise.all([
    listed["owned_by"] === "library" || Object.keys(listed).length === 0
      ? fromOllama(read, name)
      : {},
    "max_context_length" in listed ? {} : fromStudio(read, name),
    listed["owned_by"] === "llamacpp" ? fromLlama(read) : {},
  ]);
  return { ...told, ...ollama, ...studio, ...props };
}

function entryOf(list: unknown, name: string): Readonly<Record<string, unknown>> {
  const { data, models } = fieldsOf(list);
  const entries = [data, models].flatMap((found) => Array.isArray(found) ? found : [])
    .map(fieldsOf);
  const named = entries.find(({ id, name: other, key }) =>
    [id, other, key].some((one) => one === name || one === `${name}:latest`)
  );
  // llama.cpp has one model, and takes any name for it.
  return named ?? (entries.length === 1 ? entries[0] : undefined) ?? {};
}

function fromList(entry: Readonly<Record<string, unknown>>): Abilities {
  const architecture = fieldsOf(entry["architecture"]);
  const top = fieldsOf(entry["top_provider"]);
  const meta = fieldsOf(entry["meta"]);
  const about = fieldsOf(entry["metadata"]); // DeepInfra
  const capabilities = fieldsOf(entry["capabilities"]);
  const inputs = architecture["input_modalities"];
  const parameters = entry["supported_parameters"];
  return abilities({
    contextWindow: top["context_length"] ?? entry["context_length"] ?? entry["max_model_len"] ??
      entry["context_window"] ?? entry["loaded_context_length"] ?? meta["n_ctx"] ??
      entry["max_context_length"] ?? entry["context_size"] ?? about["context_length"] ??
      entry["max_input_tokens"],
    maxOutput: top["max_completion_tokens"] ?? entry["max_completion_tokens"],
    images: Array.isArray(inputs) ? inputs.includes("image") : capabilities["vision"],
    tools: Array.isArray(parameters)
      ? parameters.includes("tools")
      : capabilities["function_calling"],
  });
}

/**
 * Ollama. The window of a running model is that of `num_ctx`. The model's own one may be much
 * larger, and Ollama would cut a longer request. So the window of a model that does not run and sets
 * no `num_ctx` is only known after its first answer.
 */
async function fromOllama(read: Read, name: string): Promise<ToldAbilities> {
  const [shown, running] = await Promise.all([
    read("/api/show", { model: name }).then(fieldsOf),
    read("/api/ps").then((list) => entryOf(list, name)),
  ]);
  const { capabilities, parameters } = shown;
  const written = typeof parameters === "string"
    ? /^num_ctx\s+(\d+)/m.exec(parameters)?.[1]
    : undefined;
  const told = abilities({
    contextWindow: running["context_length"] ?? (written && Number(written)),
    maxOutput: undefined,
    images: Array.isArray(capabilities) ? capabilities.includes("vision") : undefined,
    tools: Array.isArray(capabilities) ? capabilities.includes("tools") : undefined,
  });
  const isOllama = Array.isArray(capabilities);
  return isOllama && told.contextWindow === undefined ? { ...told, isEarly: true } : told;
}

/** LM Studio: a model that is not loaded yet has no window. */
async function fromStudio(read: Read, name: string): Promise<ToldAbilities> {
  const entry = entryOf(await read("/api/v0/models"), name);
  if (Object.keys(entry).length === 0) return {};
  const { capabilities, type } = entry;
  const told = abilities({
    contextWindow: entry["loaded_context_length"],
    maxOutput: undefined,
    images: typeof type === "string" ? type === "vlm" : undefined,
    tools: Array.isArray(capabilities) ? capabilities.includes("tool_use") : undefined,
  });
  return told.contextWindow === undefined ? { ...told, isEarly: true } : told;
}

/** llama.cpp: the window of one slot, which is a request's. */
async function fromLlama(read: Read): Promise<Abilities> {
  const props = fieldsOf(await read("/props"));
  const settings = fieldsOf(props["default_generation_settings"]);
  const caps = fieldsOf(props["chat_template_caps"]);
  return abilities({
    contextWindow: settings["n_ctx"] ?? props["n_ctx"],
    maxOutput: undefined,
    images: fieldsOf(props["modalities"])["vision"],
    tools: caps["supports_tools"],
  });
}

function abilities(
  { contextWindow, maxOutput, images, tools }: Record<keyof Abilities, unknown>,
): Abilities {
  return {
    ...(isCount(contextWindow) && { contextWindow }),
    ...(isCount(maxOutput) && { maxOutput }),
    ...(typeof images === "boolean" && { images }),
    ...(typeof tools === "boolean" && { tools }),
  };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 256;
}
