/**
 * Finds the settings of the model that answers, and checks that model.
 *
 * @module
 */

import { NO_GOOGLE, NO_MODEL, type Provider, resolveModels } from "../../config/models.ts";
import type { SharedConfig } from "../../config/config.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { Env } from "../../config/schema/parts/secrets.ts";
import type { Finding } from "../../core/finding.ts";
import { judgeModel } from "../../flows/preflight/model.ts";
import { discoverLocalModel } from "../../providers/discover.ts";
import { modelIdOf, type ModelSettings, type ProviderSettings } from "../../providers/settings.ts";

/** The settings, or why there are none. */
export type FoundModel =
  | {
    readonly kind: "found";
    readonly settings: ModelSettings;
    /** Whether a local server was found, because nothing names a model. */
    readonly isDiscovered: boolean;
  }
  | { readonly kind: "problem"; readonly problem: Problem };

/** Finds the model. If nothing names one, it asks local servers, and no others (L2). */
export async function findModel(
  { models }: Pick<SharedConfig, "models">,
  env: Env,
): Promise<FoundModel> {
  const resolved = resolveModels(models, env);
  if (resolved.kind === "problem") return problem(resolved);
  if (resolved.kind === "discover") {
    const servers = resolved.providers.flatMap((provider) => toSettings(provider) ?? []);
    const settings = await discoverLocalModel({ fetch, servers });
    return settings ? { kind: "found", settings, isDiscovered: true } : problem(NO_MODEL);
  }
  const { provider, model: name } = resolved.choices[0];
  const settings = toSettings(provider);
  return settings
    ? { kind: "found", settings: { provider: settings, name }, isDiscovered: false }
    : problem({ path: models.namesPath, ...NO_GOOGLE });
}

/** Maximum silence of a server during a check, in milliseconds. */
const CHECK_MS = 10_000;

/**
 * Creates the check of one model. Accounts that share the model share a running check.
 *
 * @returns A function that never rejects because of the server.
 */
export function createModelCheck(settings: ModelSettings): () => Promise<Finding> {
  let running: Promise<Finding> | undefined;
  async function check(): Promise<Finding> {
    const { checkModel } = await import("../../providers/check.ts");
    const deps = { fetch, timeoutMs: CHECK_MS, now: Date.now };
    return judgeModel(modelIdOf(settings), await checkModel(settings, deps));
  }
  return () => running ??= check().finally(() => running = undefined);
}

/**
 * The settings of a provider, with its secrets revealed.
 *
 * @returns `undefined` for a kind of API that this version does not support.
 */
export function toSettings(
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

function problem({ path, message, hint }: Omit<Problem, "severity">): FoundModel {
  return {
    kind: "problem",
    problem: { severity: "error", path, message, ...(hint !== undefined && { hint }) },
  };
}
