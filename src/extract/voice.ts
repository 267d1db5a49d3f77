/** Measures recordings (H10), and spoken answers with the waveform that Discord shows (R16). */

import { Buffer } from "node:buffer";
import type { VoiceFacts } from "../core/outbound/outbound.ts";
import type { AudioFacts } from "./extractor.ts";
import { UnreadableError } from "./extractor.ts";

/** Maximum number of slices of a waveform at Discord. */
const MAX_SLICES = 256;
/** Discord's own clients make one slice for each tenth of a second. */
const SLICE_SEC = 0.1;
/** Level below which a sound counts as silence: a decoder's noise must not look like speech. */
const QUIET = 0.01;

/** Decodes Opus in Ogg, and measures it. */
export async function measureVoice(bytes: Uint8Array): Promise<VoiceFacts> {
  // Both exports are used: a bundler that leaves one out breaks the package, which names both.
  const { OggOpusDecoder, OggOpusDecoderWebWorker } = await import("ogg-opus-decoder");
  if (!OggOpusDecoderWebWorker) throw new TypeError("the decoder is incomplete");
  const decoder = new OggOpusDecoder();
  await decoder.ready;
  const { channelData, samplesDecoded, sampleRate } = await decoder.decodeFile(bytes);
  decoder.free();
  const [samples] = channelData;
  if (!samples || samplesDecoded === 0) throw new UnreadableError("the sound is no Opus in Ogg");
  const durationSec = samplesDecoded / sampleRate;
  return { durationSec, waveform: waveformOf(samples, durationSec) };
}

/** The loudest sample of each slice, relative to the loudest one of all. */
export function waveformOf(samples: Float32Array, durationSec: number): string {
  const count = Math.min(MAX_SLICES, Math.max(1, Math.round(durationSec / SLICE_SEC)));
  const peaks = Array.from({ length: count }, (_, slice) => {
    const from = Math.floor(slice * samples.length / count);
    const to = Math.max(from + 1, Math.floor((slice + 1) * samples.length / count));
    let peak = 0;
    for (let at = from; at < to && at < samples.length; at++) {
      peak = Math.max(peak, Math.abs(samples[at] ?? 0));
    }
    return peak;
  });
  const loudest = Math.max(QUIET, ...peaks);
  const levels = peaks.map((peak) => Math.round(peak / loudest * 255));
  return Buffer.from(levels).toString("base64");
}

/** Measures a recording by its content, not by the words of its sender. */
export async function measureAudio(bytes: Uint8Array, mediaType: string): Promise<AudioFacts> {
  const { parseBuffer } = await import("music-metadata");
  const { format } = await parseBuffer(bytes, { mimeType: mediaType, size: bytes.length }, {
    duration: true,
    skipCovers: true,
    skipPostHeaders: true,
  });
  const { duration } = format;
  return duration !== undefined && Number.isFinite(duration) ? { durationSec: duration } : {};
}
