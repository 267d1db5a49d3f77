/**
 * Chooses the model that answers: the config's, else the environment's (L1, L2).
 *
 * An API key of the environment goes to its own vendor only. A provider with an address in the
 * config never gets it.
 */

import type { Env } from "../lib/env.ts";
import type { Settings } from "./schema/root.ts";
import { completeAddress } from "./schema/parts/key.ts";
import { envSecret, envText, type Secret } from "./schema/parts/secrets.ts";

export type ProviderKind = Settings["models"]["providers"][string]["kind"];

/** A model server: a provider of the config, or one that the config need not have. */
export interface Provider extends Partial<Omit<WrittenProvider, "baseUrl">> {
  /** The first part of `"<provider>/<model>"`. */
  readonly id: string;
  readonly kind: ProviderKind;
  /** Address without a slash at its end: `"https://api.openai.com/v1"`. */
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, Secret>>;
}

export type WrittenAbilities = Settings["models"]["providers"][string]["models"][string];

/** A provider of the config; the environment may fill the gaps. */
export type WrittenProvider = Settings["models"]["providers"][string];

export interface AgentModels {
  /** Absent if the config names none. */
  readonly names?: Exclude<Settings["agents"]["defaults"]["model"], string | undefined>;
  /** Config path of the choice, for messages. */
  readonly namesPath: string;
}

export interface ModelsConfig {
  readonly providers: Settings["models"]["providers"];
  /** `models.currency`; absent: amounts stand alone. */
  readonly currency?: string;
}

type AskedModels = AgentModels & ModelsConfig;

export interface ModelChoice {
  readonly provider: Provider;
  readonly model: string;
}

export type ResolvedModels =
  | { readonly kind: "chosen"; readonly choices: readonly [ModelChoice, ...ModelChoice[]] }
  /** Nothing names a model: use the first model of the first of these servers that answers. */
  | { readonly kind: "discover"; readonly providers: readonly Provider[] }
  | {
    readonly kind: "problem";
    readonly path: string;
    readonly message: string;
    readonly hint: string;
  };

/** OpenAI-compatible servers on this machine, in the order in which to try them. */
export const LOCAL_SERVERS: readonly Provider[] = [
  local("ollama", 11_434),
  local("llamacpp", 8_080),
  local("lmstudio", 1_234),
];

/** The start-up error if no local server answers either. */
export const NO_MODEL = {
  path: "agents.defaults.model",
  message: "There is no model to answer with",
  hint: "three easy ways: " +
    "1. start Ollama on this machine (ollama pull qwen3:8b); " +
    "2. set OPENAI_API_KEY and OPENAI_MODEL, or the same of ANTHROPIC or GEMINI; " +
    '3. write "agents": { "defaults": { "model": "<provider>/<model>" } } and the provider ' +
    "into models.providers",
} as const;

export interface Vendor {
  /** Name of its provider: `"openai"`. */
  readonly id: string;
  /** Name for people: `"OpenAI"`. */
  readonly name: string;
  readonly kind: ProviderKind;
  readonly baseUrl: string;
  /** Variable with the API key: `"OPENAI_API_KEY"`. */
  readonly keyVariable: string;
  /** Variable with another address: `"OPENAI_BASE_URL"`. */
  readonly urlVariable: string;
  /** Variable with the model: `"OPENAI_MODEL"`. */
  readonly modelVariable: string;
}

/** Vendors that the environment may name, in the order in which they count. */
export const VENDORS: readonly Vendor[] = [
  {
    id: "openai",
    name: "OpenAI",
    kind: "openai-compatible",
    baseUrl: "https://api.openai.com/v1",
    keyVariable: "OPENAI_API_KEY",
    urlVariable: "OPENAI_BASE_URL",
    modelVariable: "OPENAI_MODEL",
  },
  {
    id: "anthropic",
    name: "Anthropic",
    kind: "anthropic",
    baseUrl: "https://api.anthropic.com/v1",
    keyVariable: "ANTHROPIC_API_KEY",
    urlVariable: "ANTHROPIC_BASE_URL",
    modelVariable: "ANTHROPIC_MODEL",
  },
  {
    id: "google",
    name: "Google",
    kind: "google",
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    keyVariable: "GEMINI_API_KEY",
    urlVariable: "GEMINI_BASE_URL",
    modelVariable: "GEMINI_MODEL",
  },
];

/** Decides which models to ask, and where. Makes no request. */
export function resolveModels(config: AskedModels, env: Env): ResolvedModels {
  const { names } = config;
  if (!names) return fromEnvironment(config, env);

  const choices: ModelChoice[] = [];
  for (const name of [names.primary, ...names.fallbacks]) {
    const choice = choiceOf(name, config, env);
    if ("kind" in choice) return choice;
    choices.push(choice);
  }
  const [first, ...rest] = choices;
  return first ? { kind: "chosen", choices: [first, ...rest] } : { kind: "problem", ...NO_MODEL };
}

