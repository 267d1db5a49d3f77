/**
 * Asks a server what a model can do (L4): its context window, its longest answer, images and tools.
 *
 * Each kind of server tells it elsewhere, and some tell nothing. No request here costs tokens.
 */

import { type Abilities, ModelError } from "../../core/model.ts";
import { fieldsOf } from "../answer_parts.ts";
import { type CheckDeps, credentialsOf, readAbout } from "./check.ts";
import type { ToldAbilities } from "../models.ts";
import { endpointOf, isOpenai, isPaid, type ModelSettings } from "../settings.ts";

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
  deps: CheckDeps,
): Promise<ToldAbilities | undefined> {
  const { provider, name } = settings;
  let hasAnswered = false;
  const read: Read = async (path, body) => {
    const url = path.startsWith("/")
      ? `${new URL(provider.baseUrl).origin}${path}`
      : `${endpointOf(provider)}/${path}`;
    try {
      const text = await readAbout(url, settings, deps, credentialsOf(settings), body);
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
