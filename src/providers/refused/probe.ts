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
import { imagesOf } from "../../core/fit_request.ts";
import { abilityLesson, type Lesson, olderPictures, pictureLesson, toolLesson } from "./lessons.ts";
import { type Ability, isAbout } from "./refusals.ts";

const RED_PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAQAAAAEAAQMAAABmvDolAAAAA1BMVEX/AAAZ4gk3AAAAH0lEQVR42u3BAQ0AAADC" +
  "oPdPbQ43oAAAAAAAAAAAvg0hAAABYOSdlwAAAABJRU5ErkJggg==";

/** A picture that each model with images takes: a red square of 256 by 256 pixels. */
export const RED_SQUARE: ModelImage = {
  mediaType: "image/png",
  data: new Uint8Array(Buffer.from(RED_PNG, "base64")),
};

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

/**
 * Probes the server.
 *
 * @param request The refused one.
 * @param budget Number of probes that are left for it.
 * @returns The refused parts, or the ability if the server refuses the sample, too. If the probes prove
 * nothing, the ability for this one request.
 * @throws {unknown} The signal's reason.
 */
export async function probeRefusal(
  about: Ability,
  { omit, byResponses, thinking = "off", messages, tools = [] }: ModelRequest,
  model: Model,
  budget: { left: number },
  signal: AbortSignal,
): Promise<Lesson> {
  async function takes(parts: Partial<ModelRequest>, images?: readonly ModelImage[]) {
    const messages = [{ role: "user", text: "Write: ok", ...(images && { images }) }] as const;
    try {
      if (budget.left-- <= 0) throw new ModelError("", { kind: "timeout", modelId: model.id });
      const clean = { system: "", omit, byResponses, messages, showsThinking: true, ...parts };
      for await (const _ of model.generate(clean, signal)) break; // the rest would only cost
      return true;
    } catch (error) {
      if (signal.aborted || !(error instanceof ModelError)) throw error;
      if (error.kind === "not_an_answer") return true; // to a request that the server took
      if (isAbout(about, error)) return false;
      throw error;
    }
  }

  const whole = abilityLesson(about === "thinking" ? thinking : about);
  const sample = tools.length > 0 ? { tools: [SMALL_TOOL] } : {};
  try {
    if (about === "thinking") {
      if (!await takes({ thinking, ...sample })) return whole;
    } else if (about === "tools") {
      if (!await takes(sample)) return whole;
      const found = await refusedOf(tools, (tools) => takes({ tools }));
      if (found) return toolLesson(found.left);
    } else {
      if (!await takes({}, [RED_SQUARE])) return whole;
      const all = imagesOf(messages).toReversed(); // the newest ones matter
      const found = await refusedOf(all, (images) => takes({}, images));
      if (found) return found.isAlone ? pictureLesson(found.left) : olderPictures(found.at);
    }
  } catch (error) {
    if (signal.aborted || !(error instanceof ModelError)) throw error;
  }
  return { ...whole, isForNow: true };
}

/**
 * The first part that a server refuses, by halves; `undefined` if it takes all.
 *
 * @returns Its place, and the parts to leave out: it alone, or from it on if only the sum is too large,
 * as of llama.cpp's grammar.
 */
export async function refusedOf<Part>(
  parts: readonly Part[],
  takes: (parts: readonly Part[]) => Promise<boolean>,
): Promise<{ at: number; left: readonly Part[]; isAlone: boolean } | undefined> {
  if (parts.length === 0 || await takes(parts)) return undefined;
  let [fine, refused] = [0, parts.length];
  while (refused - fine > 1) {
    const middle = (fine + refused) >> 1;
    if (await takes(parts.slice(0, middle))) fine = middle;
    else refused = middle;
  }
  const one = parts.slice(fine, refused);
  const isAlone = fine === 0 || !await takes(one);
  return { at: fine, left: isAlone ? one : parts.slice(fine), isAlone };
}
