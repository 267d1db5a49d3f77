/**
 * Judges the check of the model (O3). The check spends no tokens, so it asks the server for
 * its list of models, never the model itself.
 */

import type { Finding } from "../../core/finding.ts";
import { type ModelCheck, modelProblemOf } from "../../core/model_problem.ts";
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
        return { ...about, status: "fail", why: `${modelId} fails: ${why}`, fix };
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

function fixOf(failure: Parameters<typeof modelProblemOf>[0]): Pick<Finding, "fix"> {
  const problem = modelProblemOf(failure);
  return problem ? { fix: problem.fix } : {};
}
