/**
 * Which models the demo can answer with.
 *
 * The script is what it starts with, always: a key in the environment is there
 * for something else, and no visitor shall find out from a bill that the demo
 * used it. A model that is there is offered, and taken when it is asked for.
 *
 * @module
 */

import { VENDORS } from "../../config/models.ts";
import type { Env } from "../terminal/io.ts";

/** Something that can answer. */
export interface OfferedModel {
  /** What `BARNACLE_DEMO_MODEL` takes. */
  readonly id: string;
  readonly label: string;
  readonly hint: string;
  /** Of the bot's environment; what is `undefined` is taken out of it. */
  readonly env: Env;
}

export const SCRIPT: OfferedModel = {
  id: "script",
  label: "The built-in script",
  hint: "No model: it says so itself, costs nothing, asks nobody.",
  env: {},
};

/** A model of a server on this machine. */
export interface LocalModel {
  readonly name: string;
  readonly baseUrl: string;
}

const NO_KEYS: Env = {
  OPENAI_API_KEY: undefined,
  OPENAI_BASE_URL: undefined,
  OPENAI_MODEL: undefined,
};

/**
 * Lists the models that can be had, the script first.
 *
 * @param local What was found on this machine, if anything was.
 */
export function offerModels(env: Env, local?: LocalModel): readonly OfferedModel[] {
  const offered = [SCRIPT];
  for (const { id, name, keyVariable: key, urlVariable: url, modelVariable: model } of VENDORS) {
    if (!env[key]?.trim() && !(id === "openai" && env[url]?.trim())) continue;
    const chosen = env[model]?.trim();
    if (!chosen) continue; // the start says what is missing
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

/** What keeps a key from being of use, in words for the start. */
export function missingOf(env: Env): readonly string[] {
  return VENDORS.map(({ keyVariable, modelVariable }) => [keyVariable, modelVariable] as const)
    .filter(([key, model]) => env[key]?.trim() && !env[model]?.trim())
    .map(([key, model]) => `${key} is set; to try its model here, set ${model} as well`);
}
