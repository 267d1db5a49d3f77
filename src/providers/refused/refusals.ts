/**
 * Decides how to go on after a server has refused a request (L3).
 *
 * Servers have no common code for the part that they refuse, so their words tell. Words can mislead. So
 * the decision is one smaller request, or a probe; `smaller_requests.ts` remembers neither before the
 * server has answered.
 */

import { hasCalls, hasImages } from "../../core/fit_request.ts";
import type {
  ModelError,
  ModelErrorKind,
  ModelMessage,
  ModelRequest,
  ToolDefinition,
} from "../../core/model.ts";
import { carriedIn } from "../carried/carried.ts";
import {
  carriedLesson,
  CHAT_LESSON,
  countLesson,
  fieldLesson,
  keywordLesson,
  type Lesson,
  OFF_LESSON,
  PLAIN_LESSON,
  STREAM_LESSON,
  TEMPLATE_LESSONS,
  toolLesson,
} from "./lessons.ts";

/** An ability that a server may refuse. `thinking`: the level of thinking of the request. */
export type Ability = "tools" | "images" | "thinking";

/**
 * The next request after a refusal: the same one `"again"`, as the model wrote a call that its server
 * cannot read; one without a named part; or a probe of an ability, if no single part is named.
 */
type NextTry = "again" | Ability | Lesson;

/** Groq's words and code for a call that it cannot read. */
const UNREADABLE_CALL =
  /\btool_use_failed\b|\bfailed to call a function\b|\btool call validation failed\b|\bwas not in request\.tools\b/i;

/** OpenAI: GPT-5.4 and later with tools, and models that chat completions do not have at all. */
const WANTS_RESPONSES = /\bv1\/responses\b|\bnot a chat model\b/i;

/**
 * Words of a refusal that comes as 404 (OpenRouter) or 500 (llama.cpp). Other words with these
 * statuses are of a wrong name, or of a server that is down.
 */
const SURE =
  /\bsupports? (?:tool|image|function)|\bnot supported\b|\bjinja\b|\bis not callable\b|\bunsupported by\b|\bfailed to parse grammar\b|\bonly supported in v1\/responses\b|\bnot a chat model\b|\bdata required for image input\b/i;

