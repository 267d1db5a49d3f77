/**
 * Measures how many tokens of a prompt a server reads in a second, for the form of the prompt (T2a).
 *
 * One clear answer is enough: the server reads no other request of ours meanwhile, has the model
 * loaded, and has little of the prompt in its cache. Later ones count if they show a faster server.
 */

import {
  estimatedTokens,
  type Model,
  type ModelPart,
  type ModelRequest,
  type ModelUsage,
  type ReadSpeed,
  withGenerate,
} from "../../core/model.ts";
import type { Clock } from "../../lib/clock.ts";

/** Fewest tokens of a clear answer: with fewer, other delays would count. */
const CLEAR_TOKENS = 256;

export function createReadSpeed({ now }: Clock) {
  let running = 0;
  let isAlone = false;
  let speed: ReadSpeed | undefined;

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
        if (part.kind === "finish" && part.usage && isAlone && readMs !== undefined) {
          note(part.usage, request, readMs);
        }
        yield part;
      }
    } finally {
      running -= 1;
    }
  }

  function note(usage: ModelUsage, request: ModelRequest, readMs: number): void {
    const perSec = (tokens: number) => Math.round(tokens * 1_000 / Math.max(1, readMs));
    const { inputTokens, cachedTokens } = usage;
    const most = inputTokens - (cachedTokens ?? 0);
    if (most < CLEAR_TOKENS) return;
    const least = cachedTokens === undefined ? Math.min(most, newTokens(request)) : most;
    speed ??= { least: 0, most: perSec(most) };
    if (least >= CLEAR_TOKENS && perSec(least) > speed.least) {
      speed = { least: perSec(least), most: Math.max(speed.most, perSec(least)) };
    }
  }

  return {
    /** `undefined` before a clear answer. */
    perSec: (): ReadSpeed | undefined => speed,
    measured: (model: Model): Model =>
      withGenerate(model, (request, signal) => measure(model, request, signal)),
  };
}

/** Tokens after the last answer, which the server has in no cache. */
function newTokens({ messages }: ModelRequest): number {
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  return last < 0 ? 0 : estimatedTokens({ system: "", messages: messages.slice(last + 1) });
}
