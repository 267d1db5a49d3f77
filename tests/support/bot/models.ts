import type { AnsweringModels } from "../../../src/bot.ts";
import type { Model } from "../../../src/core/model.ts";

/** One model for all agents, which can be asked. */
export function modelsOf(model: Model): AnsweringModels {
  return {
    ids: [model.id],
    of: () => model,
    refused: () => [],
    check: () => Promise.resolve([{ id: "model", what: "Model", status: "pass", why: "there" }]),
  };
}
