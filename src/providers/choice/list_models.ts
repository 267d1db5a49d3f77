/** Lists the models of a server, for a person who chooses one. */

import { z } from "zod";
import { ModelError } from "../../core/model.ts";
import { parseForeignJson } from "../../lib/text/quoted.ts";
import { credentialsOf, readAbout } from "../about/check.ts";
import { endpointOf, type ProviderSettings } from "../settings.ts";

export interface ListedModel {
  readonly name: string;
  /** Prices of a million tokens in dollars, of the servers that tell them (OpenRouter). */
  readonly prices?: { readonly input: number; readonly output: number };
}

const priceSchema = z.coerce.number().nonnegative().transform((perToken) => perToken * 1_000_000);

const entrySchema = z.looseObject({
  id: z.string().optional(),
  name: z.string().optional(),
  supportedGenerationMethods: z.array(z.string()).optional(),
  pricing: z.looseObject({ prompt: priceSchema, completion: priceSchema }).optional()
    .catch(undefined),
});

const listSchema = z.looseObject({
  data: z.array(entrySchema).nullish(),
  models: z.array(entrySchema).nullish(), // Google
});

/** Names of models that cannot chat, but that servers list, too. */
const NO_CHAT = /embed|rerank|whisper|(?:^|[-_/])tts(?:$|[-_:])/i;

/** Google's own paths have a prefix in each name. */
const PREFIX = /^models\//;

/**
 * Reads the list. Models that cannot chat are left out, so far as their names tell.
 *
 * @throws {ModelError} If the server refuses, does not answer in time, or has no list.
 */
export async function listModels(
  provider: ProviderSettings,
  silenceMs: number,
): Promise<readonly ListedModel[]> {
  const settings = { provider, name: "" };
  const query = provider.kind === "google"
    ? "?pageSize=1000"
    : provider.kind === "anthropic"
    ? "?limit=1000"
    : "";
  const url = `${endpointOf(provider)}/models${query}`;
  const body = parseForeignJson(await readAbout(url, settings, silenceMs, credentialsOf(settings)));
  const parsed = listSchema.safeParse(body, { jitless: true });
  if (!parsed.success) {
    throw new ModelError(`${provider.id}: the server has no list of models`, {
      kind: "not_an_answer",
      modelId: provider.id,
    });
  }
  return [...parsed.data.data ?? [], ...parsed.data.models ?? []].flatMap(
    ({ id, name, supportedGenerationMethods: methods, pricing }): readonly ListedModel[] => {
      const shown = (provider.kind === "google" ? name : id ?? name)?.replace(PREFIX, "");
      if (shown === undefined || NO_CHAT.test(shown)) return [];
      if (methods && !methods.includes("generateContent")) return [];
      const prices = pricing && { input: pricing.prompt, output: pricing.completion };
      return [{ name: shown, prices }];
    },
  );
}
