/**
 * Removes blocks that models and chat templates put between marks of their own: thinking, tool
 * calls and their results, and tokens that begin and end turns.
 *
 * Each vendor has its own marks. If the server knows the model, its answers contain none of them.
 * Otherwise they contain all.
 */

import { codeRegions } from "../markdown/code_region.ts";
import { isWithin } from "../markdown/spans.ts";

export function withoutBlocks(answer: string): string {
  let rest = answer.replace(BARE_ANALYSIS, "");
  // A removed block may have hidden the beginning of code, so the rest is searched again.
  for (let round = 0; round < 4; round += 1) {
    const left = withoutOrphans(withoutPairs(rest));
    if (left === rest) break;
    rest = left;
  }
  return withoutTokens(rest);
}

/** gpt-oss, if a server drops its tokens and keeps the words between them. */
const BARE_ANALYSIS = /^\s*analysis(?=\S)[\s\S]*?assistantfinal/;

const THINKING =
  "think|thinking|thoughts?|reasoning|reflection|scratchpad|inner_monologue|antthinking";
const CALLS =
  "tool_(?:calls?|responses?|results?|use|code|outputs?)|function_(?:calls?|responses?|results?)|invoke";
/** In lower case: models vary it. */
const TOKEN_PAIRS: ReadonlyMap<string, string> = new Map([
  ["<|begin_of_thought|>", "<|end_of_thought|>"],
  ["<|start_thinking|>", "<|end_thinking|>"],
  ["<|start_action|>", "<|end_action|>"],
  ["<|tool_call|>", "<|/tool_call|>"],
  ["<|tool_call_start|>", "<|tool_call_end|>"],
  ["<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"],
  ["<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"],
  ["<｜dsml｜function_calls>", "</｜dsml｜function_calls>"],
  ["<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁end｜>"],
  ["<|channel>", "<channel|>"],
  ["<|tool_call>", "<tool_call|>"],
  ["<|tool_response>", "<tool_response|>"],
  ["<start_function_call>", "<end_function_call>"],
  ["<unused94>", "<unused95>"],
  ["<<sys>>", "<</sys>>"],
  ["◁think▷", "◁/think▷"],
]);
const tokens = [...TOKEN_PAIRS.keys()].map((token) => RegExp.escape(token)).join("|");

/** The beginning of a block. A group, or {@link TOKEN_PAIRS}, names its ending. */
const OPENING = new RegExp(
  String.raw`<((?:\w{1,20}:)?(?:${THINKING}|${CALLS}))(?:\s[^<>\n]{0,200})?>` +
    String.raw`|<(context|quoted|extras|summary|transcript) boundary="[^"\n]{0,100}">` +
    String.raw`|<(function)=[^<>\n]{0,100}>` +
    String.raw`|\[(THINK|TOOL_RESULTS|AVAILABLE_TOOLS|INST)\]` +
    String
      .raw`|<\|channel\|>(analysis|commentary)[^<\n]{0,200}(?:<\|constrain\|>\w{0,20})?<\|message\|>` +
    `|${tokens}`,
  "gi",
);

/** gpt-oss ends a channel's text in one of these ways. */
const END_OF_CHANNEL = /<\|(?:end|call|return)\|>|(?=<\|(?:start|channel)\|>)/g;

function endingOf(opening: RegExpMatchArray): RegExp {
  const [openingText, tag, fence, call, bracket, channel] = opening;
  if (channel !== undefined) return new RegExp(END_OF_CHANNEL);
  const name = tag ?? fence ?? call;
  const ending = name !== undefined
    ? `</${name}>`
    : bracket !== undefined
    ? `[/${bracket}]`
    : TOKEN_PAIRS.get(openingText.toLowerCase()) ?? "";
  return new RegExp(RegExp.escape(ending), "gi");
}

function withoutPairs(text: string): string {
  const code = codeRegions(text);
  const missingEndings = new Set<string>();
  let kept = "";
  let from = 0;
  for (const opening of text.matchAll(OPENING)) {
    const { 0: { length }, index } = opening;
    if (index < from || isWithin(code, index)) continue;
    const end = endOf(text, opening, index + length, missingEndings) ??
      (isUnclosedBlock(text, index, index + length) ? text.length : undefined);
    if (end === undefined) continue;
    kept += text.slice(from, index);
    from = end;
  }
  return from === 0 ? text : kept + text.slice(from);
}

/**
 * Finds the end of a block.
 *
 * @param missingEndings Endings that do not occur any more; none is searched for twice.
 */
function endOf(
  text: string,
  opening: RegExpMatchArray,
  blockStart: number,
  missingEndings: Set<string>,
): number | undefined {
  const ending = endingOf(opening);
  if (missingEndings.has(ending.source)) return undefined;
  ending.lastIndex = blockStart;
  const match = ending.exec(text);
  if (!match) missingEndings.add(ending.source);
  return match ? match.index + match[0].length : undefined;
}

/**
 * Whether a block without an ending extends to the end of the text: it begins the answer, or its
 * mark is alone on its line.
 */
