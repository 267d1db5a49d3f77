/**
 * The speech of the bot in a call: one after the other, and none while a person speaks (V7). A sound of
 * a person holds all of it, until it is words, which end it, or a noise.
 */

import { Buffer } from "node:buffer";
import type { BotAccount } from "../../../account/account.ts";
import type { UserId } from "../../../core/discord/ids.ts";
import { type Call, type CallSpeech, type Pcm, SAMPLE_RATE } from "../line/call.ts";
import type { LastSpeech } from "./heard_words.ts";

/** Milliseconds after which a sound of no known end was a noise: a piece, and the time for its words. */
const LONGEST_MS = 45_000;

export function createSpeeches(call: Call, { schedule, now }: BotAccount) {
  const open = new Map<CallSpeech, () => void>();
  /** The newest sound of each person that may be words. */
  const sounds = new Map<UserId, () => void>();
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

  return {
    last: (): LastSpeech | undefined => last,
    /** A sound of a person begins: all that the bot says, and is about to say, waits. */
    began(userId: UserId): void {
      const cancel = schedule(ended, LONGEST_MS);
      function ended(): void {
        cancel();
        if (sounds.get(userId) !== ended) return;
        sounds.delete(userId);
        call.hold(sounds.size > 0);
      }
      sounds.set(userId, ended);
      call.hold(true);
    },
    /** @returns Ends the sound that has begun last, and none that begins after this call. */
    endOf: (userId: UserId): () => void => sounds.get(userId) ?? (() => {}),
    /** The sound is words: all that waits ends. */
    interrupted(): void {
      for (const [speech, stopped] of open) {
        speech.stop();
        stopped();
      }
    },
    /** @param stopped Called if a person interrupts it. */
    open: begin,
    /** Plays a sound by itself. Resolves at its end; rejects with the error of the sound. */
    async play(sound: AsyncIterable<Pcm>, to: UserId | undefined) {
      let speech: CallSpeech | undefined;
      try {
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
