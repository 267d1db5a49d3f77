/** Encodes and decodes speech with Opus, in the one form of sound above this folder. */

import { createDecoder, createEncoder, type OpusDecoderHandle } from "libopus-wasm";
import { type Pcm, SAMPLE_RATE } from "../line/call.ts";

/** Mono: each decoder of Opus plays it, and a packet says so. It takes half of the time of stereo. */
const FORM = { channels: 1, sampleRate: SAMPLE_RATE } as const;

/** Wraps the decoder of one person's stream. */
function wrapped(decoder: OpusDecoderHandle) {
  return {
    /** @throws {Error} If the packet is no Opus. */
    decode: (packet: Uint8Array): Pcm => decoder.decode(packet),
    /** Invents a lost frame of 20 ms, from the packet after it if that is here. */
    conceal: (next?: Uint8Array): Pcm =>
      next ? decoder.decode(next, { decodeFec: true }) : decoder.decodePacketLoss(),
    free: (): void => decoder.free(),
  };
}

export type SpeechDecoder = ReturnType<typeof wrapped>;

/** Loads the library. Decoders are made ahead, because a packet does not wait. */
export async function createOpus() {
  const encoder = await createEncoder({
    ...FORM,
    application: 2049, // sound of any kind: the form for speech takes four times as long
    bitrate: 48_000,
    complexity: 5,
  });
  const spare: OpusDecoderHandle[] = [];
  const refill = async () => void spare.push(await createDecoder(FORM));
  await refill();
  return {
    encode: (pcm: Pcm): Uint8Array => encoder.encode(pcm),
    /** `undefined` if too many are wanted at once; the next packet finds one. */
    takeDecoder(): SpeechDecoder | undefined {
      const decoder = spare.pop();
      if (decoder) refill().catch(() => {}); // without memory for another one, no further person is heard
      return decoder && wrapped(decoder);
    },
  };
}

export type Opus = Awaited<ReturnType<typeof createOpus>>;
