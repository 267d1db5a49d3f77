/**
 * Removes the parts of a model's answer that are not meant for people.
 *
 * These parts are: thinking that a server did not separate, tool calls as text, tokens of chat
 * templates, and our own fences and lines that a small model repeats. None of them may reach
 * Discord (R10, SEC-R8). Code stays unchanged, since an answer may be about these things.
 */

import { withoutControls } from "../../lib/text/quoted.ts";
import { asMarkdown } from "../markdown/as_markdown.ts";
import { codeRegions } from "../markdown/code_region.ts";
import { isWithin } from "../markdown/spans.ts";
import { withoutBlocks } from "./leaked_blocks.ts";
import { withoutToolCalls } from "./leaked_calls.ts";

/** The answer of a model that has nothing to say. */
const NO_REPLY = /^[\s`*_"'.]*NO_REPLY[\s`*_"'.]*$/;

/** Whether the whole answer is `NO_REPLY`. */
export function isNoReply(visible: string): boolean {
  return visible.includes("NO_REPLY") && NO_REPLY.test(visible);
}

/** An answer as people may see it; blank if nothing is left. */
export function visibleText(answer: string): string {
  const wellFormed = withoutControls(answer).toWellFormed();
  const mayLeak = LEAK_PART.test(wellFormed) && MAY_LEAK.test(wellFormed);
  const text = mayLeak ? withoutLeaks(wellFormed) : wellFormed;
  const trimmed = withoutSmall(text).trim();
  if (!trimmed.includes("NO_REPLY")) return trimmed;
  return isNoReply(trimmed) ? trimmed : trimmed.replace(NO_REPLY_AT_END, "").trim();
}

/** An answer as {@link visibleText} has it, in the Markdown that Discord has. */
export function shownText(answer: string): string {
  return withoutSmall(asMarkdown(visibleText(answer)));
}

/** Takes the sign of small type out of a model's text: what the bot itself says stands in it (R15). */
export function withoutSmall(text: string): string {
  if (!text.includes("-#")) return text;
  const code = codeRegions(text);
  return text.replace(SMALL_SIGN, (sign, at: number) => isWithin(code, at) ? sign : "");
}

/** Anywhere, as a long line may break before it; with characters that would make another one. */
const SMALL_SIGN = /[-#]*-#(?:[^\S\n]+|(?=\s|$))/g;

/** Every match of {@link MAY_LEAK} contains one of these. */
const LEAK_PART = /[<[\]`"◁]|analysis|action:|>>>/i;

/**
 * Every removed part contains one of these; most answers contain none. Mentions, links and lists do
 * not match.
 */
const MAY_LEAK =
  /<(?!https?:|a?:|t:)[a-z/|｜<]|\[(?:\/?(?:think|inst|tool_|available_)|[gs]mask|e~\[|(?:discord )?message|from:|in reply|time:|channel:|result of)|\]~!?b|\]![pd]~|\]<\]|◁|^[^\S\n\r\u2028\u2029]*analysis|^action:|>>>\w|functools\s?\[|`{3}(?:tool|function)_|"(?:arguments|parameters|input|args|action_input|tool_calls|function_call|tool_uses)"/im;

function withoutLeaks(answer: string): string {
  const cleaned = withoutToolCalls(withoutBlocks(answer));
  const code = codeRegions(cleaned);
  const isFenced = OUR_FENCE.test(cleaned);
  return cleaned.replace(
    LEAK,
    (leak, ourTag: string | undefined, ...[, at]: readonly unknown[]) =>
      (typeof at === "number" && isWithin(code, at)) || (ourTag !== undefined && !isFenced)
        ? leak
        : "",
  );
}

/** Our fences have a boundary. Without one, `</message>` may be a person's XML. */
const OUR_FENCE = /<(?:context|quoted|extras|message|result|summary|transcript) boundary="/;

/**
 * A tag of ours, or a line that contains only text that `prompt/envelope.ts` writes between the
 * fences.
 */
const LEAK =
  /(<\/?(?:context|quoted|extras|message|result|summary|transcript)(?: boundary="[^"\n]{0,100}")?>\n?)|^()(?:\[(?:(?:discord )?message[_ ]id: \d{1,20}|from: [^\]\n]{0,200} \(\d{17,20}\)|in reply to: [^\]\n]{0,200}|time: [^\]\n]{0,200}, GMT[^\]\n]{0,20}|result of the tool "[^\]\n]{0,200}"|summary of the earlier conversation[^\]\n]{0,200}|channel: (?:<#\d{1,20}>|direct message|group message)[^\]\n]{0,200})\][ \t]*)+(?:\n|$)/gm;

/** On a line of its own, or after the end of a sentence. */
const NO_REPLY_AT_END =
  /^NO_REPLY[ \t]*\n|(?:\n[ \t]*|(?<=[.!?…)]) +)[`*_]{0,3}NO_REPLY[`*_.]{0,4}$/g;

/** Whether people see anything. Discord accepts a message that consists of a zero-width space. */
export function isVisible(text: string): boolean {
  return /[^\s\p{Default_Ignorable_Code_Point}\u2800]/u.test(text);
}