/** Fields that an answer does not need. `include` and `store` are also common words. */
const OPTIONAL_FIELDS =
  /\b(?:stream_options|max_(?:completion_|output_)?tokens|max(?:Output)?Tokens|prompt_cache_key|cache_control)\b|(?<=['"`/\n])(?:include|store)\b/g;

const ABOUT: Readonly<Record<Ability, RegExp>> = {
  thinking: /\breasoning(?:[_. ]?effort)?\b|\bthinking(?:[_ ]?(?:budget|level|config))?\b/i,
  images:
    /\bimages?\b|\bimage_url\b|\bvision\b|\bmultimodal\b|\bmmproj\b|\bcontent\b.{0,40}\bstring\b/i,
  tools:
    /\btools?\b|\btool[_ -]?(?:calls?|calling|choice|use)\b|\bfunction[_ -]?(?:call|declaration)|\bgrammar\b|\bschema\b|\bjinja\b|\btemplate\b|\bis not callable\b/i,
};

const SCHEMA_WORDS =
  /\bschema\b|\bdeclarations?\b|\bparameters?\b|\bpropert|\bgrammar\b|\bpattern\b|\btools\b/i;

const STREAM = /\bto stream\b|\bsupport.*\bstreaming\b/i;

/** The path to a field of a tool, and words about it. */
const TOOL_FIELD =
  /\btools(?:\.|\[|["'], ?)\d+\]?(?:["'], ?["']|\.)(?:\w+\.)?(\w+)(?<!parameters|input_?schema|function|name|description|type)["']?(?![.[\w])/i;
const NO_FIELD =
  /\b(?:extra|unknown|unexpected|unrecognized|unsupported|not permitted|not supported)\b/i;

const TOO_MANY_TOOLS =
  /\b(?:array too long|too many (?:tools|functions))\b|\b(?:tools|functions|declarations)\b.*\b(?:maximum|at most|limit|exceed)|\b(?:maximum|at most|limit|exceed\w*)\b.*\b(?:tools|functions|declarations)\b/i;

/**
 * Decides it.
 *
 * @param request The refused request, as it was sent.
 * @returns `undefined` if no smaller request may help.
 */
export function nextAfter(
  { kind, words = "", sent }: Pick<ModelError, "kind" | "words" | "sent">,
  request: ModelRequest,
): NextTry | undefined {
  const { tools = [], thinking, messages, byResponses } = request;
  if (tools.length > 0 && UNREADABLE_CALL.test(words)) return "again";
  if (byResponses && kind === "not_found") return OFF_LESSON;
  if (!mayBeOfPart(kind, words)) return undefined;
  const carried = aboutCarried(words, request);
  if (carried) return carried;
  if (!byResponses && WANTS_RESPONSES.test(words)) return CHAT_LESSON;
  if (STREAM.test(words) && sent?.has("stream")) return STREAM_LESSON;
  const field = fieldIn(words, sent, request.omit);
  if (field) return field;
  if (thinking !== undefined && ABOUT.thinking.test(words)) return "thinking";
  const template = TEMPLATE_LESSONS.find((one) =>
    one.words.test(words) && one.without(request) !== request
  );
  if (template) return template;
  if (hasImages(messages) && ABOUT.images.test(words)) return "images";
  if (tools.length === 0 || !ABOUT.tools.test(words)) {
    return kind === "rejected" ? carriedWith(messages, () => true, false) : undefined;
  }
  const keyword = /\bunknown name \\?"(\w+)/i.exec(words)?.[1] ?? "";
  if (JSON.stringify(tools).includes(`"${keyword}":`)) return keywordLesson(keyword);
  const named = SCHEMA_WORDS.test(words) ? namedTools(words, tools) : [];
  if (named.length > 0) return toolLesson(named);
  const most = TOO_MANY_TOOLS.test(words) ? namedLimit(words, tools.length) : undefined;
  return most === undefined ? "tools" : countLesson(most, tools);
}

/** Words about fields of answers, and not about the level of thinking. */
const ABOUT_FIELDS =
  /thinking(?![._ ]?(?:budget|level|config))|reasoning(?![._ ]?effort)|thought|signature|encrypted|\b(?:extra|unknown|unrecognized|unexpected|additional)\b.*\b(?:input|field|propert|param|argument|key|name)/i;
const MISSES = /\bmissing\b|\brequire[sd]?\b|\bmust (?:be|have|contain|include)\b/i;

/** The refused fields of earlier answers: first those of earlier turns. */
function aboutCarried(words: string, { messages, plainCalls }: ModelRequest): Lesson | undefined {
  const isAbout = ABOUT_FIELDS.test(words);
  if (isAbout && MISSES.test(words) && !plainCalls && hasCalls(messages)) return PLAIN_LESSON;
  const named = carriedWith(
    messages,
    (name) => new RegExp(`(?<!\\w)${RegExp.escape(name)}(?!\\w)`).test(words),
    true,
  );
  return named ?? (isAbout ? carriedWith(messages, () => true, false) : undefined);
}

/** The lesson about the fields with such names; `undefined` if no message has one. */
function carriedWith(
  messages: readonly ModelMessage[],
  isRefused: (name: string) => boolean,
  isNamed: boolean,
): Lesson | undefined {
  for (const beginOf of [newestQuestion, ({ length }: readonly ModelMessage[]) => length]) {
    const names = messages.slice(0, beginOf(messages)).map(carriedIn)
      .flatMap(({ fields, calls }) => [fields, ...calls].flatMap(Object.keys)).filter(isRefused);
    if (names.length > 0) return carriedLesson(names, isNamed, beginOf);
  }
  return undefined;
}

const newestQuestion = (all: readonly ModelMessage[]) =>
  all.findLastIndex(({ role }) => role === "user");

/** Whether a refusal may be of a part of its request, so that a smaller one may succeed. */
function mayBeOfPart(kind: ModelErrorKind, words: string): boolean {
  if (kind === "rejected") return true;
  return (kind === "not_found" || kind === "unavailable") && SURE.test(words);
}

/** Whether a refusal speaks of an ability, and not of something else. */
export function isAbout(
  ability: Ability,
  { kind, words = "" }: Pick<ModelError, "kind" | "words">,
): boolean {
  return mayBeOfPart(kind, words) && ABOUT[ability].test(words);
}

/**
 * The first field that the words name and the request had. Fields that go back with answers belong
 * here, too: `omit` takes them out of messages.
 */
function fieldIn(
  words: string,
  sent: ModelError["sent"],
  omit: ModelRequest["omit"],
): Lesson | undefined {
  const ofTool = NO_FIELD.test(words) ? TOOL_FIELD.exec(words)?.[1] ?? "" : "";
  const field = [...words.match(OPTIONAL_FIELDS) ?? [], ofTool].find((one) =>
    sent ? sent.has(one) : one !== "" && !omit?.has(one) // refused within the stream
  );
  if (field === undefined) return undefined;
  const isRenamed = field === "max_tokens" && words.includes("max_completion_tokens");
  return fieldLesson(field, isRenamed ? "max_completion_tokens" : undefined);
}

/** Paths to a tool by its place: Google's, and those of Anthropic, OpenAI and pydantic. */
const TOOL_PATHS: readonly RegExp[] = [
  /\bfunction_declarations\[(\d+)\]/g,
  /\btools(?:\.|\[|["'], ?)(\d+)/g,
];

function namedTools(words: string, tools: readonly ToolDefinition[]): readonly ToolDefinition[] {
  const places = TOOL_PATHS.map((path) => [...words.matchAll(path)].map(([, at]) => Number(at)))
    .find((found) => found.length > 0) ?? [];
  return tools.filter(({ name }, at) =>
    places.includes(at) ||
    // A name without a quote or a noun may be a common word, such as "ask".
    new RegExp(`(?:['"\`]|\\b(?:function|tool):? )${RegExp.escape(name)}(?![\\w-])`).test(words)
  );
}

/** The largest number in the words that is less than the number of tools. */
function namedLimit(words: string, count: number): number | undefined {
  const limits = (words.match(/\b\d+\b/g) ?? []).map(Number).filter((most) =>
    most > 0 && most < count
  );
  return limits.length > 0 ? Math.max(...limits) : undefined;
}
