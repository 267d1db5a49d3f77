/**
 * Draws images, by the API `/v1/images/generations` (T6).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { z } from "zod";
import type { ModelUsage } from "../../core/model.ts";
import { FileError } from "../../core/turn/media.ts";
import type { ModelSettings } from "../settings.ts";
import { askSpeech, type SpeechDeps } from "../speech/request.ts";

/** A drawn image. */
export interface DrawnImage {
  /** The whole file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Tokens; absent if the server reports none. */
  readonly usage?: ModelUsage;
}

/**
 * Draws an image.
 *
 * @throws {FileError} If the server gives none; or the signal's reason.
 */
export type DrawImage = (prompt: string, signal: AbortSignal) => Promise<DrawnImage>;

/** Milliseconds for one image. */
export const DRAW_MS = 110_000;
/** Maximum bytes of an answer: base64 of an image of 15 MB. */
const MAX_BYTES = 20_000_000;

const answerSchema = z.object({
  data: z.tuple([z.object({ b64_json: z.string().min(1) })]).rest(z.unknown()),
  usage: z.object({ input_tokens: z.number(), output_tokens: z.number() }).optional()
    .catch(undefined),
});

/** Models that always answer in base64, and refuse the key that asks for it. */
const ALWAYS_BASE64 = /^(?:.*\/)?gpt-image/;

/** Creates the drawing by one model. */
export function createDrawImage(
  { name: model, provider }: ModelSettings,
  deps: SpeechDeps,
): DrawImage {
  return async (prompt, signal) => {
    const format = ALWAYS_BASE64.test(model) ? {} : { response_format: "b64_json" };
    const body = JSON.stringify({ model, prompt, n: 1, ...format });
    const request = { path: "/images/generations", body, maxBytes: MAX_BYTES, server: "image" };
    const { bytes } = await askSpeech(provider, request, deps, signal);
    const answer = parsed(bytes);
    if (!answer) throw new FileError("the image server's answer has no image");
    const { data: [{ b64_json: image }], usage } = answer;
    return {
      bytes: new Uint8Array(Buffer.from(image, "base64")),
      usage: usage
        ? { inputTokens: usage.input_tokens, outputTokens: usage.output_tokens }
        : undefined,
    };
  };
}

/** @returns `undefined` for anything but an object with an image in base64. */
function parsed(bytes: Uint8Array): z.output<typeof answerSchema> | undefined {
  try {
    return answerSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined; // HTML of a proxy, or another API
  }
}
