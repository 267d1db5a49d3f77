/**
 * Transcribes recordings, by the API `/v1/audio/transcriptions` (H10).
 *
 * @module
 */

import { z } from "zod";
import { FileError } from "../../core/turn/media.ts";
import type { ModelSettings } from "../settings.ts";
import { askSpeech, type SpeechDeps } from "./request.ts";

/** A recording. */
export interface Recording {
  /** The whole content. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** `"audio/ogg"`. */
  readonly mediaType: string;
  /** Ending of the file's name, by which servers tell the format: `"ogg"`. */
  readonly ending: string;
}

/**
 * Transcribes a recording.
 *
 * @throws {FileError} If the server gives no words; or the signal's reason.
 */
export type Transcribe = (recording: Recording, signal: AbortSignal) => Promise<string>;

/** Milliseconds for one transcription: a small machine needs as long as the recording. */
export const TRANSCRIBE_MS = 120_000;
/** Maximum bytes of an answer. Ten minutes of speech have some 10 kB. */
const MAX_BYTES = 1_000_000;

const answerSchema = z.object({ text: z.string() });

/** Creates the transcription by one model. */
export function createTranscribe(settings: ModelSettings, deps: SpeechDeps): Transcribe {
  return async ({ bytes, mediaType, ending }, signal) => {
    const body = new FormData();
    body.set("file", new Blob([bytes], { type: mediaType }), `recording.${ending}`);
    body.set("model", settings.name);
    body.set("response_format", "json");
    const request = { path: "/audio/transcriptions", body, maxBytes: MAX_BYTES };
    const answer = await askSpeech(settings.provider, request, deps, signal);
    const text = textOf(answer.bytes)?.trim();
    if (text === undefined) throw new FileError("the speech server's answer has no transcript");
    if (text === "") throw new FileError("it has no words");
    return text;
  };
}

/** @returns `undefined` for anything but an object with a text. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return answerSchema.parse(JSON.parse(new TextDecoder().decode(bytes))).text;
  } catch {
    return undefined; // HTML of a proxy, or another API
  }
}
