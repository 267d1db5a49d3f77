/**
 * Plays speeches one after the other, a frame of 20 ms at its time. A late timer makes up for lost time,
 * so the rate does not drift. It holds no clock: its owner calls `step()` when it is due.
 */

import { type Pcm, SAMPLE_RATE } from "../line/call.ts";

export const FRAME_MS = 20;
export const FRAME_SAMPLES: number = SAMPLE_RATE / 1_000 * FRAME_MS;
/** RTP counts Opus at 48 kHz, whatever the encoder gets. */
const FRAME_TICKS = 960;
/** Frames of silence after speech, so that a decoder does not invent more of it. */
const SILENCES = 5;
/** Milliseconds of lateness that are made up for. After more, as after a sleep, the rest comes later. */
const MAX_LATE_MS = 200;

/** One number: samples of a speech that were played. It is shared, so it outlives the thread. */
export type PlayedSamples = Int32Array<SharedArrayBuffer>;

export interface PlayerPorts {
  /** Whether a frame would be sent now. Until the call's encryption is ready, speech waits. */
  readonly canSend: () => boolean;
  /** Sends a frame; without `pcm`, silence. @param timestamp That of RTP. */
  readonly send: (pcm: Pcm | undefined, timestamp: number) => void;
  readonly speaking: (isSpeaking: boolean) => void;
  readonly played: (id: number, isWhole: boolean) => void;
}

interface Queued {
  readonly id: number;
  readonly chunks: Pcm[];
  /** Samples of the first chunk that were taken. */
  offset: number;
  waiting: number;
  readonly played: PlayedSamples;
  isEnded: boolean;
}

export function createPlayer({ canSend, send, speaking, played }: PlayerPorts) {
  const queue: Queued[] = [];
  let nextMs: number | undefined;
  let timestamp = 0;
  let lastMs = 0;
  let silences = 0;

  function finish(speech: Queued, isWhole: boolean): void {
    queue.splice(queue.indexOf(speech), 1);
    played(speech.id, isWhole);
  }

  function take(speech: Queued): Pcm {
    const frame = new Int16Array(FRAME_SAMPLES);
    let filled = 0;
    for (let chunk = speech.chunks[0]; chunk && filled < FRAME_SAMPLES; chunk = speech.chunks[0]) {
      const part = chunk.subarray(speech.offset, speech.offset + FRAME_SAMPLES - filled);
      frame.set(part, filled);
      filled += part.length;
      speech.offset += part.length;
      if (speech.offset < chunk.length) break;
      speech.chunks.shift();
      speech.offset = 0;
    }
    speech.waiting -= filled;
    Atomics.add(speech.played, 0, filled);
    return frame;
  }

  /** The next frame; `undefined` if the next sound is not there yet. */
  function nextFrame(): Pcm | undefined {
    for (let [speech] = queue; speech; [speech] = queue) {
      if (speech.waiting >= FRAME_SAMPLES || speech.isEnded && speech.waiting > 0) {
        return take(speech);
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
      void queue.push({ id, chunks: [], offset: 0, waiting: 0, played, isEnded: false }),
    write(id: number, pcm: Pcm): void {
      const speech = find(id);
      if (!speech || speech.isEnded || pcm.length === 0) return;
      speech.chunks.push(pcm);
      speech.waiting += pcm.length;
    },
    end(id: number): void {
      const speech = find(id);
      if (!speech) return;
      speech.isEnded = true;
      if (speech === queue[0] && speech.waiting === 0) finish(speech, true);
    },
    stop(id: number): void {
      const speech = find(id);
      if (speech) finish(speech, false);
    },
    /** Stops all speeches, as the call is over. */
    stopAll(): void {
      for (const speech of [...queue]) finish(speech, false);
    },
    /**
     * Sends the frames that are due.
     *
     * @param nowMs Any steady clock in milliseconds.
     * @returns Its time of the next frame; `undefined`: there is nothing to play.
     */
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
