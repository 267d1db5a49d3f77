/**
 * The thread of an account's calls: it encodes, decodes, encrypts and paces sound, so that no work of
 * the bot makes a gap, and no sound delays the bot.
 */

import { createDecoder, createEncoder, type OpusDecoderHandle } from "libopus-wasm";
import type { MessagePort } from "node:worker_threads";
import type { UserId } from "../../core/discord/ids.ts";
import { collectGarbage } from "../../host/process/release_pages.ts";
import {
  FRAME_MS,
  FRAME_SAMPLES,
  type HearAs,
  type HeardSound,
  type Pcm,
  SAMPLE_RATE,
} from "./line.ts";
import type { ListenRules } from "./receiver.ts";
import { loadDavey } from "./davey.ts";
import type { CreateDaveSession } from "./dave.ts";
import { type FromLink, type Link, type LinkTarget, openLink, RUNTIME } from "./link.ts";
import { createReceiver } from "./receiver.ts";

/** RTP counts Opus at 48 kHz, whatever the encoder gets. */
const FRAME_TICKS = 960;
/** Frames of silence after speech, so that a decoder does not invent more of it. */
const SILENCES = 5;
/** Milliseconds of lateness that are made up for. After more, as after a sleep, the rest comes later. */
const MAX_LATE_MS = 200;

/** One number: samples of a speech that were played. It is shared, so it outlives the thread. */
export type PlayedSamples = Int32Array<SharedArrayBuffer>;

interface Queued {
  readonly id: number;
  readonly played: PlayedSamples;
  readonly frames: Pcm[];
  /** Samples of the last frame. */
  filled: number;
  isEnded: boolean;
}

/**
 * Plays speeches one after the other, a frame of 20 ms at its time. A late timer makes up for lost time,
 * so the rate does not drift. It holds no clock: its owner calls `step()` when it is due.
 */
export function createPlayer({ canSend, send, speaking, played }: {
  /** Whether a frame would be sent now. Until the call's encryption is ready, speech waits. */
  readonly canSend: () => boolean;
  /** Sends a frame; without `pcm`, silence. @param timestamp That of RTP. */
  readonly send: (pcm: Pcm | undefined, timestamp: number) => void;
  readonly speaking: (isSpeaking: boolean) => void;
  readonly played: (id: number, isWhole: boolean) => void;
}) {
  const queue: Queued[] = [];
  let nextMs: number | undefined;
  let timestamp = 0;
  let lastMs = 0;
  let silences = 0;
  let isHeld = false;

  function finish(speech: Queued, isWhole: boolean): void {
    queue.splice(queue.indexOf(speech), 1);
    played(speech.id, isWhole);
  }

  /** The next frame; `undefined` if the next sound is not there yet. */
  function nextFrame(): Pcm | undefined {
    for (let [speech] = queue; speech && !isHeld; [speech] = queue) {
      const { frames, played } = speech;
      const samples = frames.length > 1 ? FRAME_SAMPLES : speech.filled;
      if (frames.length > 0 && (samples === FRAME_SAMPLES || speech.isEnded)) {
        Atomics.add(played, 0, samples);
        return frames.shift();
      }
      if (!speech.isEnded) return undefined;
      finish(speech, true);
    }
    return undefined;
  }

  function find(id: number): Queued | undefined {
    return queue.find((speech) => speech.id === id);
  }

  return {
    add: (id: number, played: PlayedSamples): void =>
      void queue.push({ id, played, frames: [], filled: 0, isEnded: false }),
    write(id: number, pcm: Pcm): void {
      const speech = find(id);
      for (let at = 0; speech && !speech.isEnded && at < pcm.length;) {
        if (speech.frames.length === 0 || speech.filled === FRAME_SAMPLES) {
          speech.frames.push(new Int16Array(FRAME_SAMPLES));
          speech.filled = 0;
        }
        const part = pcm.subarray(at, at + FRAME_SAMPLES - speech.filled);
        speech.frames.at(-1)?.set(part, speech.filled);
        speech.filled += part.length;
        at += part.length;
      }
    },
    end(id: number): void {
      const speech = find(id);
      if (!speech) return;
      speech.isEnded = true;
      if (speech === queue[0] && speech.frames.length === 0) finish(speech, true);
    },
    hold: (isNow: boolean): void => void (isHeld = isNow),
    stop(id: number): void {
      const speech = find(id);
      if (speech) finish(speech, false);
    },
    stopAll(): void {
      for (const speech of [...queue]) finish(speech, false);
    },
    /** Sends the frames that are due. @returns The time of the next one, if there is more to play. */
    step(nowMs: number): number | undefined {
      if (nextMs === undefined) timestamp += Math.round((nowMs - lastMs) / FRAME_MS) * FRAME_TICKS;
      if (nextMs === undefined || nowMs - nextMs > MAX_LATE_MS) nextMs = nowMs;
      while (nextMs <= nowMs) {
        if (!canSend()) return nextMs = nowMs + FRAME_MS;
        const frame = nextFrame();
        if (!frame && silences === 0) {
          lastMs = nextMs;
          return nextMs = undefined;
        }
        if (frame && silences === 0) speaking(true);
        silences = frame ? SILENCES : silences - 1;
        send(frame, timestamp >>> 0);
        if (silences === 0) speaking(false);
        timestamp += FRAME_TICKS;
        nextMs += FRAME_MS;
      }
      return nextMs;
    },
  };
}

