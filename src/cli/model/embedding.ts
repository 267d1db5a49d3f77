/**
 * Creates the client of the embedding model, and tries it (T14).
 *
 * @module
 */

import type { Env } from "../../lib/env.ts";
import type { SharedConfig } from "../../config/config.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { ModelErrorKind } from "../../core/model.ts";
import { modelProblemOf } from "../../core/model_problem.ts";
import { type Embedding, EmbeddingFailed } from "../../core/notes/embedding.ts";
import { modelIdOf } from "../../providers/settings.ts";
import { openaiModel } from "./openai_model.ts";

/** Milliseconds for one request: 32 notes on a small machine. */
const REQUEST_MS = 60_000;

/** Chooses the model. Makes no request; the first one loads the code. */
export function chooseEmbedding(
  config: Pick<SharedConfig, "embedding" | "models">,
  env: Env,
): { readonly embedding?: Embedding } | { readonly problem: Problem } {
  const found = openaiModel("memory.embedding", config.embedding, config, env, true);
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
      /** Kind of the failure. */
      readonly kind: ModelErrorKind;
      /** The failure, for the operator. */
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
