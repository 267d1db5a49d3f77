/** Speaks a sentence as samples, which arrive while the server still speaks (V5). */

import { FileError } from "../../core/turn/media.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { ModelSettings } from "../settings.ts";
import { sendSpeech, type SpeechDeps, unreachable } from "./request.ts";

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
  { fetch, schedule }: Pick<SpeechDeps, "fetch"> & {
    readonly schedule: StartTimer;
  },
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
        sendSpeech(provider, { path: "/audio/speech", body }, fetch, both),
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
