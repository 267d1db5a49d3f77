/** Speaks texts (R16), transcribes recordings and draws images (T6), by OpenAI's APIs. */

import { Buffer } from "node:buffer";
import { z } from "zod";
import type { ModelUsage } from "../../core/model.ts";
import { FileError, type Sound } from "../../core/turn/media.ts";
import { endingWithin, schedule, type StartTimer } from "../../lib/clock.ts";
import { fetchPlain, readBody } from "../../lib/network/fetch_plain.ts";
import { parseForeignJson } from "../../lib/text/quoted.ts";
import {
  endpointOf,
  type ModelSettings,
  type ProviderSettings,
  secretsOf,
  withQuery,
} from "../settings.ts";

/**
 * Sends a request once. The time limit holds even if the runtime ignores the abort.
 *
 * @returns The bytes of the answer.
 * @throws {FileError} Or the signal's reason.
 */
async function askSpeech(
  provider: ProviderSettings,
  { path, body, maxBytes, timeoutMs, server = "speech" }: {
    /** After the provider's address: `"/audio/speech"`. */
    readonly path: string;
    readonly body: FormData | string;
    /** Maximum bytes of the answer. */
    readonly maxBytes: number;
    /** Milliseconds from the request to the last byte of the answer. */
    readonly timeoutMs: number;
    /** Kind of the server, for failures; `"speech"` if absent. */
    readonly server?: string;
  },
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const late = () => {
    const cause = new Error(`nothing within ${timeoutMs / 1_000} s`);
    return new FileError(`the ${server} server gave no answer`, { cause });
  };
  const tooLarge = () => new FileError(`the ${server} server's answer is too large`);
  try {
    return await endingWithin(timeoutMs, schedule, signal, late, async (ending) => {
      const response = await sendSpeech(provider, { path, body, server }, ending);
      return await readBody(response.body, { maxBytes, tooLarge, signal: ending });
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error instanceof FileError ? error : unreachable(error, provider, server);
  }
}

/**
 * Sends a request once, and returns the answer before its body.
 *
 * @throws {FileError} If the server refuses it; or the error of `fetch`.
 */
async function sendSpeech(
  provider: ProviderSettings,
  { path, body, server = "speech" }: {
    readonly path: string;
    readonly body: FormData | string;
    readonly server?: string;
  },
  signal: AbortSignal,
): Promise<Response> {
  const { headers = {}, apiKey } = provider;
  const url = withQuery(`${endpointOf(provider)}${path}`, provider);
  const response = await fetchPlain(fetch, url, {
    method: "POST",
    headers: {
      ...(apiKey !== undefined && { Authorization: `Bearer ${apiKey}` }),
      ...(typeof body === "string" && { "Content-Type": "application/json" }),
      ...headers,
    },
    body,
    redirect: "error", // the key and the words must not go to another address
    signal,
  });
  if (response.ok) return response;
  await response.body?.cancel().catch(() => {});
  const cause = new Error(`HTTP ${response.status}`);
  throw new FileError(`the ${server} server refused it`, { cause });
}

function unreachable(error: unknown, provider: ProviderSettings, server = "speech"): Error {
  const cause = new Error(reasonOf(error, provider));
  return new FileError(`the ${server} server could not be reached`, { cause });
}

/** The runtime's reason, unless it repeats a secret of the provider. */
function reasonOf(error: unknown, provider: ProviderSettings): string {
  const reason = error instanceof Error ? error.message : String(error);
  return secretsOf(provider).some((secret) => reason.includes(secret)) ? "no reason" : reason;
}

/** Milliseconds until the first sound, and between two parts of it. */
export const SOUND_MS = 10_000;
/** Maximum bytes of a sentence: three minutes. */
const MAX_BYTES = 9_000_000;
/** Samples a second that OpenAI's `pcm` has, and a call takes; and those of any sound. */
const RATE = 24_000;
const RATES = { least: 4_000, most: 192_000 };
const HEADER_BYTES = 44;

/**
 * Creates the speaker.
 *
 * @returns Mono, 16 bits, 24 kHz. It throws a {@link FileError}, or the signal's reason.
 */
export function createSpeakPcm(
  { name: model, provider }: ModelSettings,
  voice: string,
  schedule: StartTimer,
): (text: string, signal: AbortSignal) => AsyncIterable<Int16Array> {
  return async function* (text, signal) {
    const body = JSON.stringify({ model, voice, input: text, response_format: "pcm" });
    const silent = new AbortController();
    const both = AbortSignal.any([silent.signal, signal]);
    const inTime = <Part>(coming: Promise<Part>): Promise<Part> =>
      coming.finally(schedule(() => silent.abort(), SOUND_MS));
    try {
      signal.throwIfAborted();
      const response = await inTime(
        sendSpeech(provider, { path: "/audio/speech", body }, both),
      );
      const reader = response.body?.getReader();
      if (!reader || /json|html|xml/i.test(response.headers.get("content-type") ?? "")) {
        throw new FileError("the speech server's answer is no sound");
      }
      const read = createReadPcm();
      for (let bytes = 0;;) {
        const { done, value } = await inTime(reader.read());
        if (done) break;
        bytes += value.length;
        if (bytes > MAX_BYTES) throw new FileError("the speech server's answer is too large");
        const samples = read(value);
        if (samples.length > 0) yield samples;
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (silent.signal.aborted) {
        throw new FileError(`the speech server was silent for ${SOUND_MS / 1_000} s`);
      }
      throw error instanceof FileError ? error : unreachable(error, provider);
    } finally {
      silent.abort(); // a reader that stops early ends the request
    }
  };
}

/** Creates the reader of a sound in parts. Some servers send WAV, at another rate. */
export function createReadPcm(): (bytes: Uint8Array) => Int16Array {
  let kept: Uint8Array = new Uint8Array(0);
  let rate: number | undefined;
  /** Of the next sample, in samples from the begin of the part. */
  let at = 0;
  return (bytes) => {
    let all = new Uint8Array(kept.length + bytes.length);
    all.set(kept);
    all.set(bytes, kept.length);
    if (rate === undefined) {
      const isWav = new TextDecoder("latin1").decode(all.subarray(0, 4)) === "RIFF";
      kept = all;
      if (all.length < (isWav ? HEADER_BYTES : 4)) return new Int16Array(0);
      rate = isWav ? new DataView(all.buffer).getUint32(24, true) : RATE;
      if (rate < RATES.least || rate > RATES.most) {
        throw new FileError("the speech server's answer has a wrong rate");
      }
      all = isWav ? all.slice(HEADER_BYTES) : all;
    }
    const samples = new Int16Array(all.buffer, 0, all.length >> 1);
    kept = all.slice(samples.byteLength);
    if (rate === RATE) return samples;
    const made: number[] = [];
    for (; at < samples.length; at += rate / RATE) made.push(samples[Math.floor(at)] ?? 0);
    at -= samples.length;
    return Int16Array.from(made);
  };
}

/** Milliseconds for one answer: its text waits as long. */
const SPEAK_MS = 30_000;
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
): (text: string, signal: AbortSignal) => Promise<Uint8Array<ArrayBuffer>> {
  return async (text, signal) => {
    const { name: model, provider } = settings;
    const body = JSON.stringify({ model, voice, input: text, response_format: "opus" });
    const bytes = await askSpeech(
      provider,
      { path: "/audio/speech", body, maxBytes: MAX_AUDIO_BYTES, timeoutMs: SPEAK_MS },
      signal,
    );
    const isOgg = new TextDecoder("latin1").decode(bytes.subarray(0, 4)) === "OggS";
    if (!isOgg) throw new FileError("the speech server's answer is no Opus in Ogg");
    return bytes;
  };
}

/** Milliseconds for one transcription: a small machine needs as long as the recording. */
const TRANSCRIBE_MS = 120_000;
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
  timeoutMs = TRANSCRIBE_MS,
): (recording: Sound, signal: AbortSignal) => Promise<string> {
  return async ({ bytes, mediaType, ending }, signal) => {
    const body = new FormData();
    body.set("file", new Blob([bytes], { type: mediaType }), `recording.${ending}`);
    body.set("model", settings.name);
    body.set("response_format", "json");
    const request = { path: "/audio/transcriptions", body, maxBytes: MAX_TEXT_BYTES, timeoutMs };
    const answer = await askSpeech(settings.provider, request, signal);
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

const DRAW_MS = 110_000;
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
      timeoutMs: DRAW_MS,
      server: "image",
    };
    const bytes = await askSpeech(provider, request, signal);
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
