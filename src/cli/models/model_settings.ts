/** Finds the settings of the model that answers, and checks that model. */

import type { AgentConfig, SharedConfig } from "../../config/config.ts";
import {
  choiceOf,
  LOCAL_SERVERS,
  type ModelChoice,
  NO_MODEL,
  type Provider,
  resolveModels,
  type WrittenAbilities,
} from "../../config/models.ts";
import { priceOf } from "../../config/model_checks.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { Finding } from "../../core/finding.ts";
import type { Abilities } from "../../core/model.ts";
import { judgeModel } from "../../flows/preflight/model.ts";
import type { Env } from "../../lib/env.ts";
import { discoverLocalModel } from "../../providers/choice/discover.ts";
import { modelIdOf, type ModelSettings, type ProviderSettings } from "../../providers/settings.ts";

/** The settings, or why there are none. */
export type FoundModel =
  | {
    readonly kind: "found";
    /** The model to ask first. */
    readonly settings: ModelSettings;
    /** The models to ask if it fails, in order. */
    readonly fallbacks: readonly ModelSettings[];
    /** Whether a local server was found, because nothing names a model. */
    readonly isDiscovered: boolean;
  }
  | { readonly kind: "problem"; readonly problem: Problem };

/** Finds the model of an agent. If nothing names one, it asks local servers, and no others (L2). */
export async function findModel(
  { models }: SharedConfig,
  agent: AgentConfig,
  env: Env,
): Promise<FoundModel> {
  const resolved = resolveModels({ ...models, ...agent.models }, env);
  if (resolved.kind === "problem") return problem(resolved);
  if (resolved.kind === "discover") {
    const servers = resolved.providers.map(toSettings);
    const settings = await discoverLocalModel(servers);
    return settings
      ? { kind: "found", settings, fallbacks: [], isDiscovered: true }
      : problem(resolved.providers === LOCAL_SERVERS ? NO_MODEL : noModelAt(resolved.providers));
  }
  const [first, ...others] = resolved.choices;
  return {
    kind: "found",
    settings: modelSettingsOf(first, models.currency),
    fallbacks: others.map((other) => modelSettingsOf(other, models.currency)),
    isDiscovered: false,
  };
}

export function modelSettingsOf(choice: ModelChoice, currency: string | undefined): ModelSettings {
  const { provider, model: name } = choice;
  const { models = {} } = provider;
  const abilities = Object.hasOwn(models, name) ? models[name] : undefined;
  return {
    provider: toSettings(provider),
    name,
    abilities: abilities ? definedOf(abilities) : undefined,
    maxOutputTokens: abilities?.maxOutput,
    price: priceOf(choice, currency),
  };
}

/** Abilities without keys of `undefined`. */
function definedOf({ contextWindow, maxOutput, images, tools }: WrittenAbilities): Abilities {
  return { contextWindow, maxOutput, images, tools };
}

/** The problem of a server that the environment names, without a model, and that lists none. */
function noModelAt(providers: readonly Provider[]): Omit<Problem, "severity"> {
  // Only the origin is named: the rest of an address can contain a key.
  const servers = providers.map(({ baseUrl }) => URL.parse(baseUrl)?.origin ?? "its address");
  return {
    path: NO_MODEL.path,
    message: `No model answers at ${servers.join(", ")}, the address of OPENAI_BASE_URL`,
    hint:
      "check that its server runs, and OPENAI_BASE_URL; if it lists no models, set OPENAI_MODEL",
  };
}

/** Maximum silence of a server during a check, in milliseconds. */
const CHECK_MS = 10_000;

/**
 * Creates the check of one model. Accounts that share the model share a running check.
 *
 * @returns A function that never rejects because of the server.
 */
export function createModelCheck(settings: ModelSettings): () => Promise<Finding> {
  let running: Promise<Finding> | undefined;
  async function check(): Promise<Finding> {
    const { checkModel } = await import("../../providers/about/check.ts");
    return judgeModel(modelIdOf(settings), await checkModel(settings, CHECK_MS));
  }
  return () => running ??= check().finally(() => running = undefined);
}

/** The settings of a provider, with its secrets revealed. */
function toSettings(
  { id, kind, baseUrl, apiKey, headers, silenceSec }: Provider,
): ProviderSettings {
  return {
    id,
    kind,
    baseUrl,
    apiKey: apiKey?.reveal(),
    silenceSec,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.reveal()]),
    ),
  };
}

function problem({ path, message, hint }: Omit<Problem, "severity">): FoundModel {
  return { kind: "problem", problem: { severity: "error", path, message, hint } };
}

/**
 * The settings of a model that hears, speaks, draws or talks; `undefined` if there is none, or its
 * provider lacks its key. Makes no request.
 */
export function openaiSettings(
  name: string | undefined,
  models: SharedConfig["models"],
  env: Env,
): ModelSettings | undefined {
  const choice = name === undefined ? undefined : choiceOf(name, { ...models, namesPath: "" }, env);
  return choice && !("kind" in choice) ? modelSettingsOf(choice, models.currency) : undefined;
}
