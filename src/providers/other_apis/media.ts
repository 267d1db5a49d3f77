/** Speaks texts (R16), transcribes recordings and draws images (T6), by OpenAI's APIs. */

import { z } from "zod";
import { Buffer } from "node:buffer";
import { FileError } from "../../core/turn/media.ts";
import type { ModelSettings } from "../settings.ts";
import type { ModelUsage } from "../../core/model.ts";
import { parseForeignJson } from "../../lib/text/json.ts";
import { askSpeech, type SpeechDeps } from "./request.ts";

/** Milliseconds for one answer: its text waits as long. */
export const SPEAK_MS = 30_000;
/** Maximum bytes of a sound: half an hour of Opus at 32 kbit/s has 7 MB. */
const MAX_AUDIO_BYTES = 8_000_000;

/**
 * Speaks a text.
 *
 * @returns Opus in Ogg.
 * @throws {FileError} If the server gives no such sound; or the signal's reason.
 */
export function createSpeak(
  settings: ModelSettings,
  voice: string,
  deps: SpeechDeps,
): (text: string, signal: AbortSignal) => Promise<Uint8Array<ArrayBuffer>> {
  return async (text, signal) => {
    const { name: model, provider } = settings;
    const body = JSON.stringify({ model, voice, input: text, response_format: "opus" });
    const bytes = await askSpeech(
      provider,
      { path: "/audio/speech", body, maxBytes: MAX_AUDIO_BYTES },
      deps,
      signal,
    );
    const isOgg = new TextDecoder("latin1").decode(bytes.subarray(0, 4)) === "OggS";
    if (!isOgg) throw new FileError("the speech server's answer is no Opus in Ogg");
    return bytes;
  };
}

/** Milliseconds for one transcription: a small machine needs as long as the recording. */
export const TRANSCRIBE_MS = 120_000;
/** Maximum bytes of an answer. Ten minutes of speech have some 10 kB. */
const MAX_TEXT_BYTES = 1_000_000;

const answerSchema = z.object({ text: z.string() });

/**
 * Transcribes a recording.
 *
 * @throws {FileError} If the server gives no words; or the signal's reason.
 */
export function createTranscribe(
  settings: ModelSettings,
  deps: SpeechDeps,
): (recording: {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** `"audio/ogg"`. */
  readonly mediaType: string;
  /** Ending of the file's name, by which servers tell the format: `"ogg"`. */
  readonly ending: string;
}, signal: AbortSignal) => Promise<string> {
  return async ({ bytes, mediaType, ending }, signal) => {
    const body = new FormData();
    body.set("file", new Blob([bytes], { type: mediaType }), `recording.${ending}`);
    body.set("model", settings.name);
    body.set("response_format", "json");
    const request = { path: "/audio/transcriptions", body, maxBytes: MAX_TEXT_BYTES };
    const answer = await askSpeech(settings.provider, request, deps, signal);
    const text = parsed(answerSchema, answer)?.text.trim();
    if (text === undefined) throw new FileError("the speech server's answer has no transcript");
    if (text === "") throw new FileError("it has no words");
    return text;
  };
}

/** @returns `undefined` for HTML of a proxy, or the answer of another API. */
function parsed<Schema extends z.ZodType>(schema: Schema, bytes: Uint8Array) {
  return schema.safeParse(parseForeignJson(new TextDecoder().decode(bytes))).data;
}

/** Milliseconds for one image. */
export const DRAW_MS = 110_000;
/** Maximum bytes of an answer: base64 of an image of 15 MB. */
const MAX_IMAGE_BYTES = 20_000_000;

const imageSchema = z.lazy(() =>
  z.object({
    data: z.tuple([z.object({ b64_json: z.string().min(1) })]).rest(z.unknown()),
    usage: z.object({ input_tokens: z.number(), output_tokens: z.number() }).optional()
      .catch(undefined),
  })
);

/** Models that always answer in base64, and refuse the key that asks for it. */
const ALWAYS_BASE64 = /^(?:.*\/)?gpt-image/;

/**
 * Draws an image.
 *
 * @throws {FileError} If the server gives none; or the signal's reason.
 */
export function createDrawImage(
  { name: model, provider }: ModelSettings,
  deps: SpeechDeps,
): (prompt: string, signal: AbortSignal) => Promise<{
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Tokens; absent if the server reports none. */
  readonly usage?: ModelUsage;
}> {
  return async (prompt, signal) => {
    const format = ALWAYS_BASE64.test(model) ? {} : { response_format: "b64_json" };
    const body = JSON.stringify({ model, prompt, n: 1, ...format });
    const request = {
      path: "/images/generations",
      body,
      maxBytes: MAX_IMAGE_BYTES,
      server: "image",
    };
    const bytes = await askSpeech(provider, request, deps, signal);
    const answer = parsed(imageSchema, bytes);
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
