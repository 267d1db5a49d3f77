/**
 * The speech of the bot in a call: one after the other, and none while a person speaks (V7). A person
 * who begins to speak ends all of it.
 */

import { Buffer } from "node:buffer";
import type { UserId } from "../../../core/discord/ids.ts";
import { type StartTimer, waitFor } from "../../../lib/clock.ts";
import { type Call, type CallSpeech, type Pcm, SAMPLE_RATE } from "../line/call.ts";
import type { LastSpeech } from "./addressed.ts";

/** Milliseconds after which a person whose speech has no end counts as silent: it was a noise. */
const SPEAKS_MS = 5_000;
/** Milliseconds between two looks whether people are silent. */
const LOOK_MS = 100;

export function createSpeeches(
  call: Pick<Call, "speak">,
  { schedule, now }: { readonly schedule: StartTimer; readonly now: () => number },
) {
  const open = new Map<CallSpeech, () => void>();
  const speaking = new Map<UserId, number>();
  let last: LastSpeech | undefined;

  function begin(to: UserId | undefined, stopped: () => void): CallSpeech {
    const speech = call.speak();
    open.set(speech, stopped);
    const own: LastSpeech | undefined = to && { to };
    if (own) last = own;
    void speech.done.then(() => {
      open.delete(speech);
      if (own && last === own) last = { to: own.to, endedAt: now() };
    });
    return speech;
  }

  async function quiet(signal: AbortSignal): Promise<void> {
    const isLoud = () => [...speaking.values()].some((since) => now() - since < SPEAKS_MS);
    while (isLoud() && !signal.aborted) await waitFor(LOOK_MS, schedule, signal);
  }

  return {
    last: (): LastSpeech | undefined => last,
    /** A person begins to speak: all that the bot says, and is about to say, ends. */
    interrupted(userId: UserId): void {
      speaking.set(userId, now());
      for (const [speech, stopped] of open) {
        speech.stop();
        stopped();
      }
    },
    silent: (userId: UserId): void => void speaking.delete(userId),
    quiet,
    /** @param stopped Called if a person interrupts it. */
    open: begin,
    /** Plays a sound by itself. Resolves at its end; rejects with the error of the sound. */
    async play(sound: AsyncIterable<Pcm>, to: UserId | undefined, signal: AbortSignal) {
      let speech: CallSpeech | undefined;
      try {
        await quiet(signal);
        for await (const pcm of sound) (speech ??= begin(to, () => {})).write(pcm);
      } finally {
        speech?.end();
        await speech?.done;
      }
    },
  };
}

export type Speeches = ReturnType<typeof createSpeeches>;

/** Milliseconds of a sound. */
export function msOf({ length }: Pcm): number {
  return length / SAMPLE_RATE * 1_000;
}

/** The sound of a text in base64. */
export function pcmOf(base64: string): Pcm {
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  return new Int16Array(bytes.buffer, 0, bytes.length >> 1);
}

/** A sound as a file that transcription takes: mono, 16 bits. */
export function wavOf({ buffer, byteOffset, byteLength }: Pcm): Uint8Array<ArrayBuffer> {
  const form = [16, 0x1_0001, SAMPLE_RATE, SAMPLE_RATE * 2, 0x10_0002];
  const bytes = new Uint8Array(44 + byteLength);
  const view = new DataView(bytes.buffer);
  const fields = ["RIFF", 36 + byteLength, "WAVE", "fmt ", ...form, "data", byteLength];
  for (const [index, field] of fields.entries()) {
    if (typeof field === "number") view.setUint32(4 * index, field, true);
    else bytes.set(new TextEncoder().encode(field), 4 * index);
  }
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength), 44);
  return bytes;
}
