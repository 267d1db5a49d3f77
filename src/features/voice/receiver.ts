/**
 * Turns packets of people who are heard into their sound (V4). Those of others are dropped before they
 * are decrypted. Packets come into order at once, and wait for a missing one only briefly: their reader
 * transcribes and plays nothing.
 *
 * A level cuts sound into pieces from pause to pause. The level of noise is the lowest one of the last
 * seconds: words have gaps, and steady noise has none, so it soon counts as silence, however loud it is.
 */

import type { UserId } from "../../core/discord/ids.ts";
import { eachOnce } from "../../lib/cache.ts";
import {
  FRAME_MS,
  FRAME_SAMPLES,
  type HearAs,
  type HeardPiece,
  type HeardSound,
  type Pcm,
} from "./line.ts";
import { type Dave, MAX_PEOPLE, SILENCE } from "./dave.ts";
import type { Opus, SpeechDecoder } from "./thread.ts";
import { contentOf, readRtp, type Transport } from "./transport.ts";

/** Milliseconds for which packets wait for a missing one. */
const WAIT_MS = 60;
/** Frames that are concealed; a longer gap is silence. */
const MAX_CONCEALED = 5;
/** Distances from the expected number within which a packet belongs to the stream (RFC 3550, A.1). */
const FARTHEST = 3_000;
const OLDEST = 100;

export type Ordered =
  | { readonly kind: "packet"; readonly content: Uint8Array }
  /** A frame is missing; `next` is the packet after it, which may have its sound in low quality. */
  | { readonly kind: "lost"; readonly next?: Uint8Array };

export function createReorder() {
  let expected: number | undefined;
  /** By distance from a number that never wraps: the count of the stream's packets. */
  const held = new Map<number, { readonly content: Uint8Array; readonly at: number }>();
  let jumpsTo: number | undefined;

  function release(out: Ordered[], isDue: boolean): readonly Ordered[] {
    const [first] = [...held.keys()].sort((a, b) => a - b);
    if (isDue && first !== undefined && expected !== undefined) {
      const gap = first - expected;
      const next = held.get(first)?.content;
      for (let lost = 1; lost <= gap && gap <= MAX_CONCEALED; lost++) {
        out.push({ kind: "lost", ...(lost === gap && next && { next }) });
      }
      expected = first;
    }
    for (let at = expected ?? 0;; expected = ++at) {
      const item = held.get(at);
      if (!item) return out;
      out.push({ kind: "packet", content: item.content });
      held.delete(at);
    }
  }

  /** The packet's place in the stream; `undefined` for one that was read, or is of no stream. */
  function placeOf(sequence: number): number | undefined {
    expected ??= sequence;
    const distance = ((sequence - expected) << 16) >> 16;
    if (distance < 0 && distance >= -OLDEST) return undefined;
    if (distance < 0 || distance > FARTHEST) {
      const isJump = jumpsTo === sequence;
      jumpsTo = (sequence + 1) & 0xffff;
      if (!isJump) return undefined;
      held.clear();
      return expected = sequence;
    }
    jumpsTo = undefined;
    return expected + distance;
  }

  return {
    /** Takes an authentic packet. @param at Any clock in milliseconds. */
    push(sequence: number, content: Uint8Array, at: number): readonly Ordered[] {
      const place = placeOf(sequence);
      if (place === undefined || held.has(place)) return [];
      held.set(place, { content, at });
      return release([], false);
    },
    /** Gives up packets that did not come in time. */
    tick(at: number): readonly Ordered[] {
      const isDue = [...held.values()].some((item) => at - item.at >= WAIT_MS);
      return isDue ? release([], true) : [];
    },
  };
}

/** Decibels of full scale below which no sound is speech: a microphone's own noise. */
const GATE_DB = -52;
/** Decibels above noise at which speech begins, and at which it goes on. */
const BEGIN_DB = 9;
const STAY_DB = 6;
/**
 * Weights of two filters of first order at 24 kHz: without hums below 150 Hz, and without the hiss
 * above 1.5 kHz, where vowels are weak.
 */
const HIGH_PASS = 0.96;
const LOW_PASS = 0.33;
/** Frames of a block, and blocks that the lowest level is sought in: 3 s. */
const BLOCK = 25;
const BLOCKS = 6;
/** Weight of the newest frame in the smooth level. */
const SMOOTH = 0.4;

/** Creates the meter of one person's frames: decibels of full scale; -100 for silence. */
function createMeter(): (pcm: Pcm) => number {
  let last = 0;
  let high = 0;
  let low = 0;
  return (pcm) => {
    let sum = 0;
    for (let at = 0; at < pcm.length; at++) { // seven times as fast as an iterator
      const sample = pcm[at] ?? 0;
      high = HIGH_PASS * (high + sample - last);
      last = sample;
      low += LOW_PASS * (high - low);
      sum += low * low;
    }
    const mean = sum / Math.max(1, pcm.length) / 2 ** 30;
    return mean > 0 ? Math.max(-100, 10 * Math.log10(mean)) : -100;
  };
}

