/**
 * Judges the check of the model (O3). The check spends no tokens, so it asks the server for
 * its list of models, never the model itself.
 */

import type { Finding, Judgement } from "../../core/finding.ts";
import type { ContextWindow } from "../../core/model.ts";
import { type ModelCheck, modelProblemOf, wordsOf } from "../../core/model_problem.ts";
import { quoted } from "../../lib/text/quoted.ts";

/** Id of the row, and of the health check. */
export const MODEL = "model";

/** Judges the check of one model, by the model's id: `"openai/gpt-5"`. */
export function judgeModel(modelId: string, check: ModelCheck): Finding {
  const about = { id: MODEL, what: "Model", where: modelId };
  const { server } = check;
  switch (check.kind) {
    case "listed":
      return { ...about, status: "pass", why: `${server} has ${modelId}${KEY[check.key]}` };
    case "unlisted": {
      const { others, isCertain } = check;
      const has = others.length === 0 ? "none" : others.map((name) => quoted(name)).join(", ");
      return {
        ...about,
        status: isCertain ? "fail" : "warn",
        why: `${server} does not list ${modelId}; it lists ${has}` +
          (isCertain ? "" : ", and may accept other names"),
        ...fixOf({ kind: "not_found", modelId }),
      };
    }
    case "no_list":
      return {
        ...about,
        status: "skipped",
        why: `not checked: ${server} answers, and has no list of models`,
      };
    case "failed": {
      const problem = modelProblemOf(check.failure);
      if (problem) {
        const { why, fix } = problem;
        return {
          ...about,
          status: "fail",
          why: `${modelId} fails: ${why}${wordsOf(check.failure)}`,
          fix,
        };
      }
      const { message, failure: { kind } } = check;
      return kind === "rate_limited"
        ? { ...about, status: "warn", why: message, fix: "wait, or ask the provider for more" }
        : {
          ...about,
          status: "fail",
          why: `${message} (${server})`,
          fix: "check that its server runs, and the provider's baseUrl",
        };
    }
  }
}

const KEY = {
  accepted: ", and accepts the API key",
  unknown: "; it lists models without a key, too, so the key is not checked",
  none: ", and no key is set",
} as const;

function fixOf(failure: Parameters<typeof modelProblemOf>[0]): { readonly fix?: string } {
  const problem = modelProblemOf(failure);
  return problem ? { fix: problem.fix } : {};
}

/**
 * Tokens of the bot's own instructions and of the tools of a person without further rights:
 * 15,000 characters. An owner's turn takes more.
 */
export const OWN_TOKENS = 4_000;
const TALK_TOKENS = 2_000;

/**
 * Judges whether the bot's own instructions leave room for a conversation.
 *
 * @param from Where the size comes from, in words.
 * @returns `undefined` if they do.
 */
export function judgeWindow(
  { contextWindow, maxOutput }: ContextWindow,
  from: string,
): Judgement | undefined {
  const room = contextWindow - maxOutput - OWN_TOKENS;
  if (room >= TALK_TOKENS) return undefined;
  return {
    status: room < 0 ? "fail" : "warn",
    why: `the window of ${contextWindow} tokens (${from}) is too small: instructions and tools ` +
      `take about ${OWN_TOKENS}, and the answer ${maxOutput}, so ` +
      (room < 0 ? "requests fail, or the server cuts them" : "little of a conversation fits"),
    fix: "give the model 16384 tokens or more: with Ollama by OLLAMA_CONTEXT_LENGTH=16384, with " +
      "llama.cpp by `-c 16384`; or choose another model",
  };
}
