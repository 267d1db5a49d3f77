/** A call without sound: it counts what it gets, and plays as much of it as a test says. */

import type { Pcm } from "../../../../src/features/voice/line.ts";
import type { Call, CallSpeech } from "../../../../src/features/voice/thread_calls.ts";
import { msOf } from "../../../../src/features/voice/turn_speech.ts";
import { channelId, guildId } from "../../../support/discord/builders.ts";

export interface FakeSpeech {
  /** Milliseconds of sound so far. */
  ms: number;
  hasEnded: boolean;
  isStopped: boolean;
}

/**
 * @param playedMs Milliseconds that are played of a speech that is stopped.
 * @param isMuted Whether no speech is played.
 */
export function fakeCall(playedMs = 0, isMuted = () => false) {
  const speeches: FakeSpeech[] = [];
  const holds: boolean[] = [];
  const call: Call = {
    place: { guildId: guildId("200"), channelId: channelId("300") },
    hear() {},
    hold: (isHeld) => void holds.push(isHeld),
    speak(): CallSpeech {
      const own: FakeSpeech = { ms: 0, hasEnded: false, isStopped: false };
      const { promise: done, resolve } = Promise.withResolvers<Awaited<CallSpeech["done"]>>();
      speeches.push(own);
      if (isMuted()) resolve({ playedMs: 0, isWhole: false });
      return {
        write: (pcm: Pcm) => void (own.ms += msOf(pcm)),
        end() {
          own.hasEnded = true;
          resolve({ playedMs: own.ms, isWhole: true });
        },
        stop() {
          own.isStopped = true;
          resolve({ playedMs: Math.min(own.ms, playedMs), isWhole: false });
        },
        done,
      };
    },
    leave: () => Promise.resolve(),
  };
  return { call, speeches, /** Whether speech is held. */ isHeld: () => holds.at(-1) ?? false };
}
