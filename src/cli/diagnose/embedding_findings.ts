/**
 * Checks the embedding model of the config, for `barnacle doctor` (T14).
 *
 * @module
 */

import type { BotConfig } from "../../config/config.ts";
import type { Finding } from "../../core/finding.ts";
import { chooseEmbedding, type TriedEmbedding, tryEmbedding } from "../model/embedding.ts";
import type { Io } from "../terminal/io.ts";
import type { EmbeddedCount } from "../../core/store/notes.ts";

const ABOUT = { id: "embedding", what: "Embedding model", where: "memory.embedding" } as const;

/**
 * Asks the model for one vector.
 *
 * @param count The notes with vectors; absent if the store cannot be read.
 * @returns No finding if the config names no such model.
 */
export async function checkEmbedding(
  config: BotConfig,
  env: Io["env"],
  count: EmbeddedCount | undefined,
): Promise<readonly Finding[]> {
  const chosen = chooseEmbedding(config, env);
  if ("problem" in chosen) {
    const { message: why, hint: fix } = chosen.problem;
    const id = "config.embedding";
    return [{ ...ABOUT, id, status: "fail", why, ...(fix !== undefined && { fix }) }];
  }
  return chosen.embedding ? [judge(await tryEmbedding(chosen.embedding), count)] : [];
}

function judge(tried: TriedEmbedding, count: EmbeddedCount | undefined): Finding {
  if ("failure" in tried) {
    return {
      ...ABOUT,
      status: "warn",
      why: `${tried.modelId} fails: ${tried.failure}. Notes are found by words alone`,
      fix: tried.fix ?? "check that its server runs, and the provider's baseUrl",
    };
  }
  const { modelId, dimension, ms } = tried;
  const missing = count && count.notes - count.embedded;
  return {
    ...ABOUT,
    status: "pass",
    ms,
    why: `${modelId} answers, with ${dimension} dimensions` +
      (count ? `; ${count.embedded} of ${count.notes} notes have vectors` : "") +
      (missing ? "; a running bot makes the others that the server takes" : ""),
  };
}
