/**
 * Remembers the abilities of a model, and asks its server for those that the config leaves out (L4).
 *
 * The first look asks, and returns the abilities known so far. So no turn waits for the answer, and a bot
 * without turns asks nothing.
 *
 * @module
 */

import type { Clock } from "../../lib/clock.ts";
import { type Abilities, type ContextWindow, type Model, windowOf } from "../../core/model.ts";

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
