/**
 * The tool `draw`: an image by a model of the operator's choice (T6).
 *
 * @module
 */

import { z } from "zod";
import { defineTool, type Tool } from "../../core/turn/tool.ts";

const input = z.strictObject({
  prompt: z.string().trim().min(1).max(4_000).describe(
    "Description of the image: subject, style, and words in it.",
  ),
});

/** Draws an image for the reply. Turns have it only if the config names a model for it. */
export const draw: Tool = defineTool({
  name: "draw",
  description: "Draws one image. It is attached to your reply. Use it only if people ask for an " +
    "image: each call costs money.",
  input,
  needs: [],
  isIdempotent: false,
  async run({ prompt }, { ports, message, signal }) {
    const id = await ports.draw.draw(prompt, message, signal);
    return `Drawn: drawing-${id}. It goes with your reply; you cannot see it.`;
  },
});
