/**
 * Asks a model one question with one tool and one image, and measures the answer
 * (`barnacle model test`).
 *
 * If the server refuses the image or the tool, it asks once more without it. The question costs a
 * few hundred tokens.
 */

import type { Clock } from "../../lib/clock.ts";
import { withoutImages, withoutTools } from "../../core/fit_request.ts";
import { type Model, ModelError, type ModelRequest, type ModelUsage } from "../../core/model.ts";
import { RED_SQUARE, SMALL_TOOL } from "../refused/probe.ts";
import { isAbout } from "../refused/refusals.ts";

/** The result of a question. Times are milliseconds. */
export interface TriedModel {
  /** Until the first text or call. */
  readonly firstMs: number;
  /** Until the end of the answer. */
  readonly totalMs: number;
  readonly tools: boolean;
  readonly images: boolean;
  /** Absent if the server reports no tokens. */
  readonly usage?: ModelUsage;
}

const QUESTION: ModelRequest = {
  system: "You test a connection. Do exactly what the user asks.",
  messages: [{
    role: "user",
    text:
      "Which one colour fills the image? Call the tool `report_colour` with its English name, " +
      "in one word. If you see no image, call it with the word none.",
    images: [RED_SQUARE],
  }],
  tools: [SMALL_TOOL],
};

/**
 * Asks the question.
 *
 * @param now Milliseconds of a clock that never goes back.
 * @throws {ModelError} If the model gives no answer.
 */
export async function tryModel(
  model: Model,
  now: Clock["now"],
  signal: AbortSignal,
): Promise<TriedModel> {
  let request = QUESTION;
  for (;;) {
    try {
      return await askOnce(model, request, now, signal);
    } catch (error) {
      const smaller = withoutRefused(request, error);
      if (!smaller) throw error;
      request = smaller;
    }
  }
}

/** The request without the part that the server refused; `undefined` if it refused none. */
function withoutRefused(request: ModelRequest, error: unknown): ModelRequest | undefined {
  if (!(error instanceof ModelError)) return undefined;
  if (isAbout("images", error)) {
    const fewer = withoutImages(request);
    if (fewer !== request) return fewer;
  }
  return isAbout("tools", error) && request.tools ? withoutTools(request) : undefined;
}

async function askOnce(
  model: Model,
  request: ModelRequest,
  now: Clock["now"],
  signal: AbortSignal,
): Promise<TriedModel> {
  const startedAt = now();
  let firstMs: number | undefined;
  let said = "";
  for await (const part of model.generate(request, signal)) {
    firstMs ??= now() - startedAt;
    if (part.kind === "text") {
      said += part.text;
      continue;
    }
    if (part.kind === "again") said = "";
    if (part.kind === "thinking" || part.kind === "again") continue;
    const { calls = [], usage } = part;
    const written = calls.map((call) => call.arguments).join(" ");
    return {
      firstMs,
      totalMs: now() - startedAt,
      tools: calls.some(({ name }) => name === "report_colour"),
      images: /\b(?:red|crimson|scarlet)\b/i.test(`${said} ${written}`),
      usage,
    };
  }
  throw new ModelError(`${model.id} ended its answer early`, {
    kind: "not_an_answer",
    modelId: model.id,
  });
}