export type ToCall =
  /** Connects, or replaces the connection and keeps its speech. */
  | { readonly kind: "connect"; readonly target: LinkTarget; readonly rules: ListenRules }
  | { readonly kind: "hear"; readonly people: ReadonlyMap<UserId, HearAs> }
  | { readonly kind: "write"; readonly speech: number; readonly pcm: Pcm }
  | { readonly kind: "speak"; readonly speech: number; readonly played: PlayedSamples }
  | { readonly kind: "end" | "stop"; readonly speech: number }
  | { readonly kind: "hold"; readonly isHeld: boolean }
  | { readonly kind: "close" };

export type FromCall =
  | HeardSound
  | FromLink
  | { readonly kind: "played"; readonly id: number; readonly isWhole: boolean };

/** The thread's first message. */
export const LISTENS = { kind: "listens" } as const;

/** A message of, or to, one of the thread's calls. */
export type OfCall<Message> = Message & { readonly call: number };

/** Mono: each decoder of Opus plays it, and a packet says so. It takes half of the time of stereo. */
const FORM = { channels: 1, sampleRate: SAMPLE_RATE } as const;

/** Decodes one person's stream. It throws if a packet is no Opus. */
export type SpeechDecoder = Pick<OpusDecoderHandle, "decode" | "decodePacketLoss" | "free">;

/** Loads the library. Decoders are made ahead, because a packet does not wait. */
async function createOpus() {
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

/**
 * Milliseconds between collections, of 3 ms each. The engine counts the libraries' memory as heap, so
 * it would let 60 MB of garbage pile up.
 */
const COLLECT_MS = 10_000;

/** Creates a call of the thread; it connects with its first message. */
function createThreadCall(
  opus: Opus,
  createSession: CreateDaveSession,
  post: (message: FromCall) => void,
): (message: ToCall) => void {
  const { now, after } = RUNTIME;
  let link: Link | undefined;
  let rules: ListenRules = { pauseMs: 0, longestMs: 0 };
  let isSpeaking = false;
  let isListening = false;
  let cancelFrame: (() => void) | undefined;
  const receiver = createReceiver({
    opus,
    rules: () => rules,
    tell: post,
    onSound: listen,
  });
  const player = createPlayer({
    canSend: () => link?.canSend() ?? false,
    send: (pcm, timestamp) => link?.send(pcm, timestamp),
    speaking(isNow) {
      isSpeaking = isNow;
      link?.speaking(isNow);
    },
    played: (id, isWhole) => post({ kind: "played", id, isWhole }),
  });

  function play(): void {
    cancelFrame?.();
    const next = player.step(now());
    cancelFrame = next === undefined ? undefined : after(play, Math.max(0, next - now()));
  }

  /** A speech may go on, its rest of less than a frame be due, or the next one's turn have come. */
  function wake(): void {
    if (!cancelFrame) play();
  }

  function listen(): void {
    if (isListening) return;
    isListening = true;
    const check = () => {
      isListening = link !== undefined && receiver.tick(link.dave, now());
      if (isListening) after(check, FRAME_MS);
    };
    after(check, FRAME_MS);
  }

  return (message) => {
    switch (message.kind) {
      case "connect":
        link?.close();
        receiver.reset();
        ({ rules } = message);
        link = openLink(message.target, RUNTIME, createSession, { opus, receiver, tell: post });
        if (isSpeaking) link.speaking(true);
        return;
      case "hear":
        return receiver.hear(message.people);
      case "speak":
        return player.add(message.speech, message.played);
      case "hold":
        player.hold(message.isHeld);
        return wake();
      case "write":
        player.write(message.speech, message.pcm);
        return wake();
      case "end":
      case "stop":
        player[message.kind](message.speech);
        return wake();
      case "close":
        player.stopAll();
        cancelFrame?.();
        link?.close();
        receiver.reset();
        link = undefined;
    }
  };
}

/** Serves calls until the main thread ends this one. */
export async function runVoiceJob(_job: unknown, port: MessagePort): Promise<never> {
  const loading = Promise.all([createOpus(), loadDavey()]);
  void loading.then(() => collectGarbage(), () => {}); // loading leaves a third of the memory as garbage
  setInterval(() => collectGarbage(false), COLLECT_MS);
  const calls = new Map<number, ReturnType<typeof createThreadCall>>();
  port.on("message", ({ call, ...message }: OfCall<ToCall>) => {
    loading.then(([opus, davey]) => {
      const take = calls.get(call) ?? createThreadCall(
        opus,
        (...of) => new davey.DAVESession(...of),
        (told) => port.postMessage({ ...told, call } satisfies OfCall<FromCall>),
      );
      calls.set(call, take);
      take(message);
      if (message.kind === "close") calls.delete(call);
    }).catch((error: unknown) =>
      setTimeout(() => {
        throw error; // ends the thread, which the main thread replaces
      })
    );
  });
  port.postMessage(LISTENS);
  await loading;
  return await new Promise(() => {});
}
