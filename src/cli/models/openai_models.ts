/**
 * Finds the config's models that an OpenAI-compatible API offers beside answers: for speech and images.
 */

import type { Env } from "../../lib/env.ts";
import type { SharedConfig } from "../../config/config.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { ModelSettings } from "../../providers/settings.ts";
import { resolveModels } from "../../config/models.ts";
import { settingsOf } from "./model_settings.ts";

/** A model, or the reason why there is none. */
type OpenaiModel =
  | { readonly settings: ModelSettings; readonly problem?: undefined }
  | { readonly settings?: undefined; readonly problem: Problem };

/**
 * Finds the model. Makes no request.
 *
 * @param path Config path of the key that names it.
 * @param name `"<provider>/<model>"`; absent if the config names none.
 */
export function openaiModel(
  path: string,
  name: string | undefined,
  { models }: Pick<SharedConfig, "models">,
  env: Env,
): OpenaiModel | undefined {
  if (name === undefined) return undefined;
  const names = { primary: name, fallbacks: [] };
  const resolved = resolveModels({ ...models, names, namesPath: path }, env);
  if (resolved.kind === "problem") {
    const { kind: _, ...found } = resolved;
    return { problem: { severity: "error", ...found } };
  }
  const choice = resolved.kind === "chosen" ? resolved.choices[0] : undefined;
  const settings = choice && settingsOf(choice, models.currency);
  const kind = settings?.provider.kind;
  const isServed = kind === "openai-compatible" || kind === "openai-responses";
  return settings && isServed ? { settings } : { problem: notOpenai(path, name) };
}

function notOpenai(path: string, name: string): Problem {
  return {
    severity: "error",
    path,
    message: `The provider of "${name}" has no OpenAI-compatible API`,
    hint: 'name a model of an "openai-compatible" provider',
  };
}
