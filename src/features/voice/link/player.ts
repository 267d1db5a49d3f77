/**
 * Plays speeches one after the other, a frame of 20 ms at its time. A late timer makes up for lost time,
 * so the rate does not drift. It holds no clock: its owner calls `step()` when it is due.
 */

import { FRAME_MS, FRAME_SAMPLES, type Pcm } from "../line/call.ts";

/** RTP counts Opus at 48 kHz, whatever the encoder gets. */
const FRAME_TICKS = 960;
/** Frames of silence after speech, so that a decoder does not invent more of it. */
const SILENCES = 5;
/** Milliseconds of lateness that are made up for. After more, as after a sleep, the rest comes later. */
const MAX_LATE_MS = 200;

/** One number: samples of a speech that were played. It is shared, so it outlives the thread. */
export type PlayedSamples = Int32Array<SharedArrayBuffer>;

interface PlayerPorts {
  /** Whether a frame would be sent now. Until the call's encryption is ready, speech waits. */
  readonly canSend: () => boolean;
  /** Sends a frame; without `pcm`, silence. @param timestamp That of RTP. */
  readonly send: (pcm: Pcm | undefined, timestamp: number) => void;
  readonly speaking: (isSpeaking: boolean) => void;
  readonly played: (id: number, isWhole: boolean) => void;
}

interface Queued {
  readonly id: number;
  readonly played: PlayedSamples;
  readonly frames: Pcm[];
  /** Samples of the last frame. */
  filled: number;
  isEnded: boolean;
}

export function createPlayer({ canSend, send, speaking, played }: PlayerPorts) {
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