function createLoudness() {
  const lowest: number[] = [];
  let block = Infinity;
  let count = 0;
  let smooth: number | undefined;
  return {
    /** Whether a frame is loud enough for speech, which begins or goes on. */
    isLoud(level: number, goesOn: boolean): boolean {
      smooth = smooth === undefined ? level : smooth + SMOOTH * (level - smooth);
      block = Math.min(block, smooth);
      if (++count === BLOCK) {
        lowest.push(block);
        if (lowest.length > BLOCKS) lowest.shift();
        block = Infinity;
        count = 0;
      }
      // Before the first block there is no noise to compare with.
      const noise = lowest.length > 0 ? Math.min(block, ...lowest) : -Infinity;
      return level > GATE_DB && level > noise + (goesOn ? STAY_DB : BEGIN_DB);
    },
  };
}

export interface ListenRules {
  /** Silence that ends a piece, in milliseconds. */
  readonly pauseMs: number;
  /** The longest piece, in milliseconds. */
  readonly longestMs: number;
}

export type Heard =
  | { readonly kind: "began" }
  | { readonly kind: "piece"; readonly piece: Omit<HeardPiece, "userId"> };

const NO_FRAME: Pcm = new Int16Array(FRAME_SAMPLES);
/** Frames before the first loud one, as a consonant is quiet, and after the last one. */
const AROUND = 10;
/** Loud frames among the last ones at which speech begins: a click is shorter. */
const BEGINS = { loud: 5, of: 8 };
/** Loud frames of the shortest piece: "no" has ten. */
const LEAST_LOUD = 8;
/** Decibels between quiet and loud parts of words; those of a fan differ by less than 3. */
const LEAST_SPREAD = 4;
const NOTHING: readonly Heard[] = [];

interface OpenPiece {
  readonly frames: Pcm[];
  /** Levels of the loud frames. */
  readonly levels: number[];
  /** Number of frames up to the last loud one. */
  length: number;
  endedAt: number;
}

export function createPieces({ pauseMs, longestMs }: ListenRules) {
  const levelOf = createMeter();
  const loudness = createLoudness();
  /** The last frames before speech. */
  let before: { readonly frame: Pcm; readonly level?: number }[] = [];
  let speech: OpenPiece | undefined;

  function begin(at: number): readonly Heard[] {
    const levels = before.slice(-BEGINS.of).flatMap(({ level }) => level ?? []);
    if (levels.length < BEGINS.loud) return NOTHING;
    const frames = before.map(({ frame }) => frame);
    speech = { frames, levels, length: frames.length, endedAt: at };
    before = [];
    return [{ kind: "began" }];
  }

  function end(how: HeardPiece["end"]): readonly Heard[] {
    if (!speech) return NOTHING;
    const { frames, levels, length, endedAt } = speech;
    // Speech that goes on has not begun anew.
    speech = how === "cut" ? { frames: [], levels: [], length: 0, endedAt } : undefined;
    const isNoise = levels.length < LEAST_LOUD || spreadOf(levels) < LEAST_SPREAD;
    const pcm = joined(isNoise ? [] : frames.slice(0, length + AROUND));
    return [{ kind: "piece", piece: { pcm, endedAt, end: how } }];
  }

  return {
    /** Takes the next 20 ms; without `frame`, the person sends nothing. @param at Unix time in ms. */
    push(frame: Pcm = NO_FRAME, at: number): readonly Heard[] {
      const isSent = frame !== NO_FRAME;
      const level = isSent ? levelOf(frame) : -Infinity;
      const isLoud = isSent && loudness.isLoud(level, speech !== undefined);
      if (!speech) {
        before.push(isLoud ? { frame, level } : { frame });
        if (before.length > AROUND + BEGINS.of) before.shift();
        return isLoud ? begin(at) : NOTHING;
      }
      speech.frames.push(frame);
      if (isLoud) {
        speech.levels.push(level);
        speech.length = speech.frames.length;
        speech.endedAt = at;
      }
      const quietMs = (speech.frames.length - speech.length) * FRAME_MS;
      if (quietMs >= pauseMs) return end("pause");
      return speech.frames.length * FRAME_MS >= longestMs ? end("cut") : NOTHING;
    },
  };
}

type Pieces = ReturnType<typeof createPieces>;

/** Decibels between the levels that a tenth of the frames is below, and above. */
function spreadOf(levels: readonly number[]): number {
  const sorted = [...levels].sort((one, other) => one - other);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return at(0.9) - at(0.1);
}

function joined(frames: readonly Pcm[]): Pcm {
  const all = new Int16Array(frames.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const frame of frames) {
    all.set(frame, at);
    at += frame.length;
  }
  return all;
}

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
  { opus, rules, tell, onSound }: {
    readonly opus: { readonly takeDecoder: Opus["takeDecoder"] };
    readonly rules: () => ListenRules;
    readonly tell: (heard: HeardSound) => void;
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

  function take({ userId, pieces }: Stream, pcm: Pcm | undefined, at: number): void {
    if (heard.get(userId) === "frames") {
      return tell({ kind: "frame", userId, pcm: pcm ?? new Int16Array(FRAME_SAMPLES) });
    }
    for (const told of pieces.push(pcm, at)) {
      tell(
        told.kind === "began"
          ? { kind: "began", userId }
          : { kind: "piece", piece: { userId, ...told.piece } },
      );
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
        take(stream, pcm?.subarray(at, at + FRAME_SAMPLES), nowMs);
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
          take(stream, undefined, stream.toldMs);
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
