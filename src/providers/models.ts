/**
 * Makes models over HTTP from their settings.
 *
 * Also remembers what a model can do, and asks its server for the abilities that the config leaves
 * out (L4). The first look asks, and returns the abilities known so far. So no turn waits for the
 * answer, and a bot without turns asks nothing.
 *
 * @module
 */

import { type Abilities, type ContextWindow, type Model, windowOf } from "../core/model.ts";
import type { Clock } from "../lib/clock.ts";
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
type MakeAsk = (settings: ModelSettings, deps: AskDeps) => Ask | Promise<Ask>;

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

/** Milliseconds after a question without answer before the next one. */
const AGAIN_MS = 60_000;

/** What a model can do, as far as known. */
export interface KnownAbilities {
  /** Returns it, and asks the server if it was not asked before. */
  now(): Abilities;
  /** The room of the model. */
  window(): ContextWindow;
  /** Resolves once a running question has ended. */
  asked(): Promise<void>;
}

/** Creates the memory of one model. */
export function createKnownAbilities(
  { written = {}, ask, now }: Clock & {
    /** Abilities that the config has; the server is not asked about these. */
    readonly written?: Abilities;
    /** Asks the server; `undefined` if no answer came. Must not reject. */
    readonly ask: () => Promise<Abilities | undefined>;
  },
): KnownAbilities {
  const { contextWindow, images, tools } = written;
  const isWhole = contextWindow !== undefined && images !== undefined && tools !== undefined;
  let known: Abilities = written;
  let asking: Promise<void> | undefined;
  let askedAt = -Infinity;
  let isAnswered = isWhole;
  let hasAsked = isWhole;

  function look(): void {
    if (isAnswered || asking || now() - askedAt < AGAIN_MS) return;
    askedAt = now();
    asking = ask().then((told) => {
      if (!told) return;
      isAnswered = true;
      known = { ...told, ...written };
    }).finally(() => {
      asking = undefined;
      hasAsked = true;
    });
  }

  return {
    now() {
      look();
      return known;
    },
    window() {
      look();
      const window = windowOf(known);
      return hasAsked || known.contextWindow !== undefined
        ? window
        : { ...window, isPending: true };
    },
    asked: () => asking ?? Promise.resolve(),
  };
}

/** Wraps a model so that it tells its abilities. */
export function withAbilities(model: Model, known: KnownAbilities): Model {
  return {
    id: model.id,
    get takesNoTools() {
      return known.now().tools === false;
    },
    get takesImages() {
      return known.now().images;
    },
    get window() {
      return known.window();
    },
    generate: (request, signal) => model.generate(request, signal),
  };
}
