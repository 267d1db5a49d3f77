/** A person in a call, who speaks recordings and records the others; with the keys of a real client. */

import { Buffer } from "node:buffer";
import { createDecoder, createEncoder } from "libopus-wasm";
import type { UserId } from "../../src/core/discord/ids.ts";
import { OPUS_PAYLOAD_TYPE } from "./packets.ts";
import type { Participant } from "./group.ts";
import type { Room } from "./room.ts";

/** Mono, 24 kHz, 16 bits a sample. */
export type Pcm = Int16Array;

/** The part of `@snazzah/davey`'s session that a person uses. */
interface DaveSession {
  readonly ready: boolean;
  reinit(version: number, userId: string, channelId: string): void;
  setExternalSender(bytes: Buffer): void;
  getSerializedKeyPackage(): Buffer;
  processProposals(
    operation: 0 | 1,
    proposals: Buffer,
    known: readonly string[],
  ): { readonly commit?: Buffer; readonly welcome?: Buffer } | null;
  processCommit(bytes: Buffer): void;
  processWelcome(bytes: Buffer): void;
  encryptOpus(frame: Buffer): Buffer;
  decrypt(userId: string, mediaType: 0, frame: Buffer): Buffer;
}

/** The library of end-to-end encryption, or one like it. */
export interface DaveLibrary {
  readonly DAVESession: new (version: number, userId: string, channelId: string) => DaveSession;
}

/** One frame of 20 ms that a person heard. */
export interface HeardFrame {
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly timestamp: number;
  readonly opus: Uint8Array;
}

export interface Person extends Participant {
  /** Frames by speaker, without those of silence. */
  readonly heard: Map<UserId, HeardFrame[]>;
  /** Speaks frames of Opus, after those that it still speaks. Resolves at the end, or once stopped. */
  speak(frames: readonly Uint8Array[]): Promise<void>;
  stop(): void;
  /** Sends the frames that are due. */
  tick(now: number): void;
}

const FRAME_MS = 20;
const FRAME_SAMPLES = 480;
/** Lost frames that the decoder fills; more of them are a pause. */
const MAX_CONCEALED = 3;
const TICKS_PER_MS = 48;
const SILENCE_FRAME: Uint8Array = Uint8Array.of(0xf8, 0xff, 0xfe);
/** An audio level, as official clients add it. */
const AUDIO_LEVEL = Uint8Array.of(0x10, 0x8f, 0, 0);

