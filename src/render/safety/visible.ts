/**
 * Takes out of a model's answer what is not meant for people.
 *
 * Thinking that a server did not keep apart, calls of tools as text, tokens of
 * chat templates, and our own fences and lines that a small model repeats: none
 * of it may reach Discord (R10, SEC-R8). What stands in code is left alone: an
 * answer may be about these things.
 *
 * @module
 */

import { withoutControls } from "../../lib/text/controls.ts";
import { codeRegions, isInCode } from "../markdown/code_region.ts";
import { withoutBlocks } from "./leaked_blocks.ts";
import { withoutToolCalls } from "./leaked_calls.ts";

/** What a model answers that has nothing to say. */
const NO_REPLY = /^[\s`*_"'.]*NO_REPLY[\s`*_"'.]*$/;

/** Whether the whole answer is that there is none. */
export function isNoReply(visible: string): boolean {
  return NO_REPLY.test(visible);
}

/** An answer as people may see it; blank if there was nothing else in it. */
export function visibleText(answer: string): string {
  const wellFormed = withoutControls(answer).toWellFormed();
  const text = MAY_LEAK.test(wellFormed) ? withoutLeaks(wellFormed) : wellFormed;
  const trimmed = text.trim();
  return isNoReply(trimmed) ? trimmed : trimmed.replace(NO_REPLY_AT_END, "").trim();
}

/**
 * One of these is in everything that is taken out; most answers have none. Mentions, links and
 * lists are not among them.
 */
const MAY_LEAK =
  /<(?!https?:|a?:|t:)[a-z/|｜<]|\[(?:\/?(?:think|inst|tool_|available_)|(?:discord )?message|from:|in reply|time:|channel:)|◁|^[^\S\n\r\u2028\u2029]*analysis|^action:|`{3}(?:tool|function)_|"(?:arguments|parameters|input|args|action_input|tool_calls|function_call|tool_uses)"/im;

function withoutLeaks(answer: string): string {
  const cleaned = withoutToolCalls(withoutBlocks(answer));
  const code = codeRegions(cleaned);
  const isFenced = OUR_FENCE.test(cleaned);
  return cleaned.replace(
    LEAK,
    (leak, ourTag: string | undefined, ...[, at]: readonly unknown[]) =>
      (typeof at === "number" && isInCode(code, at)) || (ourTag !== undefined && !isFenced)
        ? leak
        : "",
  );
}

/** A fence of ours has a boundary; without one, `</message>` may be somebody's XML. */
const OUR_FENCE = /<(?:context|quoted|extras|message) boundary="/;

/** A tag of ours, and a line of nothing but what `envelope.ts` writes between the fences. */
const LEAK =
  /(<\/?(?:context|quoted|extras|message)(?: boundary="[^"\n]{0,100}")?>\n?)|^()(?:\[(?:(?:discord )?message[_ ]id: \d{1,20}|from: [^\]\n]{0,200} \(\d{17,20}\)|in reply to: [^\]\n]{0,200}|time: [^\]\n]{0,200}, GMT[^\]\n]{0,20}|channel: (?:<#\d{1,20}>|direct message|group message)[^\]\n]{0,200})\][ \t]*)+(?:\n|$)/gm;

/** On a line of its own, or behind the end of a sentence. */
const NO_REPLY_AT_END =
  /^NO_REPLY[ \t]*\n|(?:\n[ \t]*|(?<=[.!?…)]) +)[`*_]{0,3}NO_REPLY[`*_.]{0,4}$/g;
