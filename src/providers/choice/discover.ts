/** Looks for a model server on this machine, for a config without a provider (L2). */

import type { ModelSettings, ProviderSettings } from "../settings.ts";

/** Maximum silence (milliseconds) of a server. A slower one on this machine would be useless. */
const PROBE_MS = 1_000;

/**
 * Asks all servers at once for their models.
 *
 * @param servers In the order of preference. All of them have an OpenAI-compatible API.
 * @returns The first chat model of the first server that has one; `undefined` if no server has any.
 */
export async function discoverLocalModel(
  servers: readonly ProviderSettings[],
  silenceMs = PROBE_MS,
): Promise<ModelSettings | undefined> {
  const { listModels } = await import("./list_models.ts"); // a start with a provider needs none
  const results = await Promise.all(servers.map(async (provider) => {
    const [model] = await listModels(provider, silenceMs).catch(() => []); // no server of models
    return model && { provider, name: model.name };
  }));
  return results.find((settings) => settings !== undefined);
}
