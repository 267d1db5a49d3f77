/**
 * Finds the refused part of a request by clean requests of our own, which have one question and nothing
 * of the conversation (L3).
 *
 * A request has many parts, and the words of a refusal may mean any of them. An ability counts as
 * impossible only if the server refuses a small sample of it, too.
 */

import { type Model, ModelError, type ModelImage, type ModelRequest } from "../../core/model.ts";
import { RED_SQUARE, SMALL_TOOL } from "../about/try_model.ts";
import { abilityLesson, type Lesson, pictureLesson, toolLesson } from "./lessons.ts";
import { type Ability, isAbout } from "./refusals.ts";

/** Maximum number of probes after one refusal. Parts that none has shown to be fine are left out. */
const PROBES_MAX = 40;

/** The parts of a probe. */
type Parts = Pick<ModelRequest, "tools" | "thinking"> & { readonly images?: readonly ModelImage[] };

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
  request: ModelRequest,
  model: Model,
  signal: AbortSignal,
): Promise<Lesson | undefined> {
  const { omit, byResponses, thinking, messages, tools = [] } = request;
  let probes = 0;
  async function takes({ images, ...parts }: Parts): Promise<boolean> {
    if (probes++ === PROBES_MAX) return false;
    const clean: ModelRequest = {
      ...{ system: "", omit, byResponses, ...parts },
      messages: [{ role: "user", text: "Write: ok", ...(images && { images }) }],
    };
    try {
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
        const taken = await mostOf(tools, (tools) => takes({ tools }));
        const left = tools.filter((tool) => !taken.includes(tool));
        return left.length > 0 ? toolLesson(left) : undefined;
      }
      case "images": {
        if (!await takes({ images: [RED_SQUARE] })) return abilityLesson(about);
        const all = messages.flatMap((one) => one.role === "user" ? one.images ?? [] : []);
        const taken = await mostOf(all, (images) => takes({ images }));
        const left = all.filter((image) => !taken.includes(image));
        return left.length > 0 ? pictureLesson(left) : undefined;
      }
    }
  } catch (error) {
    if (signal.aborted || !(error instanceof ModelError)) throw error;
    return undefined;
  }
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
