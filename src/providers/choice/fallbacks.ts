/**
 * Asks the next model if one fails before any text of its answer is visible (L1, L3).
 *
 * Each model has its own retries. So a fallback is asked once these are used up, or at once after a
 * failure that no retry can mend. A provider that keeps failing is skipped for a while.
 *
 * @module
 */

import { fitRequest } from "../../core/fit_request.ts";
import { type Model, ModelError, type ModelPart } from "../../core/model.ts";
import { afterAsking, afterFailure, type BreakerState, CLOSED, isClosed } from "./breaker.ts";

/** A model that may be asked. */
export interface Candidate {
  /** The model, with its retries. */
  readonly model: Model;
  /** Its provider, whose breaker its failures count for. */
  readonly providerId: string;
}

/** Everything that fallbacks need from outside. */
export interface FallbackDeps {
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Gets each failure before the next model is asked, with the id of that model. */
  readonly onFallback?: (error: ModelError, next: string) => void;
}

/**
 * Joins models into one, with the id and the abilities of the first.
 *
 * @param candidates In the order in which to ask them.
 */
export function withFallbacks(
  candidates: readonly [Candidate, ...Candidate[]],
  { now, onFallback }: FallbackDeps,
): Model {
  const [{ model: primary }] = candidates;
  const breakers = new Map<string, BreakerState>();
  const stateOf = (providerId: string) => breakers.get(providerId) ?? CLOSED;

  /** The models whose provider works come first. If none does, all are asked as written. */
  function inOrder(): readonly Candidate[] {
    const at = now();
    const isOpen = ({ providerId }: Candidate) => !isClosed(stateOf(providerId), at);
    return [...candidates.filter((one) => !isOpen(one)), ...candidates.filter(isOpen)];
  }

  return {
    id: primary.id,
    get takesNoTools() {
      return primary.takesNoTools ?? false;
    },
    get refusedThinking() {
      return primary.refusedThinking ?? new Set();
    },
    get takesImages() {
      return primary.takesImages;
    },
    get window() {
      return primary.window;
    },
    async *generate(request, signal) {
      const order = inOrder();
      let first: ModelError | undefined;
      for (const [index, { model, providerId }] of order.entries()) {
        breakers.set(providerId, afterAsking(stateOf(providerId), now()));
        let hasBegun = false;
        try {
          for await (const part of model.generate(fitRequest(request, model), signal)) {
            hasBegun ||= part.kind !== "thinking";
            if (part.kind === "finish") breakers.delete(providerId);
            yield part.kind === "finish" ? withModel(part, model, primary, first) : part;
          }
          return;
        } catch (thrown) {
          if (signal.aborted || !(thrown instanceof ModelError)) throw thrown;
          breakers.set(providerId, afterFailure(stateOf(providerId), thrown.kind, now()));
          if (hasBegun) throw thrown;
          first ??= thrown;
          const next = order[index + 1];
          if (!next) throw first; // the failure of the model that should have answered
          onFallback?.(thrown, next.model.id);
        }
      }
    },
  };
}

function withModel(
  part: Extract<ModelPart, { kind: "finish" }>,
  { id }: Model,
  primary: Model,
  failure: ModelError | undefined,
): ModelPart {
  return {
    ...part,
    ...(id !== primary.id && { modelId: id }),
    ...(failure && { failure }),
  };
}
