/**
 * Adds the cost to a model's token counts (L5).
 *
 * Servers that report no tokens get an estimate: otherwise no budget would count their answers.
 *
 * @module
 */

import { charsIn } from "../../core/fit_request.ts";
import type { Model, ModelPart, ModelRequest, ModelUsage } from "../../core/model.ts";
import { microsOf, tokensIn } from "../../core/spending/usage.ts";
import type { ModelSettings } from "../settings.ts";

/** Wraps a model so that the last part of each answer has tokens, and money if it is known. */
export function withPrice(model: Model, settings: ModelSettings): Model {
  const price = settings.price ?? (isPaid(settings) ? undefined : FREE);
  const priced = (usage: ModelUsage): ModelUsage => {
    const micros = microsOf(usage, price);
    return micros === undefined ? usage : { ...usage, micros };
  };
  return {
    id: model.id,
    async *generate(request, signal) {
      let chars = 0;
      for await (const part of model.generate(request, signal)) {
        if (part.kind === "text") chars += part.text.length;
        yield part.kind !== "finish"
          ? part
          : { ...part, usage: priced(part.usage ?? estimate(request, chars, part)) };
      }
    },
  };
}

const FREE = { input: 0, output: 0 } as const;

function estimate(
  request: ModelRequest,
  chars: number,
  { calls = [] }: Extract<ModelPart, { kind: "finish" }>,
): ModelUsage {
  const written = calls.reduce(
    (sum, call) => sum + call.name.length + call.arguments.length,
    chars,
  );
  return {
    inputTokens: tokensIn(charsIn(request)),
    outputTokens: tokensIn(written),
  };
}

/** Hosts of this machine and of private networks. */
const PRIVATE_HOST =
  /^(?:localhost|.+\.(?:local|localhost|internal|lan|home\.arpa)|127\..+|10\..+|192\.168\..+|172\.(?:1[6-9]|2\d|3[01])\..+|\[::1\]|\[f[cd].+\]|[^.]+)$/i;

/** Whether requests may cost money: the server is not on a private network. */
export function isPaid({ provider: { baseUrl } }: Pick<ModelSettings, "provider">): boolean {
  const host = URL.canParse(baseUrl) ? new URL(baseUrl).hostname : "";
  return !PRIVATE_HOST.test(host);
}
