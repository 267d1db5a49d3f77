/**
 * Decides whether a person talks to the bot (V7). With one person in the channel, all words are for
 * it. With more, those with its name are, and those that follow its speech to the same person.
 */

import type { UserId } from "../../../core/discord/ids.ts";

/** Milliseconds after its speech in which an answer to it needs no name. */
export const REPLY_MS = 8_000;

/** Words in small letters without marks, so that "Bar-nacle!" is a name of Barnacle. */
const plain = (text: string) =>
  text.normalize("NFKD").toLowerCase().replace(/[^\p{L}\p{N}\s]/gu, "").replace(/\s+/g, " ").trim();

/** Whether a text has one of the names as whole words. */
export function hasName(text: string, names: readonly string[]): boolean {
  const words = ` ${plain(text)} `;
  return names.some((name) => plain(name) !== "" && words.includes(` ${plain(name)} `));
}

/** The last speech of the bot. */
export interface LastSpeech {
  readonly to: UserId;
  /** Unix time in milliseconds; absent: it speaks. */
  readonly endedAt?: number;
}

export function isAddressed(
  { userId, text, beganAt }: {
    readonly userId: UserId;
    readonly text: string;
    /** Unix time in milliseconds at which the person began to speak. */
    readonly beganAt: number;
  },
  { humans, names, last }: {
    readonly humans: number;
    readonly names: readonly string[];
    readonly last: LastSpeech | undefined;
  },
): boolean {
  if (humans <= 1 || hasName(text, names)) return true;
  return last?.to === userId && beganAt - (last.endedAt ?? Infinity) <= REPLY_MS;
}
