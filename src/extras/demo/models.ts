/**
 * Lists the models that the demo can answer with.
 *
 * It always starts with the built-in script. A key in the environment is for other purposes, and the
 * demo must not cause costs by surprise. It offers available models, and uses one on request.
 */

import type { Env } from "../../lib/env.ts";
import { VENDORS } from "../../config/models.ts";

export interface OfferedModel {
  /** Value of `BARNACLE_DEMO_MODEL`. */
  readonly id: string;
  readonly label: string;
  /** A sentence about cost and place. */
  readonly hint: string;
  /** Variables for the bot's environment; `undefined` removes one. */
  readonly env: Env;
}

export const SCRIPT: OfferedModel = {
  id: "script",
  label: "The built-in script",
  hint: "Scripted replies, without a model: free and offline.",
  env: {},
};

const NO_KEYS: Env = {
  OPENAI_API_KEY: undefined,
  OPENAI_BASE_URL: undefined,
  OPENAI_MODEL: undefined,
};

/**
 * Lists available models, the script first.
 *
 * @param local A model on this machine, if there is one.
 */
export function offerModels(
  env: Env,
  local?: { readonly name: string; readonly baseUrl: string },
): readonly OfferedModel[] {
  const offered = [SCRIPT];
  for (const { id, name, keyVariable: key, urlVariable: url, modelVariable: model } of VENDORS) {
    if (!env[key]?.trim() && !(id === "openai" && env[url]?.trim())) continue;
    const chosen = env[model]?.trim();
    if (!chosen) continue; // the greeting names the missing variable
    offered.push({
      id,
      label: chosen,
      hint: `At ${env[url]?.trim() || name}, with your ${key}. It may cost money.`,
      env: { ...NO_KEYS, [key]: env[key], [url]: env[url], [model]: chosen },
    });
  }
  if (local) {
    offered.push({
      id: "local",
      label: local.name,
      hint: `On this machine, at ${local.baseUrl}.`,
      env: { OPENAI_BASE_URL: local.baseUrl, OPENAI_API_KEY: "none", OPENAI_MODEL: local.name },
    });
  }
  return offered;
}

/** Hints for keys whose model variable is missing. */
export function missingOf(env: Env): readonly string[] {
  return VENDORS.map(({ keyVariable, modelVariable }) => [keyVariable, modelVariable] as const)
    .filter(([key, model]) => env[key]?.trim() && !env[model]?.trim())
    .map(([key, model]) => `${key} is set; also set ${model} to use it here`);
}
