/**
 * Asks the next model if one fails before a person has seen text of its answer (L1, L3).
 *
 * Each model has its own retries. So Barnacle asks a fallback once these are used up, or at once after a
 * failure that no retry can mend. A refusal to answer the conversation ends the chain: another model
 * must not be talked into what the first one refuses.
 */

import { fitRequest } from "../../core/fit_request.ts";
import {
  type Model,
  ModelError,
  type ModelPart,
  type ModelRequest,
  withGenerate,
} from "../../core/model.ts";
import type { createBreakers, Watched } from "./breakers.ts";

export interface ModelCandidate {
  readonly model: Model;
  /** Its provider, whose breaker its failures count for. */
  readonly providerId: string;
}

/**
 * Joins models into one, with the id and the abilities of the first.
 *
 * @param candidates In the order in which to ask them.
 * @param onFallback Gets each failure and the id of the next model, before the request to it.
 */
export function withFallbacks(
  candidates: readonly [ModelCandidate, ...ModelCandidate[]],
  breakers: ReturnType<typeof createBreakers>,
  onFallback?: (error: ModelError, next: string) => void,
): Model {
  const [{ model: primary, providerId }] = candidates;
  const first: Watched = { modelId: primary.id, providerId };
  const all = candidates.map(({ model, providerId }) => ({
    model,
    watched: { modelId: model.id, providerId },
  }));

  /** @param failure The first one of this request; absent if there was none. */
  function withModel(
    part: Extract<ModelPart, { kind: "finish" }>,
    { id }: Model,
    failure: ModelError | undefined,
  ): ModelPart {
    if (id === primary.id) return failure ? { ...part, failure } : part;
    return {
      ...part,
      modelId: id,
      // A skipped model has not failed in this request, but its last failure is the reason.
      failure: breakers.failureOf(first) ?? failure,
      replaced: breakers.replaced(first),
    };
  }

  /**
   * The models that work come first; if none does, all keep their order. A turn goes on with the
   * model that answered it last.
   */
  function inOrder({ prefers }: ModelRequest): typeof all {
    const isOpen = ({ watched }: (typeof all)[number]) => !breakers.isClosed(watched);
    const order = [...all.filter((one) => !isOpen(one)), ...all.filter(isOpen)];
    const at = order.findIndex((one) => one.model.id === prefers && !isOpen(one));
    const preferred = order[at];
    return preferred ? [preferred, ...order.filter((one) => one !== preferred)] : order;
  }

  return withGenerate(primary, async function* (request, signal) {
    const order = inOrder(request);
    let failure: ModelError | undefined;
    let tooLong: ModelError | undefined;
    for (const [index, { model, watched }] of order.entries()) {
      breakers.asking(watched);
      let hasBegun = false;
      let hasParts = false;
      try {
        for await (const part of model.generate(fitRequest(request, model), signal)) {
          hasBegun = part.kind !== "again" && (hasBegun || part.kind !== "thinking");
          hasParts = part.kind !== "again";
          if (part.kind === "finish") breakers.answered(watched);
          yield part.kind === "finish" ? withModel(part, model, failure) : part;
        }
        return;
      } catch (thrown) {
        if (signal.aborted || !(thrown instanceof ModelError)) throw thrown;
        breakers.failed(watched, thrown);
        if (thrown.kind === "filtered" || (hasBegun && request.isShown?.())) throw thrown;
        failure ??= thrown;
        if (thrown.kind === "context_length") tooLong ??= thrown;
        const next = order[index + 1];
        // A shorter request may succeed. Otherwise, the model that should have answered counts.
        if (!next) throw tooLong ?? failure;
        onFallback?.(thrown, next.model.id);
        if (hasParts) yield { kind: "again" };
      }
    }
  });
}