function isUnclosedBlock(text: string, start: number, blockStart: number): boolean {
  if (start === text.search(/\S/)) return true;
  return beginsLine(text, start) &&
    /^[ \t]*(?:[\n{[<]|$)/.test(text.slice(blockStart, blockStart + 100));
}

/**
 * Whether only white space precedes a position on its line. A very long line counts as having more.
 */
function beginsLine(text: string, position: number): boolean {
  const before = text.slice(Math.max(0, position - 100), position);
  return /(?:^|\n)[ \t]*$/.test(before) && (position < 100 || before.includes("\n"));
}

/** Some templates begin within the thinking, so the answer contains only its end. */
const END_OF_THINKING = new RegExp(
  String.raw`<\/(?:\w{1,20}:)?(?:${THINKING})>|\[\/THINK\]|◁\/think▷`,
  "gi",
);

/** Whether a sentence only mentions the mark, with a space on both sides. */
function isMentioned(text: string, start: number, end: number): boolean {
  return /[ \t]/.test(text.charAt(start - 1)) && !beginsLine(text, start) &&
    /^[ \t]\S|^[,.;:!?)]/.test(text.slice(end, end + 2));
}

const END_OF_PROMPT = /^[^]{0,20000}?\[\/INST\]/;

function withoutOrphans(text: string): string {
  const code = codeRegions(text);
  const end = Array.from(text.matchAll(END_OF_THINKING))
    .findLast(({ 0: { length }, index }) =>
      !isWithin(code, index) && !isMentioned(text, index, index + length)
    );
  const rest = end ? text.slice(end.index + end[0].length) : text;
  const prompt = END_OF_PROMPT.exec(rest);
  return prompt && !isWithin(codeRegions(rest), prompt[0].length - 1)
    ? rest.slice(prompt[0].length)
    : rest;
}

/** Names in tokens of Gemma 4. */
const ONE_LINE = "turn|channel|think|tool|tool_call|tool_response|image|audio|video";

/** The beginning of a turn that is not the model's. */
const OTHERS_TURN =
  /<\|im_start\|>\s{0,9}(?:user|system|tool)|<\|turn>\s{0,9}(?:user|system|tool)|<\|start_header_id\|>\s{0,9}(?:user|system|tool|ipython)\s{0,9}<\|end_header_id\|>|<start_of_turn>\s{0,9}user|<\|(?:user|system|observation)\|>|<\|start\|>(?:user|system|developer)|\]~b\](?:user|system|tool)|\[INST\]/gi;
/** The beginning of the model's own turn. */
const OWN_TURN =
  /<\|im_start\|>\s{0,9}assistant\n?|<\|turn>\s{0,9}model\n?|<\|start_header_id\|>\s{0,9}assistant\s{0,9}<\|end_header_id\|>\s{0,2}|<start_of_turn>\s{0,9}model\n?|<\|assistant\|>|<\|start\|>assistant(?:<\|channel\|>final<\|message\|>)?|\]~b\]ai\n?/gi;
/** A call in Mistral's format, in one line or more; after Llama's tag, all the rest is a call. */
const CALL_TO_END =
  /\[TOOL_CALLS\](?:\s{0,9}[[{][ \t]*\n(?:[^]*?\n[\]}]|[^]*$))?[^\n]*\n?|<\|python_tag\|>[^]*$/gi;
/**
 * Tokens that begin and end turns, texts and parts of them. `]~b]` and `[e~[` are MiniMax's, and
 * those with one line in their brackets are Gemma's.
 */
const TOKEN = new RegExp(
  [
    String.raw`<\|channel\|>final(?=<\|message\|>)|<\|\/?[a-z_]{2,40}\|>|<｜[^｜\n]{1,40}｜>`,
    String.raw`<\|"\|>|<\|(?:${ONE_LINE})>|<(?:${ONE_LINE})\|>`,
    String.raw`<\/?(?:bos|eos|sop|eop|unused\d{1,5})>`,
    String.raw`<(?:start|end)_(?:of_(?:turn|image|audio)|function_(?:call|response|declaration))>`,
    String.raw`<\/(?:start|end)_of_turn>|\[\/?THINK\]|\[\/(?:INST|TOOL_CALLS)\]|\[[gs]MASK\]`,
    String.raw`\]~!?b[[\]]|\[e~\[|\]![pd]~\[|\]<\][\w -]{1,30}\[>\[`,
  ].join("|"),
  "gi",
);
/**
 * Tokens of Llama and others. In HTML they mean strikethrough, so they are removed only around the
 * whole text.
 */
const WHOLE_TEXT = /^\s*<s>(?![^]*<\/s>\s*\S)|<\/s>\s*$/g;
const END_OF_TEXT = /<\/s>/g;

/** Maximum number of tokens within each other. */
const DEPTH = 8;

/**
 * Removes tokens until none is left: one that is removed may have split another one.
 *
 * @returns A blank text if there are too many within each other. No template writes that.
 */
function withoutTokens(answer: string): string {
  let rest = answer;
  for (let round = 0; round <= DEPTH; round += 1) {
    const own = ownTurn(rest);
    const ends = own.includes("<s>") ? WHOLE_TEXT : END_OF_TEXT;
    const left = [OWN_TURN, CALL_TO_END, TOKEN, ends].reduce(withoutAll, own);
    if (left === rest) return rest;
    rest = left;
  }
  return "";
}

/** The model's own turn, if it made up other turns before and after it. */
function ownTurn(text: string): string {
  const turns = outsideCode(text, OTHERS_TURN);
  const [first] = turns;
  if (!first) return text;
  if (text.slice(0, first.index).trim() !== "") return text.slice(0, first.index);
  const [own] = outsideCode(text, OWN_TURN);
  const rest = own ? text.slice(own.index + own[0].length) : "";
  const [next] = outsideCode(rest, OTHERS_TURN);
  return next ? rest.slice(0, next.index) : rest;
}

function outsideCode(text: string, pattern: RegExp): readonly RegExpExecArray[] {
  const matches = Array.from(text.matchAll(pattern));
  if (matches.length === 0) return [];
  const code = codeRegions(text);
  return matches.filter(({ index }) => !isWithin(code, index));
}

function withoutAll(text: string, pattern: RegExp): string {
  let kept = "";
  let from = 0;
  for (const { 0: { length }, index } of outsideCode(text, pattern)) {
    kept += text.slice(from, index);
    from = index + length;
  }
  return from === 0 ? text : kept + text.slice(from);
}
