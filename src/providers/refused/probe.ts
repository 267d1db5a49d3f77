/**
 * Finds the refused part of a request by clean requests of our own, which have one question and nothing
 * of the conversation (L3).
 *
 * A request has many parts, and the words of a refusal may mean any of them. An ability counts as
 * impossible only if the server refuses a small sample of it, too.
 */

import { Buffer } from "node:buffer";
import {
  type Model,
  ModelError,
  type ModelImage,
  type ModelRequest,
  type ToolDefinition,
} from "../../core/model.ts";
import { abilityLesson, type Lesson, pictureLesson, toolLesson } from "./lessons.ts";
import { type Ability, isAbout } from "./refusals.ts";

const RED_PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAT0lEQVR42u3PQQkAAAgEsItw/VMZyQi+hcEKLNO+FgEB" +
  "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQGBywJmTwDiulNVfwAAAABJRU5ErkJg" +
  "gg==";

/** A picture that each model with images takes: a red square of 64 by 64 pixels. */
export const RED_SQUARE: ModelImage = {
  mediaType: "image/png",
  data: new Uint8Array(Buffer.from(RED_PNG, "base64")),
};

/** A tool that each model with tools takes. */
export const SMALL_TOOL: ToolDefinition = {
  name: "report_colour",
  description: "Reports the colour of the image.",
  parameters: {
    type: "object",
    properties: { colour: { type: "string", description: "One English word." } },
    required: ["colour"],
    additionalProperties: false,
  },
};

/** Maximum number of probes after one refusal. Parts that none has shown to be fine are left out. */
const PROBES_MAX = 40;

/**
 * Probes the server.
 *
 * @param request The refused one.
 * @returns The refused parts, or the ability if the server refuses the sample, too; `undefined` if the
 * probes prove nothing.
 * @throws {unknown} The signal's reason.
 */
export async function probeRefusal(
  about: Ability,
  { omit, byResponses, thinking, messages, tools = [] }: ModelRequest,
  model: Model,
  signal: AbortSignal,
): Promise<Lesson | undefined> {
  let probes = 0;
  async function takes(parts: Partial<ModelRequest>, images?: readonly ModelImage[]) {
    if (probes++ === PROBES_MAX) return false;
    const messages = [{ role: "user", text: "Write: ok", ...(images && { images }) }] as const;
    try {
      const clean = { system: "", omit, byResponses, messages, ...parts };
      for await (const _ of model.generate(clean, signal)) break; // the rest would only cost
      return true;
    } catch (error) {
      if (signal.aborted || !(error instanceof ModelError)) throw error;
      if (error.kind === "not_an_answer") return true; // to a request that the server took
      if (isAbout(about, error)) return false;
      throw error;
    }
  }

  const sample = tools.length > 0 ? [SMALL_TOOL] : undefined;
  try {
    switch (about) {
      case "thinking":
        return thinking === undefined || await takes({ thinking, tools: sample })
          ? undefined
          : abilityLesson(thinking);
      case "tools": {
        if (!await takes({ tools: sample })) return abilityLesson(about);
        const left = without(tools, await mostOf(tools, (tools) => takes({ tools })));
        return left.length > 0 ? toolLesson(left) : undefined;
      }
      case "images": {
        if (!await takes({}, [RED_SQUARE])) return abilityLesson(about);
        const all = messages.flatMap((one) => one.role === "user" ? one.images ?? [] : []);
        const left = without(all, await mostOf(all, (images) => takes({}, images)));
        return left.length > 0 ? pictureLesson(left) : undefined;
      }
    }
  } catch (error) {
    if (signal.aborted || !(error instanceof ModelError)) throw error;
    return undefined;
  }
}

function without<Part>(parts: readonly Part[], taken: readonly Part[]): readonly Part[] {
  return parts.filter((part) => !taken.includes(part));
}

/**
 * The most parts that a server takes together, by halves. It finds each refused part, and a sum that is
 * too large: llama.cpp compiles all tools into one grammar.
 *
 * @param taken Parts that it has taken.
 */
export async function mostOf<Part>(
  parts: readonly Part[],
  takes: (parts: readonly Part[]) => Promise<boolean>,
  taken: readonly Part[] = [],
): Promise<readonly Part[]> {
  const all = [...taken, ...parts];
  if (await takes(all)) return all;
  if (parts.length <= 1) return taken;
  const half = Math.ceil(parts.length / 2);
  return await mostOf(
    parts.slice(half),
    takes,
    await mostOf(parts.slice(0, half), takes, taken),
  );
}
