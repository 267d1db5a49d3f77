/**
 * Finds the config's models that an OpenAI-compatible API offers beside answers: for speech, images and
 * embeddings. It creates the client of the embedding model, and tries it (T14).
 */

import type { Env } from "../../lib/env.ts";
import type { SharedConfig } from "../../config/config.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { ModelErrorKind } from "../../core/model.ts";
import { modelProblemOf } from "../../core/model_problem.ts";
import { type Embedding, EmbeddingFailed } from "../../core/notes/embedding.ts";
import { modelIdOf, type ModelSettings } from "../../providers/settings.ts";
import { resolveModels } from "../../config/models.ts";
import { settingsOf } from "./model_settings.ts";

/** Milliseconds for one request: 32 notes on a small machine. */
const REQUEST_MS = 60_000;

/** Chooses the model. Makes no request; the first one loads the code. */
export function chooseEmbedding(
  config: Pick<SharedConfig, "memory" | "models">,
  env: Env,
): { readonly embedding?: Embedding } | { readonly problem: Problem } {
  const found = openaiModel("memory.embedding", config.memory.embedding, config, env, true);
  if (!found) return {};
  if (found.problem) return { problem: found.problem };
  const { settings } = found;
  let made: Embedding | undefined;
  return {
    embedding: {
      modelId: modelIdOf(settings),
      async embed(...request) {
        const { createEmbedding } = await import("../../providers/other_apis/embed.ts");
        made ??= createEmbedding(settings, { fetch, timeoutMs: REQUEST_MS });
        return await made.embed(...request);
      },
    },
  };
}

/** The result of a trial: the model's vectors, or its failure. */
export type TriedEmbedding =
  & {
    /** `"<provider>/<model>"`. */
    readonly modelId: string;
  }
  & (
    | {
      /** Number of dimensions of a vector. */
      readonly dimension: number;
      /** Milliseconds of the request. */
      readonly ms: number;
    }
    | {
      readonly kind: ModelErrorKind;
      readonly failure: string;
      /** The next step; absent if the failure passes by itself. */
      readonly fix?: string;
    }
  );

/** Milliseconds for the trial: a small machine may have to load its model first. */
const TRY_MS = 30_000;

/** Asks the model for the vector of one word. Never rejects because of the server. */
export async function tryEmbedding({ modelId, embed }: Embedding): Promise<TriedEmbedding> {
  const startedAt = performance.now();
  try {
    const { vectors: [vector] } = await embed(["tide"], "query", AbortSignal.timeout(TRY_MS));
    return { modelId, dimension: vector?.length ?? 0, ms: performance.now() - startedAt };
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    const kind = error instanceof EmbeddingFailed ? error.kind : "rejected";
    const fix = modelProblemOf({ kind, modelId })?.fix;
    return { modelId, kind, failure, fix };
  }
}

/** A model, or the reason why there is none. */
type OpenaiModel =
  | { readonly settings: ModelSettings; readonly problem?: undefined }
  | { readonly settings?: undefined; readonly problem: Problem };

/**
 * Finds the model. Makes no request.
 *
 * @param path Config path of the key that names it.
 * @param name `"<provider>/<model>"`; absent if the config names none.
 * @param alsoGoogle Whether Google's API serves, too.
 */
export function openaiModel(
  path: string,
  name: string | undefined,
  { models }: Pick<SharedConfig, "models">,
  env: Env,
  alsoGoogle = false,
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
  const isServed = kind === "openai-compatible" || kind === "openai-responses" ||
    (alsoGoogle && kind === "google");
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
