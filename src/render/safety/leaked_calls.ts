/**
 * Removes tool calls that a model wrote as text: JSON, special code fences, and the steps of an
 * older format (ReAct).
 */

import { parseForeignJson } from "../../lib/text/json.ts";
import { codeRegions } from "../markdown/code_region.ts";
import { isWithin } from "../markdown/spans.ts";

/** Removes tool calls from an answer. JSON in a code fence is an example, and stays. */
export function withoutToolCalls(answer: string): string {
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
