/**
 * The thread of an account's calls: it encodes, decodes, encrypts and paces sound, so that no work of
 * the bot makes a gap, and no sound delays the bot.
 */

import { createDecoder, createEncoder, type OpusDecoderHandle } from "libopus-wasm";
import type { MessagePort } from "node:worker_threads";
import type { UserId } from "../../../core/discord/ids.ts";
import { collectGarbage } from "../../../host/process/release_pages.ts";
import { FRAME_MS, type HearAs, type HeardPiece, type Pcm, SAMPLE_RATE } from "../line/call.ts";
import type { ListenRules } from "../listen/pieces.ts";
import { loadDavey } from "./davey.ts";
import type { LinkEnd, LinkTarget } from "./gateway.ts";
import { type Link, type LinkRuntime, openLink, RUNTIME } from "./link.ts";
import { createPlayer, type PlayedSamples } from "./player.ts";
import { createReceiver } from "./receiver.ts";

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
  /** The thread's first message, of no call. */
  | { readonly kind: "listens" }
  | { readonly kind: "ready"; readonly isEndToEnd: boolean }
  | { readonly kind: "began"; readonly userId: UserId }
  | { readonly kind: "piece"; readonly piece: HeardPiece }
  | { readonly kind: "frame"; readonly userId: UserId; readonly pcm: Pcm }
  | { readonly kind: "played"; readonly id: number; readonly isWhole: boolean }
  /** `token` is that of its connection: the next one may be on its way to the thread. */
  | { readonly kind: "over"; readonly end: LinkEnd; readonly token: string };

/** A message of, or to, one of the thread's calls. */
export type OfCall<Message> = Message & { readonly call: number };

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

/**
 * Milliseconds between collections, of 3 ms each. The engine counts the libraries' memory as heap, so
 * it would let 60 MB of garbage pile up.
 */
const COLLECT_MS = 10_000;

/** Creates a call of the thread; it connects with its first message. */
function createThreadCall(
  opus: Opus,
  runtime: LinkRuntime,
  post: (message: FromCall) => void,
): (message: ToCall) => void {
  const { now, after } = runtime;
  let link: Link | undefined;
  let rules: ListenRules = { pauseMs: 0, longestMs: 0 };
  let isSpeaking = false;
  let isListening = false;
  let cancelFrame: (() => void) | undefined;
  const receiver = createReceiver({
    opus,
    rules: () => rules,
    events: {
      speechBegan: (userId) => post({ kind: "began", userId }),
      piece: (piece) => post({ kind: "piece", piece }),
      frame: (userId, pcm) => post({ kind: "frame", userId, pcm }),
    },
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
        link = openLink(message.target, runtime, {
          opus,
          receiver,
          events: {
            ready: (isEndToEnd) => post({ kind: "ready", isEndToEnd }),
            ended: (end) => post({ kind: "over", end, token: message.target.token }),
          },
        });
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
      const take = calls.get(call) ?? createThreadCall(opus, {
        ...RUNTIME,
        createSession: (...of) => new davey.DAVESession(...of),
      }, (told) => port.postMessage({ ...told, call } satisfies OfCall<FromCall>));
      calls.set(call, take);
      take(message);
      if (message.kind === "close") calls.delete(call);
    }).catch((error: unknown) =>
      setTimeout(() => {
        throw error; // ends the thread, which the main thread replaces
      })
    );
  });
  port.postMessage({ kind: "listens", call: 0 } satisfies OfCall<FromCall>);
  await loading;
  return await new Promise(() => {});
}
