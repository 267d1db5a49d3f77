/** Encodes and decodes speech with Opus, in the one form of sound above this folder. */

import { createDecoder, createEncoder, type OpusDecoderHandle } from "libopus-wasm";
import { type Pcm, SAMPLE_RATE } from "../line/call.ts";
import { FRAME_SAMPLES } from "./player.ts";

/** Mono: each decoder of Opus plays it, and a packet says so. It takes half of the time of stereo. */
const FORM = { channels: 1, sampleRate: SAMPLE_RATE } as const;
/** Longest packet of Opus: 120 ms. */
const MAX_SAMPLES = FRAME_SAMPLES * 6;

/** Decodes one person's stream. */
export interface SpeechDecoder {
  /** @throws {Error} If the packet is no Opus. */
  decode(packet: Uint8Array): Pcm;
  /** Invents a lost frame, from the packet after it if that is here. */
  conceal(next?: Uint8Array): Pcm;
  free(): void;
}

function wrapped(decoder: OpusDecoderHandle): SpeechDecoder {
  return {
    decode: (packet) => decoder.decode(packet, { maxFrameSize: MAX_SAMPLES }),
    conceal: (next) =>
      next
        ? decoder.decode(next, { decodeFec: true, frameSize: FRAME_SAMPLES })
        : decoder.decodePacketLoss(FRAME_SAMPLES),
    free: () => decoder.free(),
  };
}

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
