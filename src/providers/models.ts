/**
 * Makes models over HTTP from their settings.
 *
 * @module
 */

import type { Model } from "../core/model.ts";
import type { Ask, AskDeps } from "./ask.ts";
import { endpointOf, modelIdOf, type ModelSettings, type ProviderSettings } from "./settings.ts";
import type { WireTimeouts } from "./wire.ts";

/** How long a model may be silent (T1). */
export const MODEL_TIMEOUTS: WireTimeouts = { firstByteMs: 60_000, betweenBytesMs: 45_000 };

export type ModelDeps = Omit<AskDeps, "timeouts"> & {
  /** {@link MODEL_TIMEOUTS} if left out. */
  readonly timeouts?: WireTimeouts;
};

type MakeAsk = (settings: ModelSettings, deps: AskDeps) => Ask | Promise<Ask>;

/** Loads the code of a wire format, which an idle bot does not need. The first question does so. */
export async function loadWireFormat(kind: ProviderSettings["kind"]): Promise<MakeAsk> {
  switch (kind) {
    case "openai-compatible":
      return (await import("./chat_completions.ts")).createChatAsk;
    case "anthropic":
      return (await import("./ai_sdk.ts")).createSdkAsk;
  }
}

/**
 * A model that asks once per call, without a retry.
 *
 * @throws {TypeError} If the provider's address is no http or https URL.
 */
export function createModel(settings: ModelSettings, deps: ModelDeps): Model {
  const allDeps = { timeouts: MODEL_TIMEOUTS, ...deps };
  endpointOf(settings.provider.baseUrl); // now, not at the first question
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
