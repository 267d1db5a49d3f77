/**
 * Speaks texts, by the API `/v1/audio/speech` (R16).
 *
 * @module
 */

import { FileError } from "../../core/turn/media.ts";
import type { ModelSettings } from "../settings.ts";
import { askSpeech, type SpeechDeps } from "./request.ts";

/**
 * Speaks a text.
 *
 * @returns Opus in Ogg.
 * @throws {FileError} If the server gives no such sound; or the signal's reason.
 */
export type Speak = (text: string, signal: AbortSignal) => Promise<Uint8Array<ArrayBuffer>>;

/** Milliseconds for one answer: its text waits as long. */
export const SPEAK_MS = 30_000;
/** Maximum bytes of a sound: half an hour of Opus at 32 kbit/s has 7 MB. */
const MAX_BYTES = 8_000_000;

/** Creates the voice of one model. */
export function createSpeak(
  settings: ModelSettings,
  voice: string,
  deps: SpeechDeps,
): Speak {
  return async (text, signal) => {
    const { name: model, provider } = settings;
    const body = JSON.stringify({ model, voice, input: text, response_format: "opus" });
    const { bytes } = await askSpeech(
      provider,
      { path: "/audio/speech", body, maxBytes: MAX_BYTES },
      deps,
      signal,
    );
    const isOgg = new TextDecoder("latin1").decode(bytes.subarray(0, 4)) === "OggS";
    if (!isOgg) throw new FileError("the speech server's answer is no Opus in Ogg");
    return bytes;
  };
}
