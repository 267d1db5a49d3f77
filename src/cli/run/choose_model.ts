/**
 * Chooses the model of the config, and creates its client.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import { NO_GOOGLE, NO_MODEL, type Provider, resolveModels } from "../../config/models.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { Env } from "../../config/schema/secrets.ts";
import type { Model } from "../../core/model.ts";
import type { Log } from "../../lib/log.ts";
import { discoverLocalModel } from "../../providers/discover.ts";
import { createModel } from "../../providers/models.ts";
import { withRetry } from "../../providers/retry.ts";
import { modelIdOf, type ModelSettings, type ProviderSettings } from "../../providers/settings.ts";
import { setTimeout as sleep } from "node:timers/promises";

/** A model that is ready to use, or the problem. */
export type ChosenModel =
  | { readonly kind: "model"; readonly model: Model }
  | { readonly kind: "problem"; readonly problem: Problem };

/** Chooses a model. Without one in the config it asks local servers, and no others (L2). */
export async function chooseModel(config: Config, env: Env, log: Log): Promise<ChosenModel> {
  const resolved = resolveModels(config.models, env);
  if (resolved.kind === "problem") return problem(resolved);
  if (resolved.kind === "discover") {
    const servers = resolved.providers.flatMap((provider) => toSettings(provider) ?? []);
    const local = await discoverLocalModel({ fetch, servers });
    if (!local) return problem(NO_MODEL);
    log.info("No model is configured; using the first model of a local server", {
      model: modelIdOf(local),
    });
    return chosen(local, log);
  }
  const { provider, model: name } = resolved.choices[0];
  const settings = toSettings(provider);
  return settings ? chosen({ provider: settings, name }, log) : problem({
    path: config.models.namesPath,
    ...NO_GOOGLE,
  });
}

/** @returns `undefined` for a kind of API that this version does not support. */
function toSettings(
  { id, kind, baseUrl, apiKey, headers }: Provider,
): ProviderSettings | undefined {
  if (kind === "google") return undefined;
  return {
    id,
    kind,
    baseUrl,
    ...(apiKey && { apiKey: apiKey.reveal() }),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.reveal()]),
    ),
  };
}

function chosen(settings: ModelSettings, log: Log): ChosenModel {
  const model = withRetry(createModel(settings, { fetch, now: Date.now }), {
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    random: Math.random,
    onRetry: ({ kind, message }, waitMs) =>
      log.warn("A model did not answer; asking again", { kind, reason: message, waitMs }),
  });
  return { kind: "model", model };
}

function problem({ path, message, hint }: Omit<Problem, "severity">): ChosenModel {
  return {
    kind: "problem",
    problem: { severity: "error", path, message, ...(hint !== undefined && { hint }) },
  };
}
