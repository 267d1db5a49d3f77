/**
 * Reads the transcript of a piece (V5), and decides whether it is for the bot (V7). Models that
 * transcribe noise invent words: those of subtitles, one phrase again and again, or more words than a
 * person can say in the time.
 *
 * With one person in the channel, all words are for the bot. With more, those with its name are, and
 * those that follow its speech to the same person.
 */

import type { UserId } from "../../../core/discord/ids.ts";
import { bounded } from "../../../lib/text/quoted.ts";

/** Maximum characters of a piece of 30 s. */
const CHARS_MAX = 2_000;
/** Characters that the fastest speaker says in a second, and those of a single word. */
const CHARS_PER_SEC = 40;
const CHARS_OF_WORD = 20;
/** A phrase of up to six words that is said five times in a row. */
const LOOP = /(?<!\S)(\S+(?: \S+){0,5})(?: \1){4}(?!\S)/i;
/** Sounds that a model describes: "[BLANK_AUDIO]", "(music)", "*coughs*", "♪". */
const DESCRIBED = /\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|[♪♫♬]/g;
/** Credits of subtitles, which models have learned as the words of silence. */
const INVENTED =
  /amara\.org|subtitles? by|untertitel(?:ung)? (?:im auftrag|der amara|von)|sous-titr|thanks? (?:you )?for watching|like and subscribe|vielen dank fürs zuschauen/i;

/** @returns `undefined` if no one has said the words. */
export function heardWords(transcript: string, seconds: number): string | undefined {
  const words = transcript.replace(DESCRIBED, " ").replace(/\s+/g, " ").trim();
  if (!/[\p{L}\p{N}]/u.test(words) || INVENTED.test(words)) return undefined;
  if (words.length > CHARS_OF_WORD + seconds * CHARS_PER_SEC) return undefined;
  return LOOP.test(words) ? undefined : bounded(words, CHARS_MAX);
}

/** Milliseconds after its speech in which an answer to it needs no name. */
const REPLY_MS = 8_000;

/** Words in small letters without marks, so that "Bar-nacle!" is a name of Barnacle. */
const plain = (text: string) =>
  text.normalize("NFKD").toLowerCase().replace(/[^\p{L}\p{N}\s]/gu, "").replace(/\s+/g, " ").trim();

/** Whether a text has one of the names as whole words. */
function hasName(text: string, names: readonly string[]): boolean {
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
