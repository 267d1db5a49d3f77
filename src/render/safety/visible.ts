/**
 * Removes the parts of a model's answer that are not meant for people.
 *
 * These parts are: thinking that a server did not separate, tool calls as text, tokens of chat
 * templates, and our own fences and lines that a small model repeats. None of them may reach
 * Discord (R10, SEC-R8). Code stays unchanged, since an answer may be about these things.
 *
 * Each vendor has its own marks. If the server knows the model, its answers contain none of them.
 * Otherwise they contain all: blocks of thinking, of calls and of results, calls as JSON or in
 * special code fences, and the steps of an older format (ReAct).
 */

import { parseForeignJson, withoutControls } from "../../lib/text/quoted.ts";
import { asMarkdown } from "../markdown/as_markdown.ts";
import { codeRegions, isWithin } from "../markdown/code_fence.ts";

function withoutBlocks(answer: string): string {
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

/** Removes tool calls from an answer. JSON in a code fence is an example, and stays. */
function withoutToolCalls(answer: string): string {
  const text = withoutSteps(answer.replace(CALL_FENCE, "").replace(PRINTED, ""));
  if (!ARGUMENTS.test(text)) return text;
  if (isCall(text)) return "";
  return withoutCalls(text);
}

/** Languages of code fences that contain calls and no code for people. */
const CALL_FENCE =
  /^[ \t]*(`{3,})(?:tool_(?:code|calls?|use|outputs?|results?)|function_calls?)\b[^]*?(?:^[ \t]*\1`*[ \t]*(?:\n|$(?![^]))|$(?![^]))/gm;

/**
 * Calls in the formats of Phi-4, Nemotron, Functionary and Command R, which end an answer, and
 * Functionary's mark of a text for people.
 */
const PRINTED =
  /\bfunctools\s?\[\s*\{[^]*$(?![^])|<TOOLCALL>[^]*?(?:<\/TOOLCALL>|$(?![^]))|^>>>all[ \t]*\n|>>>[\w.-]+[ \t]*\n\s*\{[^]*$(?![^])|^Action:\s*(?:`{3}(?:json)?\s*)?\[\s*\{[^]{0,4000}?"tool_name"[^]*$(?![^])/gm;

/** Without one of these keys, JSON is no call. */
const ARGUMENTS =
  /"(?:arguments|parameters|input|args|action_input|tool_calls|function_call|tool_uses)"\s*:/;

/** Removes calls that fill one line, and calls between two lines with a single brace each. */
function withoutCalls(text: string): string {
  const code = codeRegions(text);
  const lines = text.split("\n");
  const kept: string[] = [];
  let opened: { readonly place: number; readonly indent: string } | undefined;
  let at = 0;
  for (const line of lines) {
    const trimmed = line.trim();
    const indent = line.slice(0, line.search(/\S|$/));
    kept.push(line);
    if (!isWithin(code, at)) {
      if (isCall(trimmed)) kept.pop();
      else if (/^[{[]$/.test(trimmed) && (!opened || indent.length <= opened.indent.length)) {
        opened = { place: kept.length - 1, indent };
      } else if (/^[}\]]$/.test(trimmed) && opened?.indent === indent) {
        if (isCall(kept.slice(opened.place).join("\n"))) kept.length = opened.place;
        opened = undefined;
      }
    }
    at += line.length + 1;
  }
  return kept.length === lines.length ? text : kept.join("\n");
}

const NAMES = ["name", "tool", "function", "action", "tool_name", "recipient_name"];
const ARGUMENT_KEYS = ["arguments", "parameters", "input", "args", "action_input"];

/** Whether a text is the JSON of calls, and of nothing else. */
export function isCall(text: string): boolean {
  const trimmed = text.trim();
  if (!/^[{[]/.test(trimmed) || !ARGUMENTS.test(trimmed)) return false;
  return isCallValue(parseForeignJson(trimmed));
}

function isCallValue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every(isCallValue);
  if (typeof value !== "object" || value === null) return false;
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(value));
  if (["tool_calls", "tool_uses", "function_call"].some((key) => fields.has(key))) return true;
  const named = fields.get("function");
  if (typeof named === "object" && named !== null) return isCallValue(named);
  return NAMES.some((key) => typeof fields.get(key) === "string") &&
    ARGUMENT_KEYS.some((key) => fields.has(key)) &&
    [...fields.keys()].every((key) => KNOWN_KEYS.has(key));
}

/** An object with other keys than these is data that a person asked for. */
const KNOWN_KEYS = new Set([
  ...NAMES,
  ...ARGUMENT_KEYS,
  "id",
  "call_id",
  "tool_call_id",
  "type",
  "index",
]);

/** `Action: search`, `Action Input: {…}`, and its result. */
const STEP = /^Action:[^\n]{1,200}\n+Action Input:/m;

function withoutSteps(text: string): string {
  const step = STEP.exec(text);
  if (!step || isWithin(codeRegions(text), step.index)) return text;
  const final = /^Final Answer:[ \t]*/m.exec(text);
  if (final && final.index > step.index) return text.slice(final.index + final[0].length);
  const first = /^(?:Thought|Action):/m.exec(text);
  return text.slice(0, first?.index ?? step.index);
}

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
 * A tag of ours, or a line that contains only text that `prompt/prompt.ts` writes between the
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
