/**
 * Asks a server what a model can do (L4): its context window, its longest answer, images and tools.
 *
 * Each kind of server tells it elsewhere, and some tell nothing. No request here costs tokens.
 *
 * @module
 */

import type { Abilities } from "../core/model.ts";
import { type CheckDeps, credentialsOf } from "./check.ts";
import { endpointOf, modelIdOf, type ModelSettings, secretsOf } from "./settings.ts";
import { fieldsOf } from "./answer_parts.ts";
import { createWire } from "./wire.ts";

/** Reads JSON of a server; `undefined` if it refuses, or sends something else. */
type Read = (path: string, body?: object) => Promise<unknown>;

/**
 * Asks the server.
 *
 * @returns `undefined` if no answer came, so that asking again later may help. An ability that the
 * server does not tell is absent.
 */
export async function askAbilities(
  settings: ModelSettings,
  deps: CheckDeps,
): Promise<Abilities | undefined> {
  const { provider, name } = settings;
  let hasAnswered = false;
  const read: Read = async (path, body) => {
    const url = path.startsWith("/")
      ? `${originOf(settings)}${path}`
      : `${baseOf(settings)}${path}`;
    try {
      const value = await readJson(url, settings, deps, body);
      hasAnswered = true;
      return value;
    } catch {
      return undefined; // a server without this path
    }
  };
  const told = provider.kind === "openai-compatible"
    ? await fromCompatible(read, name)
    : await fromVendor(read, name);
  if (!hasAnswered) return undefined;
  const isOpenAi = new URL(provider.baseUrl).hostname === OPENAI_HOST;
  return isOpenAi ? { contextWindow: openAiWindow(name), ...told } : told;
}

const OPENAI_HOST = "api.openai.com";

/** OpenAI tells no window. All of its chat models since 2024 have this much, or more. */
function openAiWindow(name: string): number {
  return /^gpt-(?:3\.5|4(?:-\d|-32k|$))/.test(name) ? 8_192 : 128_000;
}

const baseOf = ({ provider }: ModelSettings) => `${endpointOf(provider)}/`;
const originOf = ({ provider }: ModelSettings) => new URL(provider.baseUrl).origin;

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
async function fromCompatible(read: Read, name: string): Promise<Abilities> {
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

/** The entry of a model in a list, by one of its names. */
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
  const capabilities = fieldsOf(entry["capabilities"]);
  const inputs = architecture["input_modalities"];
  const parameters = entry["supported_parameters"];
  return abilities({
    contextWindow: top["context_length"] ?? entry["context_length"] ?? entry["max_model_len"] ??
      entry["context_window"] ?? entry["loaded_context_length"] ?? meta["n_ctx"] ??
      entry["max_context_length"],
    maxOutput: top["max_completion_tokens"] ?? entry["max_completion_tokens"],
    images: Array.isArray(inputs) ? inputs.includes("image") : capabilities["vision"],
    tools: Array.isArray(parameters)
      ? parameters.includes("tools")
      : capabilities["function_calling"],
  });
}

/**
 * Ollama. The window of a running model is that of `num_ctx`. The model's own one may be much
 * larger, and Ollama would cut a longer request. So a model that does not run and sets no `num_ctx`
 * has no known window.
 */
async function fromOllama(read: Read, name: string): Promise<Abilities> {
  const [shown, running] = await Promise.all([
    read("/api/show", { model: name }).then(fieldsOf),
    read("/api/ps").then((list) => entryOf(list, name)),
  ]);
  const { capabilities, parameters } = shown;
  const written = typeof parameters === "string"
    ? /^num_ctx\s+(\d+)/m.exec(parameters)?.[1]
    : undefined;
  return abilities({
    contextWindow: running["context_length"] ?? (written && Number(written)),
    maxOutput: undefined,
    images: Array.isArray(capabilities) ? capabilities.includes("vision") : undefined,
    tools: Array.isArray(capabilities) ? capabilities.includes("tools") : undefined,
  });
}

async function fromStudio(read: Read, name: string): Promise<Abilities> {
  const entry = entryOf(await read("/api/v0/models"), name);
  if (Object.keys(entry).length === 0) return {};
  const { capabilities, type } = entry;
  return abilities({
    contextWindow: entry["loaded_context_length"],
    maxOutput: undefined,
    images: typeof type === "string" ? type === "vlm" : undefined,
    tools: Array.isArray(capabilities) ? capabilities.includes("tool_use") : undefined,
  });
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

/** Abilities from unchecked values. */
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

/** @throws {unknown} If the server refuses, or sends no JSON. */
async function readJson(
  url: string,
  settings: ModelSettings,
  { fetch, timeoutMs, now }: CheckDeps,
  body: object | undefined,
): Promise<unknown> {
  const wire = createWire({
    modelId: modelIdOf(settings),
    secrets: secretsOf(settings.provider),
    timeouts: { firstByteMs: timeoutMs, betweenBytesMs: timeoutMs },
    fetch,
    now,
  }, new AbortController().signal);
  try {
    const isAnthropic = settings.provider.kind === "anthropic";
    const headers = {
      ...(isAnthropic && { "anthropic-version": "2023-06-01" }),
      ...(body && { "content-type": "application/json" }),
      ...credentialsOf(settings),
    };
    await wire.send(url, {
      headers,
      ...(body && { method: "POST", body: JSON.stringify(body) }),
    });
    const decoder = new TextDecoder();
    let text = "";
    for (let bytes = await wire.read(); bytes; bytes = await wire.read()) {
      text += decoder.decode(bytes, { stream: true });
    }
    return JSON.parse(text);
  } finally {
    wire.close();
  }
}
