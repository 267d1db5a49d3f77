/**
 * Tells whether an answer is a tool call that came as text. `visible.ts` removes such calls, and the
 * rest of the answer would be half a sentence.
 */

import { isCall, visibleText } from "./visible.ts";

/** The beginnings of calls in the formats of models and templates. */
const MARK = new RegExp(
  String.raw`<(?:\w{1,20}:)?(?:tool_(?:calls?|use|code)|function_calls?|invoke)\b|<function=|` +
    String.raw`<\|(?:tool_call(?:_start|s_section_begin)?|start_action|python_tag)\|?>|` +
    String.raw`<｜(?:tool▁calls▁begin|DSML)｜|<start_function_call>|<\|channel\|>commentary to=|` +
    String
      .raw`\[TOOL_CALLS\]|^Action:|\bfunctools\s?\[|<TOOLCALL>|>>>(?!all\b)[\w.-]+[ \t]*\n\s*\{|` +
    "`{3,}(?:tool_(?:code|calls?|use)|function_calls?)\\b|" +
    String.raw`"(?:arguments|parameters|action_input|tool_calls|function_call)"\s*:`,
  "gim",
);

/** Everything up to the end of thinking that the server did not separate. */
const ENDED_THINKING = /^[^]*<\/(?:\w{1,20}:)?(?:think(?:ing)?|thoughts?|reasoning)>/i;

/** Tokens of a template after an answer. */
const ENDS = /(?:\s{0,9}<(?:\|[^|<>\n]{1,40}\||\/s|[a-z_]{1,20}_of_turn)>)+\s*$/;

/**
 * Some models write their calls in a code fence at the end of the answer, but not in one of a
 * programming language.
 */
const LAST_FENCE = /(?:^|\n)(`{3,})(?:json|tool[\w-]*)?\n([^]*?)\n?\1$/;

/**
 * Whether an answer has a call as text. A call in code before other text is an example.
 *
 * @param tools Names of the tools that the model may call.
 */
export function isWrittenCall(answer: string, tools: readonly string[]): boolean {
  const said = answer.replace(ENDED_THINKING, "").replace(ENDS, "").trim();
  const count = (text: string) => text.match(MARK)?.length ?? 0;
  if (count(said) > count(visibleText(said))) return true;
  const bare = LAST_FENCE.exec(said)?.[2]?.trim() ?? said;
  return tools.some((name) =>
    bare.includes(name) &&
    (isCall(bare) ||
      new RegExp(`^\\[?${RegExp.escape(name)}\\((?:\\w+\\s*=[^]*)?\\)\\]?$`).test(bare))
  );
}
