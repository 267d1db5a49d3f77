/**
 * Turns packets of people who are heard into their sound. Those of others are dropped before they are
 * decrypted.
 */

import type { UserId } from "../../../core/discord/ids.ts";
import { eachOnce } from "../../../lib/cache.ts";
import { type CallEvents, FRAME_MS, FRAME_SAMPLES, type HearAs, type Pcm } from "../line/call.ts";
import { createPieces, type ListenRules, type Pieces } from "../listen/pieces.ts";
import { type Dave, MAX_PEOPLE, SILENCE } from "./dave.ts";
import type { Opus, SpeechDecoder } from "./thread.ts";
import { createReorder, type Ordered } from "./wire/reorder.ts";
import { contentOf, readRtp } from "./wire/transport.ts";
import type { Transport } from "./wire/transport.ts";

/** Milliseconds without a packet after which a person is silent; packets come each 20 ms. */
const SILENT_MS = 100;
/** Milliseconds of silence that follow the last packet: longer than each pause that ends a piece. */
const TAIL_MS = 4_000;
/** Packets that are decrypted in a second: 25 people send half of them. More are a flood. */
const MAX_PACKETS = 2_500;
/** Milliseconds that sound may be ahead of time, as after a network that held it up. */
const AHEAD_MS = 2_000;
/** Packets of unknown people that wait: 200 ms of one. */
const MAX_EARLY = 10;

interface Stream {
  readonly userId: UserId;
  readonly reorder: ReturnType<typeof createReorder>;
  readonly decoder: SpeechDecoder;
  readonly pieces: Pieces;
  lastMs: number;
  /** Time up to which sound, or silence, was passed on. */
  toldMs: number;
}

export function createReceiver(
  { opus, rules, events, onSound }: {
    readonly opus: Pick<Opus, "takeDecoder">;
    readonly rules: () => ListenRules;
    readonly events: Pick<CallEvents, "speechBegan" | "piece" | "frame">;
    /** A person sends: {@link SoundReceiver.tick} is to be called. */
    readonly onSound: () => void;
  },
) {
  const streams = new Map<UserId, Stream>();
  const speakers = new Map<number, UserId>();
  let heard: ReadonlyMap<UserId, HearAs> = new Map();
  /** The last packets of unknown people: a packet may overtake the message that names its sender. */
  let early: { readonly ssrc: number; readonly read: () => void }[] = [];
  let packets = { second: 0, count: 0 };

  function drop(userId: UserId): void {
    streams.get(userId)?.decoder.free();
    streams.delete(userId);
  }

  function forgetNumbers(userId: UserId): void {
    for (const [ssrc, known] of speakers) if (known === userId) speakers.delete(ssrc);
  }

  function streamOf(userId: UserId, nowMs: number): Stream | undefined {
    const known = streams.get(userId);
    const decoder = known?.decoder ?? opus.takeDecoder();
    if (known || !decoder) return known;
    const stream = {
      ...{ userId, decoder, reorder: createReorder(), pieces: createPieces(rules()) },
      ...{ lastMs: nowMs, toldMs: nowMs },
    };
    streams.set(userId, stream);
    return stream;
  }

  function tell({ userId, pieces }: Stream, pcm: Pcm | undefined, at: number): void {
    const silence = () => new Int16Array(FRAME_SAMPLES);
    if (heard.get(userId) === "frames") return events.frame(userId, pcm ?? silence());
    for (const told of pieces.push(pcm, at)) {
      if (told.kind === "began") events.speechBegan(userId);
      else events.piece({ userId, ...told.piece });
    }
  }

  function soundOf(
    decoder: SpeechDecoder,
    item: Ordered,
    open: (sealed: Uint8Array) => Uint8Array | undefined,
  ) {
    const sealed = item.kind === "lost" ? item.next : item.content;
    const opened = sealed && open(sealed);
    if (!opened) return decoder.decodePacketLoss();
    if (item.kind === "lost") return decoder.decode(opened, { decodeFec: true });
    return opened.length === SILENCE.length ? undefined : decoder.decode(opened);
  }

  function play(stream: Stream, ordered: readonly Ordered[], dave: Dave, nowMs: number): void {
    /** The library opens a frame once. The one after a lost frame is read for both. */
    const open = eachOnce((sealed: Uint8Array) => dave.decrypt(stream.userId, sealed));
    for (const item of ordered) {
      if (stream.toldMs > nowMs + AHEAD_MS) return; // a flood, of replays for example
      let pcm: Pcm | undefined;
      try {
        pcm = soundOf(stream.decoder, item, open);
      } catch {
        continue; // no Opus
      }
      for (let at = 0; at < (pcm?.length ?? 1); at += FRAME_SAMPLES) {
        tell(stream, pcm?.subarray(at, at + FRAME_SAMPLES), nowMs);
        stream.toldMs = Math.max(stream.toldMs + FRAME_MS, nowMs - SILENT_MS);
      }
    }
  }

  const receiver = {
    hear(people: ReadonlyMap<UserId, HearAs>): void {
      heard = people;
      early = []; // of before they agreed
      for (const userId of streams.keys()) if (!people.has(userId)) drop(userId);
    },
    /** A person's sound comes with this number alone: the server gives an old one to others. */
    speaks(ssrc: number, userId: UserId): void {
      forgetNumbers(userId);
      if (speakers.size < MAX_PEOPLE) speakers.set(ssrc, userId);
      const waiting = early;
      early = early.filter((one) => one.ssrc !== ssrc);
      for (const one of waiting) if (one.ssrc === ssrc) one.read();
    },
    gone(userId: UserId): void {
      forgetNumbers(userId);
      drop(userId);
    },
    packet(packet: Uint8Array, transport: Transport, dave: Dave, nowMs: number): void {
      const header = readRtp(packet);
      const userId = header && speakers.get(header.ssrc);
      if (header && !userId) {
        const read = () => receiver.packet(packet, transport, dave, nowMs);
        early = [...early, { ssrc: header.ssrc, read }].slice(-MAX_EARLY);
      }
      if (!userId || !heard.has(userId)) return;
      const second = Math.floor(nowMs / 1_000);
      if (second !== packets.second) packets = { second, count: 0 };
      if (++packets.count > MAX_PACKETS) return;
      const plain = transport.open(packet, header.bytes);
      const content = plain && contentOf(header, plain);
      if (!content || content.length === 0) return;
      const stream = streamOf(userId, nowMs);
      if (!stream) return;
      stream.lastMs = nowMs;
      onSound();
      play(stream, stream.reorder.push(header.sequence, content, nowMs), dave, nowMs);
    },
    /** Passes on lost frames and silence. @returns Whether it is to be called again in 20 ms. */
    tick(dave: Dave, nowMs: number): boolean {
      let isActive = false;
      for (const stream of streams.values()) {
        play(stream, stream.reorder.tick(nowMs), dave, nowMs);
        if (nowMs - stream.lastMs > TAIL_MS) continue;
        isActive = true;
        for (; nowMs - stream.toldMs > SILENT_MS; stream.toldMs += FRAME_MS) {
          tell(stream, undefined, stream.toldMs);
        }
      }
      return isActive;
    },
    /** The server names all people anew. */
    reset(): void {
      speakers.clear();
      early = [];
      for (const userId of [...streams.keys()]) drop(userId);
    },
  };
  return receiver;
}

export type SoundReceiver = ReturnType<typeof createReceiver>;
