/**
 * Creates the client of the model that draws (T6).
 *
 * @module
 */

import type { Env } from "../../lib/env.ts";
import type { Drawing } from "../../flows/tools/draw.ts";
import type { SharedConfig } from "../../config/config.ts";
import type { Problem } from "../../config/text/problem.ts";
import { microsOfImage } from "../../core/spending/usage.ts";
import { isPaid, modelIdOf } from "../../providers/settings.ts";
import { createDrawImage, DRAW_MS } from "../../providers/other_apis/media.ts";
import { openaiModel } from "../model/openai_models.ts";

const FREE = { image: 0 } as const;
const NO_TOKENS = { inputTokens: 0, outputTokens: 0 } as const;

/** Chooses the model. Makes no request. */
export function chooseDrawing(
  config: Pick<SharedConfig, "tools" | "models">,
  env: Env,
): { readonly drawing?: Drawing } | { readonly problem: Problem } {
  const found = openaiModel("tools.draw", config.tools.draw, config, env);
  if (!found) return {};
  if (found.problem) return { problem: found.problem };
  const { settings } = found;
  const price = isPaid(settings) ? settings.price : { ...FREE, ...settings.price };
  const draw = createDrawImage(settings, { fetch, timeoutMs: DRAW_MS });
  return {
    drawing: {
      modelId: modelIdOf(settings),
      async draw(prompt, signal) {
        const { bytes, usage } = await draw(prompt, signal);
        const micros = microsOfImage(usage, price);
        return {
          bytes,
          usage: { ...(usage ?? NO_TOKENS), ...(micros !== undefined && { micros }) },
        };
      },
    },
  };
}
