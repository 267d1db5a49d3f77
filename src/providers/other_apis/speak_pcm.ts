/** Speaks a sentence as samples, which arrive while the server still speaks (V5). */

import { FileError } from "../../core/turn/media.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { ModelSettings } from "../settings.ts";
import { contentTypeOf, sendSpeech, type SpeechDeps, unreachable } from "./request.ts";

/** Milliseconds until the first sound, and between two parts of it. */
export const SOUND_MS = 10_000;
/** Maximum bytes of a sentence: three minutes. */
const MAX_BYTES = 9_000_000;
/** Samples a second that OpenAI's `pcm` has, and a call takes. */
const RATE = 24_000;
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
    const stopped = new Promise<never>((_resolve, reject) => {
      both.addEventListener("abort", () => reject(both.reason), { once: true });
    });
    stopped.catch(() => {});
    /** The limit holds even if the runtime ignores the abort. */
    const inTime = <Part>(coming: Promise<Part>): Promise<Part> => {
      coming.catch(() => {});
      const cancel = schedule(() => silent.abort(), SOUND_MS);
      return Promise.race([coming, stopped]).finally(cancel);
    };
    try {
      signal.throwIfAborted();
      const response = await inTime(
        sendSpeech(provider, { path: "/audio/speech", body }, fetch, both),
      );
      const reader = response.body?.getReader();
      if (!reader || /json|html|xml/.test(contentTypeOf(response))) {
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

/** Creates the reader of a sound in parts. Some servers put a header of WAV before it. */
export function createReadPcm(): (bytes: Uint8Array) => Int16Array {
  let kept = new Uint8Array(0);
  let rate: number | undefined;
  let last = 0;
  let at = 1;
  return (bytes) => {
    let all = new Uint8Array(kept.length + bytes.length);
    all.set(kept);
    all.set(bytes, kept.length);
    if (rate === undefined) {
      const isWav = new TextDecoder("latin1").decode(all.subarray(0, 4)) === "RIFF";
      if (all.length < 4 || (isWav && all.length < HEADER_BYTES)) {
        kept = all;
        return new Int16Array(0);
      }
      rate = isWav ? new DataView(all.buffer).getUint32(24, true) : RATE;
      if (isWav) all = all.slice(HEADER_BYTES);
    }
    const view = new DataView(all.buffer, all.byteOffset);
    const count = all.length >> 1;
    kept = all.slice(count * 2);
    const sample = (index: number) => index < 0 ? last : view.getInt16(index * 2, true);
    if (rate === RATE) return Int16Array.from({ length: count }, (_, index) => sample(index));
    const made: number[] = [];
    const step = rate / RATE;
    for (; at <= count; at += step) { // position 0 is the last sample of the part before
      const [from, share] = [Math.floor(at), at % 1];
      const one = sample(from - 1);
      made.push(share === 0 || from >= count ? one : one + (sample(from) - one) * share);
    }
    if (count > 0) last = sample(count - 1);
    at -= count;
    return Int16Array.from(made);
  };
}