function fromEnvironment(config: AskedModels, env: Env): ResolvedModels {
  for (const vendor of VENDORS) {
    if (!isServed(vendor, env)) continue;
    const model = envText(env, vendor.modelVariable);
    const provider = vendorProvider(vendor, env);
    if (model) return { kind: "chosen", choices: [{ provider, model }] };
    if (!provider.apiKey) return { kind: "discover", providers: [provider] };
    return {
      kind: "problem",
      path: config.namesPath,
      message: `${vendor.keyVariable} is set, but no model is named`,
      hint: `set ${vendor.modelVariable}, or write "agents": { "defaults": ` +
        `{ "model": "${vendor.id}/<model>" } }`,
    };
  }
  return { kind: "discover", providers: LOCAL_SERVERS };
}

/** Ids of all models that agents or providers name, in the config's order, each once. */
export function namedModels(
  agents: readonly { readonly models: AgentModels }[],
  { providers }: ModelsConfig,
): readonly string[] {
  const chosen = agents.flatMap(({ models: { names } }) =>
    names ? [names.primary, ...names.fallbacks] : []
  );
  const known = Object.entries(providers).flatMap(([id, { models, prices }]) =>
    [...Object.keys(models), ...Object.keys(prices)].map((name) => `${id}/${name}`)
  );
  return [...new Set([...chosen, ...known])];
}

/** Finds the server of a model. Makes no request. */
export function choiceOf(
  name: string,
  { providers, namesPath }: AskedModels,
  env: Env,
): ModelChoice | Extract<ResolvedModels, { kind: "problem" }> {
  const cut = name.indexOf("/");
  const id = name.slice(0, cut);
  const model = name.slice(cut + 1);
  const written = Object.hasOwn(providers, id) ? providers[id] : undefined;
  if (written) return withDefaults(id, written, model, env);

  const vendor = VENDORS.find((one) => one.id === id);
  if (vendor && isServed(vendor, env)) return { provider: vendorProvider(vendor, env), model };
  const server = LOCAL_SERVERS.find((one) => one.id === id);
  if (server) return { provider: server, model };
  return {
    kind: "problem",
    path: namesPath,
    message: vendor
      ? `The model "${name}" needs ${vendor.keyVariable}, which is not set`
      : `The model "${name}" names an unknown provider: "${id}"`,
    hint: vendor
      ? `set ${vendor.keyVariable}, or add models.providers.${id}`
      : `add models.providers.${id}, or use one of ${providerNames(providers).join(", ")}`,
  };
}

function withDefaults(
  id: string,
  written: WrittenProvider,
  model: string,
  env: Env,
): ModelChoice | Extract<ResolvedModels, { kind: "problem" }> {
  if (written.baseUrl !== undefined) {
    return { provider: { ...written, id, baseUrl: written.baseUrl }, model };
  }
  // Without an address, the vendor of that name, or the only vendor with that API. OpenAI has two.
  const vendor = VENDORS.find((one) => one.id === id && one.kind === written.kind) ??
    VENDORS.find(({ id, kind }) =>
      written.kind === "openai-responses"
        ? id === "openai"
        : kind === written.kind && kind !== "openai-compatible"
    );
  if (!vendor) {
    return {
      kind: "problem",
      path: `models.providers.${id}`,
      message: "The provider has no address",
      hint: 'set "baseUrl"; only "openai" has a default',
    };
  }
  // A key in the config goes to the vendor's address; one of the environment, to the environment's.
  const served = written.apiKey ? undefined : vendorProvider(vendor, env);
  const provider = {
    ...written,
    id,
    baseUrl: served?.baseUrl ?? vendor.baseUrl,
    apiKey: served?.apiKey ?? written.apiKey,
  };
  return { provider, model };
}

export const MODEL_SECRETS: readonly string[] = VENDORS.map(({ keyVariable }) => keyVariable);

/** A vendor needs a key; OpenAI's API works with an address alone, too. */
function isServed({ id, keyVariable, urlVariable }: Vendor, env: Env): boolean {
  if (envSecret(env, keyVariable)) return true;
  return id === "openai" && envText(env, urlVariable) !== undefined;
}

function vendorProvider(vendor: Vendor, env: Env): Provider {
  const { id, kind, keyVariable, urlVariable } = vendor;
  const baseUrl = completeAddress(envText(env, urlVariable) ?? vendor.baseUrl);
  return { id, kind, baseUrl, apiKey: envSecret(env, keyVariable), headers: {} };
}

/** Names of the providers that a model may have: those of the config, and those that need none. */
export function providerNames(providers: Readonly<Record<string, unknown>>): readonly string[] {
  return [
    ...new Set([
      ...Object.keys(providers),
      ...VENDORS.map(({ id }) => id),
      ...LOCAL_SERVERS.map(({ id }) => id),
    ]),
  ];
}

function local(id: string, port: number): Provider {
  return { id, kind: "openai-compatible", baseUrl: `http://127.0.0.1:${port}/v1`, headers: {} };
}
