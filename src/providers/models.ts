/**
 * Models over HTTP, by what the config says of them.
 *
 * @module
 */

import type { Model } from "../core/model.ts";
import type { Ask } from "./ai_sdk.ts";
import { endpointOf, modelIdOf, type ModelSettings } from "./settings.ts";
import type { WireTimeouts } from "./wire.ts";

/** How long a model may be silent (T1). */
export const MODEL_TIMEOUTS: WireTimeouts = { firstByteMs: 60_000, betweenBytesMs: 45_000 };

export interface ModelDeps {
  readonly fetch: typeof globalThis.fetch;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** {@link MODEL_TIMEOUTS} where left out. */
  readonly timeouts?: WireTimeouts;
}

/**
 * A model that asks once per call, without a retry.
 *
 * @throws {TypeError} If the provider's address is no http or https URL.
 */
export function createModel(settings: ModelSettings, deps: ModelDeps): Model {
  const { fetch, now, timeouts = MODEL_TIMEOUTS } = deps;
  endpointOf(settings.provider.baseUrl); // now, not at somebody's first question
  let asking: Promise<Ask> | undefined;
  return {
    id: modelIdOf(settings),
    async *generate(request, signal) {
      // Loaded by the first question: an idle bot need not have it.
      asking ??= import("./ai_sdk.ts").then(({ createAsk }) =>
        createAsk(settings, { fetch, now, timeouts })
      );
      yield* (await asking)(request, signal);
    },
  };
}
