/**
 * Chooses the first plainer form after a refusal by the server's words (L3). Wrong words cost one
 * request: the walk over all forms follows (`walks.ts`).
 */

import { hasCalls } from "../../core/fit_request.ts";
import type { ModelError, ModelRequest, ToolDefinition } from "../../core/model.ts";
import {
  CARRIED,
  countForm,
  fieldForm,
  FOREIGN_CALLS,
  type Form,
  OPTIONAL_FIELDS,
  RESPONSES,
  STREAM,
  THINKING_OFF,
  thinkingForm,
} from "./forms.ts";

/**
 * A form, tools, or the kind of the parts among which the walk looks at once. `no_tools`: the words
 * speak of all of them, so one tool alone shows whether they are right.
 */
export type FirstStep =
  | Form
  | readonly ToolDefinition[]
  | "tools"
  | "no_tools"
  | "images"
  | undefined;

const MISSES = /\bmissing\b|\brequire[sd]?\b|\bmust (?:be|have|contain|include)\b|\bpassed back\b/i;
const THOUGHTS = /thinking|reasoning|thought|signature/i;
const TOOLS = /\btools?\b|\bfunction[_ -]?(?:call|declaration)|\bgrammar\b|\bschema\b|\bjinja\b/i;
const LACKS = /\b(?:un)?support(?:s|ed)?\b|\benabled?\b|\brequires? --/i;
const OF_SCHEMAS = /schema|grammar|keyword|propert/i;
const IMAGES = /\bimages?\b|\bimage_url\b|\bvision\b|\bmultimodal\b|\bmmproj\b/i;
const LIMIT = /\b(?:maximum|at most|limit|exceed\w*|too (?:long|many))\b/i;

export function firstStep(
  { kind, words = "" }: Pick<ModelError, "kind" | "words">,
  request: ModelRequest,
): FirstStep {
  const { tools = [], thinking, messages, byResponses, omit } = request;
  const isNamed = (name: string) =>
    new RegExp(`(?<![\\w-])${RegExp.escape(name)}(?![\\w-])`).test(words);
  if (byResponses && kind === "not_found") return THINKING_OFF;
  if (!byResponses && /\bv1\/responses\b|\bnot a chat model\b/i.test(words)) return RESPONSES;
  if (/\bto stream\b|\bstreaming\b/i.test(words) && !omit?.has("stream")) return STREAM;
  const field = OPTIONAL_FIELDS.find((one) =>
    isNamed(one) && !omit?.has(one) &&
    // These are common words, too.
    (!/^(?:include|store|strict)$/.test(one) || new RegExp(`[.'"\`/\\n]${one}\\b`).test(words))
  );
  if (field !== undefined) {
    const isRenamed = field === "max_tokens" && isNamed("max_completion_tokens");
    return fieldForm(field, isRenamed ? "max_completion_tokens" : undefined);
  }
  const isCarried = messages.some((one) => one.role === "assistant" && one.carried !== undefined);
  const isThought = THOUGHTS.test(words);
  if (isThought && MISSES.test(words) && hasCalls(messages)) return FOREIGN_CALLS;
  if (isCarried && (isThought || /\b(?:extra|unknown|additional)\b/i.test(words))) {
    return CARRIED.find(({ apply }) => apply(request) !== request);
  }
  if (thinking !== undefined && isThought) return thinkingForm(thinking);
  if (messages.some((one) => one.role === "user" && one.images) && IMAGES.test(words)) {
    return "images";
  }
  if (tools.length === 0 || !TOOLS.test(words)) return undefined;
  const named = namedTools(words, tools);
  if (named.length > 0) return named;
  const limits = LIMIT.test(words) ? (words.match(/\b\d+\b/g) ?? []).map(Number) : [];
  const most = Math.max(0, ...limits.filter((one) => one < tools.length));
  if (most > 0) return countForm(most);
  return LACKS.test(words) && !OF_SCHEMAS.test(words) ? "no_tools" : "tools";
}

/** The tools that the words name, or whose places in the request they name. */
function namedTools(words: string, tools: readonly ToolDefinition[]): readonly ToolDefinition[] {
  const places = Array.from(
    words.matchAll(/\b(?:tools|function_declarations)(?:\.|\[|["'], ?)(\d+)/g),
    ([text, at]) => ({ text, at: Number(at) }),
  );
  const google = places.filter(({ text }) => text.startsWith("function"));
  const found = new Set((google.length > 0 ? google : places).map(({ at }) => at));
  return tools.filter(({ name }, at) =>
    found.has(at) ||
    // A name without a quote or a noun may be a common word, such as "ask".
    new RegExp(`(?:['"\`]|\\b(?:function|tool):? )${RegExp.escape(name)}(?![\\w-])`).test(words)
  );
}
