/**
 * Creates the client of the model that answers.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../../config/config.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { Env } from "../../config/schema/parts/secrets.ts";
import type { Finding } from "../../core/finding.ts";
import type { Model } from "../../core/model.ts";
import type { Log } from "../../lib/log.ts";
import { createModel } from "../../providers/models.ts";
import { withRetry } from "../../providers/retry.ts";
import { modelIdOf, type ModelSettings } from "../../providers/settings.ts";
import { createModelCheck, findModel } from "../shared/model_settings.ts";

/** A model that is ready to use, or the problem. */
export type ChosenModel =
  | {
    readonly kind: "model";
    readonly model: Model;
    /** Checks whether the model can be asked, without a question to it. */
    readonly checkModel: () => Promise<Finding>;
  }
  | { readonly kind: "problem"; readonly problem: Problem };

/** Chooses a model. Without one in the config it asks local servers, and no others (L2). */
export async function chooseModel(config: Config, env: Env, log: Log): Promise<ChosenModel> {
  const found = await findModel(config, env);
  if (found.kind === "problem") return found;
  const { settings, isDiscovered } = found;
  if (isDiscovered) {
    log.info("No model is configured; using the first model of a local server", {
      model: modelIdOf(settings),
    });
  }
  return chosen(settings, log);
}

function chosen(settings: ModelSettings, log: Log): ChosenModel {
  const model = withRetry(createModel(settings, { fetch, now: Date.now }), {
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    random: Math.random,
    onRetry: ({ kind, message }, waitMs) =>
      log.warn("A model did not answer; asking again", { kind, reason: message, waitMs }),
    onNoTools: ({ message }, isForGood) =>
      log.warn(
        isForGood
          ? "The model server refuses tools; the model answers without them until the next start"
          : "The model server refused a conversation with tool calls; the model answered without them",
        { reason: message },
      ),
  });
  return { kind: "model", model, checkModel: createModelCheck(settings) };
}
