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
/** How often a phrase may follow itself. */
const REPEATS_MAX = 4;
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
  return isLoop(words) ? undefined : bounded(words, CHARS_MAX);
}

function isLoop(words: string): boolean {
  const all = words.toLowerCase().split(" ");
  for (let length = 1; length <= 6; length++) {
    let repeats = 1;
    for (let at = length; at + length <= all.length; at += length) {
      const isSame = all.slice(at, at + length).join(" ") === all.slice(at - length, at).join(" ");
      repeats = isSame ? repeats + 1 : 1;
      if (repeats > REPEATS_MAX) return true;
    }
  }
  return false;
}
