/**
 * Tools whose results may be files: `code` runs JavaScript in a sandbox, for exact results (T6), and
 * `draw` makes images.
 */

import { z } from "zod";
import { defineTool, type Tool } from "../core/turn/tool.ts";

const input = () =>
  z.object({
    source: z.string().min(1).max(50_000).describe(
      "JavaScript. The value of its last expression is the result; `console.log` adds lines.",
    ),
    files: z.array(z.string().min(1).max(300)).max(10).default([]).describe(
      'Names of text attachments of the message, or of the quoted one, to read: `files["data.csv"]` is then the text.',
    ),
  });

/** Runs JavaScript. */
export const code: Tool = defineTool({
  name: "code",
  description:
    "Runs JavaScript (ES2023, no top-level await) in a sandbox: for arithmetic, dates, " +
    "text and tables, such as an attached CSV. It has no network, no other files, no timers and " +
    "no packages; 5 seconds and 64 MB.",
  input,
  needs: [],
  isIdempotent: true,
  async run({ source, files }, { ports, message, also = [], signal }) {
    const ofAsker = also.filter(({ sender }) => sender.id === message.sender.id);
    const { output, value, failure } = await ports.code.run(
      { source, files },
      [message, ...ofAsker],
      signal,
    );
    if (failure !== undefined) {
      throw new Error(output === "" ? failure : `${failure}\nOutput before:\n${output}`);
    }
    const result = value === undefined || value === "undefined" ? "" : `Result: ${value}`;
    const written = output === "" ? "" : `Output:\n${output}`;
    return [written, result].filter((part) => part).join("\n\n") ||
      "The script has ended without output and without a result.";
  },
});

const drawInput = () =>
  z.strictObject({
    prompt: z.string().trim().min(1).max(4_000).describe(
      "Description of the image: subject, style, and words in it.",
    ),
  });

/** Draws an image for the reply. Turns have it only if the config names a model for it. */
export const draw: Tool = defineTool({
  name: "draw",
  description: "Draws one image. It is attached to your reply. Use it only if people ask for an " +
    "image: each call costs money.",
  input: drawInput,
  needs: [],
  isIdempotent: false,
  async run({ prompt }, { ports, message, signal }) {
    const id = await ports.draw.draw(prompt, message, signal);
    return `Drawn: drawing-${id}. It goes with your reply; you cannot see it.`;
  },
});
