/** Encodes and decodes speech with Opus, in the one form of sound above this folder. */

import { createDecoder, createEncoder, type OpusDecoderHandle } from "libopus-wasm";
import { type Pcm, SAMPLE_RATE } from "../line/call.ts";

/** Mono: each decoder of Opus plays it, and a packet says so. It takes half of the time of stereo. */
const FORM = { channels: 1, sampleRate: SAMPLE_RATE } as const;

/** Decodes one person's stream. It throws if a packet is no Opus. */
export type SpeechDecoder = Pick<OpusDecoderHandle, "decode" | "decodePacketLoss" | "free">;

/** Loads the library. Decoders are made ahead, because a packet does not wait. */
export async function createOpus() {
  const encoder = await createEncoder({
    ...FORM,
    application: 2049, // sound of any kind: the form for speech takes four times as long
    bitrate: 48_000,
    complexity: 5,
  });
  const spare: SpeechDecoder[] = [];
  const refill = async () => void spare.push(await createDecoder(FORM));
  await refill();
  return {
    encode: (pcm: Pcm): Uint8Array => encoder.encode(pcm),
    /** `undefined` if too many are wanted at once; the next packet finds one. */
    takeDecoder(): SpeechDecoder | undefined {
      const decoder = spare.pop();
      if (decoder) refill().catch(() => {}); // without memory for another one, no further person is heard
      return decoder;
    },
  };
}

export type Opus = Awaited<ReturnType<typeof createOpus>>;