/** @param library Absent: a person without keys, whose sound no one can read. */
export function createPerson(
  who: { readonly userId: UserId; readonly ssrc: number },
  room: Room,
  library: DaveLibrary | undefined,
  { now, hears }: {
    readonly now: () => number;
    /** Whether to record a speaker: to decrypt everyone for everyone would take too long. */
    readonly hears: (userId: UserId) => boolean;
  },
): Person {
  const heard: Person["heard"] = new Map();
  const queue: {
    readonly frames: readonly Uint8Array[];
    next: number;
    readonly done: () => void;
  }[] = [];
  const group = library && room.group;
  let dave: DaveSession | undefined;
  let isReadyToSend = false;
  let sequence = 0;
  let dueAt = 0;

  /** Begins a group of its own, and asks to join that of the others. */
  const begin = (sender?: Buffer) => {
    if (!library) return;
    if (dave) dave.reinit(1, who.userId, room.channelId);
    else dave = new library.DAVESession(1, who.userId, room.channelId);
    if (sender) dave.setExternalSender(sender);
    const keyPackage = dave.getSerializedKeyPackage();
    queueMicrotask(() => group?.keyPackage(who.userId, keyPackage));
  };
  /** Follows a commit or a welcome; one that it cannot follow makes it join anew. */
  const adopt = (transitionId: number, take: () => void) => {
    try {
      take();
      if (transitionId !== 0) queueMicrotask(() => group?.ready(who.userId, transitionId));
    } catch {
      group?.invalid(who.userId);
      begin();
    }
  };
  const send = (opus: Uint8Array) => {
    const isSilence = opus === SILENCE_FRAME;
    const payload = isSilence || !dave?.ready ? opus : dave.encryptOpus(Buffer.from(opus));
    room.relay(person, {
      ssrc: who.ssrc,
      sequence: sequence++,
      timestamp: Math.round(dueAt * TICKS_PER_MS) % 2 ** 32,
      payloadType: OPUS_PAYLOAD_TYPE,
      payload,
      extension: AUDIO_LEVEL,
    });
  };

  const person: Person = {
    ...who,
    heard,
    tell(op, d) {
      const { epoch } = d as { readonly epoch?: number };
      if (op === 24 && epoch === 1) begin();
    },
    tellBinary(op, bytes) {
      const body = Buffer.from(bytes);
      if (op === 25) begin(body);
      if (op === 27) {
        const known = [...room.participants.keys()];
        const made = dave?.processProposals(body.readUInt8(0) ? 1 : 0, body.subarray(1), known);
        const { commit, welcome } = made ?? {};
        if (!commit) return;
        const answer = welcome ? Buffer.concat([commit, welcome]) : commit;
        queueMicrotask(() => group?.commit(who.userId, answer));
      }
      if (op === 29) adopt(body.readUInt16BE(0), () => dave?.processCommit(body.subarray(2)));
      if (op === 30) adopt(body.readUInt16BE(0), () => dave?.processWelcome(body.subarray(2)));
    },
    hear(from, { payload, payloadType, timestamp }) {
      if (payloadType !== OPUS_PAYLOAD_TYPE || isSilence(payload) || !hears(from)) return;
      try {
        const opus = dave ? dave.decrypt(from, 0, Buffer.from(payload)) : payload;
        const frames = heard.get(from) ?? [];
        heard.set(from, frames);
        frames.push({ at: now(), timestamp, opus });
      } catch { /* under other keys: it hears a gap */ }
    },
    speak: (frames) => new Promise((done) => queue.push({ frames, next: 0, done })),
    stop() {
      for (const { done } of queue.splice(0)) done();
    },
    tick(at) {
      const isAlone = room.participants.size < 2;
      for (let [speech] = queue; speech; [speech] = queue) {
        if (group && !isAlone && !dave?.ready) return;
        if (dueAt < at - 1_000) { // a new speech
          dueAt = at;
          isReadyToSend = false;
        }
        if (dueAt > at) return;
        if (!isReadyToSend) room.speaking(person, 1);
        isReadyToSend = true;
        const frame = speech.frames[speech.next++];
        if (frame) send(frame);
        dueAt += FRAME_MS;
        if (speech.next < speech.frames.length) continue;
        queue.shift();
        speech.done();
      }
    },
  };
  return person;
}

function isSilence(payload: Uint8Array): boolean {
  return payload.length === 3 && SILENCE_FRAME.every((byte, index) => byte === payload[index]);
}

const encoded = new WeakMap<Pcm, Promise<readonly Uint8Array[]>>();

/** Encodes a recording as official clients do, in stereo at 48 kHz, with five frames of silence. */
export function encodeRecording(pcm: Pcm): Promise<readonly Uint8Array[]> {
  const known = encoded.get(pcm) ?? encode(pcm);
  encoded.set(pcm, known);
  return known;
}

async function encode(pcm: Pcm): Promise<readonly Uint8Array[]> {
  const encoder = await createEncoder({ channels: 2, sampleRate: 48_000, bitrate: 64_000 });
  const frames: Uint8Array[] = [];
  for (let at = 0; at < pcm.length; at += FRAME_SAMPLES) {
    const stereo = new Int16Array(4 * FRAME_SAMPLES);
    for (let index = 0; index < stereo.length; index++) {
      stereo[index] = pcm[at + (index >> 2)] ?? 0;
    }
    frames.push(encoder.encode(stereo));
  }
  encoder.free();
  frames.push(...Array.from({ length: 5 }, () => SILENCE_FRAME));
  return frames;
}

/** Decodes what a person heard; pauses between frames stay, up to a second. */
export async function decodeHeard(frames: readonly HeardFrame[]): Promise<Pcm> {
  const decoder = await createDecoder({ channels: 1, sampleRate: 24_000 });
  const parts: Pcm[] = [];
  const ordered = [...frames].sort((a, b) => a.timestamp - b.timestamp);
  for (const [index, { opus, timestamp }] of ordered.entries()) {
    const before = ordered[index - 1];
    const gap = before ? (timestamp - before.timestamp) / TICKS_PER_MS / FRAME_MS - 1 : 0;
    const lost = Math.max(0, Math.min(50, Math.round(gap)));
    if (lost > MAX_CONCEALED) parts.push(new Int16Array(FRAME_SAMPLES * lost));
    else for (let at = 0; at < lost; at++) parts.push(decoder.decodePacketLoss());
    parts.push(decoder.decode(opus));
  }
  decoder.free();
  return Int16Array.from(parts.flatMap((part) => [...part]));
}
