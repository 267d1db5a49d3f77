/** Recordings for tests: sound like speech, noise, and espeak-ng's voice. All are mono, 24 kHz. */

import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { seeded } from "../seeded.ts";
import { RATE } from "../../../simulator/model/spoken_text.ts";

/** Noise of a room. @param level Its root mean square, of 32,768. */
export function noise(ms: number, level: number): Int16Array {
  const { random } = seeded(1);
  const top = level * Math.sqrt(3);
  return new Int16Array(samplesIn(ms)).map(() => Math.round((2 * random() - 1) * top));
}

/**
 * Sound with the rhythm of speech: syllables of a buzzing voice, four a second, with gaps between
 * words of up to 120 ms.
 */
export function speechLike(ms: number, seed = 1): Int16Array {
  const pcm = new Int16Array(samplesIn(ms));
  const { random } = seeded(seed);
  const next = () => 2 * random() - 1;
  let at = 0;
  while (at < pcm.length) {
    const length = samplesIn(120 + 60 * Math.abs(next()));
    const pitch = 110 + 30 * next();
    const formant = 500 + 300 * Math.abs(next());
    for (let index = 0; index < length && at + index < pcm.length; index++) {
      const time = index / RATE;
      const envelope = Math.sin(Math.PI * index / length);
      const buzz = 2 * (time * pitch % 1) - 1;
      const voiced = 0.6 * buzz + 0.7 * Math.sin(2 * Math.PI * formant * time);
      pcm[at + index] = Math.round(4_800 * envelope * (voiced + 0.1 * next()));
    }
    at += length + samplesIn(next() > 0.4 ? 120 : 30);
  }
  return pcm;
}

/** Whether Debian's `espeak-ng` is installed, for {@link espeak}. */
export const hasEspeak: boolean = spawnSync("espeak-ng", ["--version"]).status === 0;

/** A sentence in the voice of espeak-ng. */
export function espeak(text: string): Int16Array {
  const made = spawnSync("espeak-ng", ["-v", "en", "--stdout", text], { maxBuffer: 2 ** 26 });
  const pcm = readWav(made.stdout);
  if (!pcm) throw new Error(`Cannot read the sound of espeak-ng: ${made.stderr}`);
  return pcm;
}

/** Reads a WAV of 16 bits, and brings it to mono and 24 kHz; `undefined` for anything else. */
export function readWav(bytes: Uint8Array): Int16Array | undefined {
  const wav = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (wav.toString("latin1", 0, 4) !== "RIFF" || wav.length < 44) return undefined;
  const [channels, rate, bits] = [wav.readUInt16LE(22), wav.readUInt32LE(24), wav.readUInt16LE(34)];
  if (bits !== 16) return undefined;
  const from = wav.indexOf("data", 12, "latin1") + 8;
  // A stream's header gives no true length.
  const length = Math.min(wav.readUInt32LE(from - 4), wav.length - from) / 2 / channels;
  const pcm = new Int16Array(Math.floor(length * RATE / rate));
  return pcm.map((_, at) => {
    const place = at * rate / RATE;
    const sample = (index: number) =>
      wav.readInt16LE(from + 2 * channels * Math.min(index, Math.floor(length) - 1));
    const left = sample(Math.floor(place));
    return Math.round(left + (sample(Math.floor(place) + 1) - left) * (place % 1));
  });
}

function samplesIn(ms: number): number {
  return Math.round(ms * RATE / 1_000);
}
