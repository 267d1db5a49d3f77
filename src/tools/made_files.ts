/**
 * Tools whose results may be files: `code` runs JavaScript in a sandbox, for exact results (T6), `draw`
 * makes images, and `send_file` attaches files to the reply (R12).
 */

import { z } from "zod";
import { badArguments, defineTool, type Tool } from "../core/turn/tool.ts";
import { addressIn } from "../core/rights/rights.ts";

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
  short: {
    description: "Runs JavaScript; its last expression is the result. For exact results.",
    fields: ["source"],
  },
  description:
    "Runs JavaScript (ES2023, no top-level await) in a sandbox: for arithmetic, dates, " +
    "text and tables, such as an attached CSV. It has no network, no other files, no timers and " +
    "no packages; 5 seconds and 64 MB.",
  input,
  seenAt: "nowhere",
  needs: [],
  isReadOnly: true,
  isIdempotent: true,
  async run({ source, files }, context) {
    const { runScript } = await import("../flows/tools/made_files.ts");
    const { output, value, failure } = await runScript(source, files, context);
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
  isEnabled: ({ tools }) => tools.draw !== undefined,
  description: "Draws one image. It is attached to your reply. Use it only if people ask for an " +
    "image: each call costs money.",
  input: drawInput,
  seenAt: "nowhere",
  needs: [],
  isReadOnly: true,
  isIdempotent: false,
  async run({ prompt }, context) {
    const { drawImage } = await import("../flows/tools/made_files.ts");
    const id = await drawImage(prompt, context);
    return `Drawn: drawing-${id}. It goes with your reply; you cannot see it.`;
  },
});

const sendInput = () =>
  z.strictObject({
    file: z.string().min(1).max(4_000).optional().describe(
      "A path of your workspace, attachment:<name> of the message, image:<id> of a result, or an " +
        "https:// address.",
    ),
    text: z.string().min(1).max(200_000).optional().describe(
      "Instead of `file`: the content of a new text file.",
    ),
    name: z.string().min(1).max(200).optional().describe(
      "File name for people, such as tides.csv; needed with `text`.",
    ),
    alt: z.string().min(1).max(1_000).optional().describe("Description of an image."),
    spoiler: z.boolean().optional().describe("true: people see it only after a click."),
  });

export const sendFile: Tool = defineTool({
  name: "send_file",
  description:
    "Attaches one file to your reply: an existing one, or a new text file. To post a file " +
    "elsewhere, use `mediaUrl` of the tool discord.",
  input: sendInput,
  seenAt({ file }) {
    const address = addressIn(file);
    return address === undefined ? undefined : { at: { kind: "channel" }, address };
  },
  needs: [],
  isReadOnly: true,
  isIdempotent: true,
  async run({ file, text, name, spoiler: isSpoiler, ...about }, call) {
    if ((file === undefined) === (text === undefined)) {
      throw badArguments("give `file` or `text`");
    }
    if (text !== undefined && name === undefined) throw badArguments("give the file a `name`");
    const source = text !== undefined && name !== undefined
      ? { ...about, text, name, isSpoiler }
      : { ...about, from: file ?? "", name, isSpoiler };
    const { fileForPeople } = await import("../flows/media/outbound_files.ts");
    const { id, name: shown, bytes } = await fileForPeople(call, source);
    return `Attached file-${id}: ${JSON.stringify(shown)}, ${bytes.length} bytes. ` +
      "It goes with your reply.";
  },
});
