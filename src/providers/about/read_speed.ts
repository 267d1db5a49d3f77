/**
 * Measures how many tokens of a prompt a server reads in a second, for the form of the prompt (T2a).
 *
 * One clear answer is enough: the server reads no other request of ours meanwhile, has the model
 * loaded, and has little of the prompt in its cache.
 */

import { type Model, type ModelPart, withGenerate } from "../../core/model.ts";

/** Fewest tokens of a clear answer: with fewer, other delays would count. */
const CLEAR_TOKENS = 256;

/** Creates the measure of one model. */
export function createReadSpeed() {
  let running = 0;
  let isAlone = false;
  let firstMs: number | undefined;
  let perSec: number | undefined;

  function note(part: Extract<ModelPart, { kind: "finish" }>): void {
    const { inputTokens = 0, cachedTokens = 0 } = part.usage ?? {};
    const tokens = inputTokens - cachedTokens;
    if (!isAlone || firstMs === undefined || tokens < CLEAR_TOKENS) return;
    perSec ??= Math.round(tokens * 1_000 / Math.max(1, firstMs));
  }

  return {
    /** Gets the milliseconds until an answer begins. */
    onFirstByte: (ms: number): void => void (firstMs = ms),
    /** `undefined` before a clear answer. */
    perSec: (): number | undefined => perSec,
    /** The model, measured until it is known. */
    measured: (model: Model): Model =>
      withGenerate(model, (request, signal) => {
        if (perSec !== undefined) return model.generate(request, signal);
        return measure(model.generate(request, signal), model.window?.isEarly !== true);
      }),
  };

  async function* measure(
    parts: AsyncIterable<ModelPart>,
    isLoaded: boolean,
  ): AsyncGenerator<ModelPart, void> {
    running += 1;
    isAlone = running === 1 && isLoaded;
    firstMs = undefined;
    try {
      for await (const part of parts) {
        if (part.kind === "finish") note(part);
        yield part;
      }
    } finally {
      running -= 1;
    }
  }
}
