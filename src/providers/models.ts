/**
 * Makes models over HTTP from their settings.
 *
 * @module
 */

import type { Model } from "../core/model.ts";
import type { Ask, AskDeps, WireTimeouts } from "./wire.ts";
import { endpointOf, modelIdOf, type ModelSettings, type ProviderSettings } from "./settings.ts";

/** Maximum silence of a model (T1). */
export const MODEL_TIMEOUTS: WireTimeouts = { firstByteMs: 60_000, betweenBytesMs: 45_000 };

/** Everything that models need from outside. */
export type ModelDeps = Omit<AskDeps, "timeouts"> & {
  /** {@link MODEL_TIMEOUTS} by default. */
  readonly timeouts?: WireTimeouts;
};

/** Creates the function that asks one model, for one wire format. */
export type MakeAsk = (settings: ModelSettings, deps: AskDeps) => Ask | Promise<Ask>;

/** Loads the code of a wire format at the first request, because an idle bot does not need it. */
async function loadWireFormat(kind: ProviderSettings["kind"]): Promise<MakeAsk> {
  switch (kind) {
    case "openai-compatible":
      return (await import("./chat_completions.ts")).createChatAsk;
    case "anthropic":
    case "google":
      return (await import("./ai_sdk.ts")).createSdkAsk;
  }
}

/**
 * Creates a model that sends one request per call, without a retry.
 *
 * @throws {TypeError} If the provider's `baseUrl` is not an http or https URL.
 */
export function createModel(settings: ModelSettings, deps: ModelDeps): Model {
  const allDeps = { timeouts: MODEL_TIMEOUTS, ...deps };
  endpointOf(settings.provider); // throws now, not at the first request
  let ask: Ask | undefined;
  let loading: Promise<Ask> | undefined;
  const load = async () =>
    ask = await (await loadWireFormat(settings.provider.kind))(settings, allDeps);
  const askFirst: Ask = async function* (request, signal) {
    yield* (await (loading ??= load()))(request, signal);
  };
  return {
    id: modelIdOf(settings),
    generate: (request, signal) => (ask ?? askFirst)(request, signal),
  };
}
