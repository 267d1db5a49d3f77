/**
 * Takes out of a model's answer what is not meant for people.
 *
 * Thinking that a server did not keep apart, tokens that end a turn, and our
 * own fences and lines that a small model repeats: none of it may reach
 * Discord (R10).
 *
 * @module
 */

import { withoutControls } from "../lib/controls.ts";

/** What a model answers that has nothing to say. */
const NO_REPLY = /^[\s`*_"'.]*NO_REPLY[\s`*_"'.]*$/;

/** Whether the whole answer is that there is none. */
export function isNoReply(visible: string): boolean {
  return NO_REPLY.test(visible);
}

/** An answer as people may see it; blank if there was nothing else in it. */
export function visibleText(answer: string): string {
  const spoken = withoutThinking(withoutControls(answer).toWellFormed()).trimEnd().replace(
    END_TOKENS,
    "",
  );
  const text = FENCE.test(spoken) ? spoken.replace(FENCES, "") : spoken;
  const trimmed = text.replace(OUR_LINE, "").trim();
  return isNoReply(trimmed) ? trimmed : trimmed.replace(NO_REPLY_LINE, "").trim();
}

/** One that never ended is all there is. */
const THINKING = /^\s*<(think|thinking|reasoning|thought)>[\s\S]*?(?:<\/\1>|$)/i;
/** Some chat templates begin within the thinking, so only its end is written. */
const END_OF_THINKING = /^[ \t]*<\/(?:think|thinking)>[ \t]*$/im;

function withoutThinking(answer: string): string {
  let rest = answer;
  for (let match = THINKING.exec(rest); match; match = THINKING.exec(rest)) {
    rest = rest.slice(match[0].length);
  }
  const end = END_OF_THINKING.exec(rest);
  return end && !rest.slice(0, end.index).includes("```")
    ? rest.slice(end.index + end[0].length)
    : rest;
}

const END_TOKENS = /(?:(?:<\|[a-z_]{2,30}\|>|<\/s>|<end_of_turn>|<eos>)\s*)+$/i;

/** A fence of ours has a boundary; without one, `</message>` may be somebody's XML. */
const FENCE = /<(?:context|quoted|extras|message) boundary="/;
const FENCES = /<\/?(?:context|quoted|extras|message)(?: boundary="[^"\n]*")?>\n?/g;

/** A line of nothing but what `envelope.ts` writes between the fences. */
const OUR_LINE =
  /^(?:\[(?:(?:discord )?message[_ ]id: \d+|from: [^\]\n]* \(\d{17,20}\)|in reply to: [^\]\n]*|time: [^\]\n]*, GMT[^\]\n]*|channel: (?:<#\d+>|direct message|group message)[^\]\n]*)\][ \t]*)+(?:\n|$)/gm;

const NO_REPLY_LINE = /^NO_REPLY[ \t]*\n|\n[ \t]*NO_REPLY$/g;
