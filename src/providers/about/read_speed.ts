/**
 * Measures how many tokens of a prompt a server reads in a second, for the form of the prompt (T2a).
 *
 * One clear answer is enough: the server reads no other request of ours meanwhile, has the model
 * loaded, and has little of the prompt in its cache.
 */

import { type Model, type ModelPart, type ModelRequest, withGenerate } from "../../core/model.ts";
import type { Clock } from "../../lib/clock.ts";

/** Fewest tokens of a clear answer: with fewer, other delays would count. */
const CLEAR_TOKENS = 256;

export function createReadSpeed({ now }: Clock) {
  let running = 0;
  let isAlone = false;
  let perSec: number | undefined;

  async function* measure(
    model: Model,
    request: ModelRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ModelPart, void> {
    isAlone = ++running === 1 && model.window?.isEarly !== true;
    const sentAt = now();
    let readMs: number | undefined;
    function onReading(isReading: boolean): void {
      if (!isReading) readMs ??= now() - sentAt;
      request.onReading?.(isReading);
    }
    try {
      for await (const part of model.generate({ ...request, onReading }, signal)) {
        const { inputTokens = 0, cachedTokens = 0 } = part.kind === "finish" && part.usage || {};
        const tokens = inputTokens - cachedTokens;
        if (isAlone && readMs !== undefined && tokens >= CLEAR_TOKENS) {
          perSec ??= Math.round(tokens * 1_000 / Math.max(1, readMs));
        }
        yield part;
      }
    } finally {
      running -= 1;
    }
  }

  return {
    /** `undefined` before a clear answer. */
    perSec: (): number | undefined => perSec,
    /** The model, measured until it is known. */
    measured: (model: Model): Model =>
      withGenerate(
        model,
        (request, signal) =>
          perSec === undefined ? measure(model, request, signal) : model.generate(request, signal),
      ),
  };
}
