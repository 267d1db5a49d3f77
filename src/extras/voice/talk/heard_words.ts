/**
 * Reads the transcript of a piece (V5). Models that transcribe noise invent words: those of subtitles,
 * one phrase again and again, or more words than a person can say in the time.
 */

import { bounded } from "../../../lib/text/cut.ts";

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
