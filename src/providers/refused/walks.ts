/**
 * Walks over plainer requests in place of one that a server refuses, and remembers the parts that it
 * refuses (L3). No form knows a server.
 *
 * Within a walk, each request leaves out more parts, until one is answered. Each of the next messages
 * puts one of them back: an answer clears it, and after a refusal it is bad, as is a part that was
 * left out last and alone. The first plainer form is chosen by the server's words; wrong words cost
 * one request. Parts that answered requests had are no suspects.
 */

import { createHash } from "node:crypto";
import type { ThinkLevel } from "../../core/config_file.ts";
import {
  hasCalls,
  imagesOf,
  ModelError,
  type ModelImage,
  type ModelMessage,
  type ModelRequest,
  plainMessages,
  type RefusedPart,
  type ToolDefinition,
  withoutImages,
  withoutTools,
} from "../../core/model.ts";
import { isRecord } from "../../lib/text/quoted.ts";
import { carriedIn, withoutCarried } from "../answer_parts.ts";
import { withoutThinking } from "../thinking.ts";

export interface Form {
  /** The part that it leaves out, as the end of a sentence: "the field `store`". */
  readonly part: string;
  /** The tools or pictures that it leaves out. */
  readonly keys?: ReadonlySet<string>;
  /** The operator's next step, in the imperative; absent if there is none. */
  readonly fix?: string;
  /** The whole ability that it takes away; absent for less. */
  readonly ability?: "tools" | "images" | ThinkLevel;
  /** What it takes some of. */
  readonly of?: "tools" | "images";
  /** Writes the request in this form. Returns the same object if it is in it. */
  readonly apply: (request: ModelRequest) => ModelRequest;
}

type Tools = readonly ToolDefinition[];

const UPDATE = "update the server, or choose another model";

const idOf = ({ part, keys }: Form): string => [part, ...keys ?? []].join();

/** A field of the body. `name` replaces it if it is there. */
function fieldForm(field: string, name?: string): Form {
  return {
    part: `the field \`${field}\``,
    fix: UPDATE,
    apply: (request) => omitting(request, [field], name),
  };
}

function omitting(request: ModelRequest, fields: readonly string[], name?: string): ModelRequest {
  const { omit } = request;
  if (fields.every((field) => omit?.has(field))) return request;
  const all = fields.map((field) => [field, name] as const);
  return { ...request, omit: new Map([...all, ...omit ?? []]) };
}

/** Fields that an answer does not need. */
const OPTIONAL_FIELDS: readonly string[] = [
  "stream_options",
  "max_tokens",
  "max_completion_tokens",
  "max_output_tokens",
  "maxOutputTokens",
  "store",
  "include",
  "prompt_cache_key",
  "cache_control",
  "strict",
];

/** Streams of answers, which OpenAI has for verified organizations alone. */
const STREAM: Form = {
  part: "streams of answers",
  fix: "verify your organization at the provider, or choose another model",
  apply: (request) => omitting(request, ["stream", "stream_options"]),
};

const LIMITS = OPTIONAL_FIELDS.filter((field) => /^max_|^maxO/.test(field));

/** Some servers want it. */
const LIMIT: Form = {
  part: "a maximum of an answer's tokens",
  fix: UPDATE,
  apply: (request) => omitting(request, LIMITS),
};

/** Without `store: false`, OpenAI keeps a request, so only words that name the field leave it out. */
const UNNAMED_FIELDS = OPTIONAL_FIELDS.filter((field) =>
  field !== "store" && !LIMITS.includes(field)
);

const FIELDS: Form = {
  part: "optional fields",
  fix: UPDATE,
  apply: (request) => withoutThinking(omitting(request, UNNAMED_FIELDS)),
};

const SCHEMAS: Form = {
  part: "details in the schemas of tools",
  fix: "correct the schemas at the MCP servers, or update the server",
  apply: keeping((tools) => tools.map(plainTool)),
};

/** Stands between the text of an answer and its calls, so that roles alternate. */
const GO_ON = "Go on.";

/** Each call in an answer of its own, with its result, and texts before them. */
const SEPARATED: Form = {
  part: "a text beside calls, and several calls in one answer",
  apply(request) {
    let isFirst = false;
    let asked: readonly string[] = [];
    return withMessages(request, (one) => {
      if (one.role === "assistant") asked = (one.calls ?? []).map(({ id }) => id);
      if (one.role === "user") return [one];
      if (one.role === "assistant") {
        isFirst = true;
        const { calls = [], text } = one;
        if (calls.length === 0 || (text.trim() === "" && calls.length === 1)) return [one];
        if (calls.length === 1) return [said(text), GOES_ON, { ...one, text: "" }];
        return text.trim() === "" ? [] : [said(text), GOES_ON];
      }
      if (asked.length < 2) return [one];
      const answer = { role: "assistant", text: "", calls: [one.call] } as const;
      const before = isFirst ? [] : [GOES_ON];
      isFirst = false;
      return [...before, answer, one];
    });
  },
};

const GOES_ON: ModelMessage = { role: "user", text: GO_ON };
const said = (text: string): ModelMessage => ({ role: "assistant", text });

/** Fields that servers attached to earlier answers: those before the newest message, and all. */
const CARRIED: readonly Form[] = [{
  part: "fields of answers in earlier turns",
  apply: (request) =>
    uncarried(request, request.messages.findLastIndex(({ role }) => role === "user")),
}, {
  part: "fields of earlier answers",
  apply: (request) => uncarried(request, request.messages.length),
}];

function uncarried(request: ModelRequest, end: number): ModelRequest {
  let at = 0;
  return withMessages(request, (one) => {
    if (at++ >= end || one.role !== "assistant" || one.carried === undefined) return [one];
    const { fields, calls } = carriedIn(one);
    return [withoutCarried(one, new Set([fields, ...calls].flatMap(Object.keys)))];
  });
}

const SYSTEM: Form = {
  part: "a system prompt of its own",
  apply(request) {
    const { system, messages: [first, ...others] } = request;
    if (system === "" || !first) return request;
    const messages: readonly ModelMessage[] = first.role === "user"
      ? [{ ...first, text: `${system}\n\n${first.text}` }, ...others]
      : [{ role: "user", text: system }, first, ...others];
    return { ...request, system: "", messages };
  },
};

/** Calls of another model or a workflow, which lack fields that the server wants back. */
const FOREIGN_CALLS: Form = {
  part: "calls without its own fields",
  apply: (request) =>
    request.plainCalls || !hasCalls(request.messages) ? request : { ...request, plainCalls: true },
};

const CALLS: Form = {
  part: "calls of tools in the conversation",
  fix: UPDATE,
  apply: (request) =>
    request.messages.some(({ role }) => role === "tool")
      ? { ...request, messages: plainMessages(request.messages) }
      : request,
};

/** All forms that need no words, in the order in which they are tried. */
const LADDER: readonly Form[] = [FIELDS, SCHEMAS, SEPARATED, ...CARRIED, SYSTEM, CALLS];

/** Some servers want these, so they are left out at last. */
const LAST: readonly Form[] = [LIMIT, STREAM];

const RESPONSES: Form = {
  part: "chat completions",
  fix: 'set `kind` of the provider to "openai-responses"',
  apply: (request) => request.byResponses ? request : { ...request, byResponses: true },
};

/** For a server that wants its Responses API for thinking with tools, and lacks it. */
const THINKING_OFF: Form = {
  part: "thinking with tools",
  fix: 'set `kind` of the provider to "openai-responses" if the server has that API',
  apply: (request) => request.tools ? { ...request, thinking: "off" } : request,
};

function thinkingForm(level: ThinkLevel): Form {
  return {
    part: `the level of thinking \`${level}\``,
    fix: "choose another level by `/settings think`",
    ability: level,
    apply: (request) => request.thinking === level ? withoutThinking(request) : request,
  };
}

function abilityForm(ability: "tools" | "images"): Form {
  return {
    part: `all ${ability}`,
    fix: `correct the server, choose another model, or set \`${ability}\` of the model to false`,
    ability,
    apply: (request) =>
      ability === "images"
        ? withoutImages(request)
        : request.tools
        ? withoutTools(request)
        : request,
  };
}

/** The first tools, of a server that names how many there may be. */
function countForm(most: number): Form {
  return {
    part: `the tools beyond the first ${most}`,
    fix: "add tools that no one needs to `tools.deny`",
    apply: keeping((tools) => tools.length > most ? tools.slice(0, most) : tools),
  };
}

/** Tools that a text names. */
const MAX_NAMED = 5;

/** Certain tools, until their definitions change. */
function toolForm(refused: Tools): Form {
  const names = refused.slice(0, MAX_NAMED).map(({ name }) => `\`${name}\``);
  const more = refused.length > MAX_NAMED ? ` and ${refused.length - MAX_NAMED} more` : "";
  const keys = new Set(refused.map(keyOfTool));
  return {
    part: `the ${refused.length === 1 ? "tool" : "tools"} ${names.join(", ")}${more}`,
    keys,
    of: "tools",
    fix: refused.some(({ name }) => name.startsWith("mcp__"))
      ? "correct the schema at the MCP server, or add the name to `tools.deny`"
      : "add the name to `tools.deny`",
    apply: keeping((tools) => tools.filter((tool) => !keys.has(keyOfTool(tool)))),
  };
}

const keys = new WeakMap<ToolDefinition, string>();

function keyOfTool(tool: ToolDefinition): string {
  const known = keys.get(tool) ?? JSON.stringify(tool);
  keys.set(tool, known);
  return known;
}

/** The same tools give the same array, because the bytes of a request are kept by it. */
function keeping(keep: (tools: Tools) => Tools): Form["apply"] {
  const kept = new WeakMap<Tools, Tools>();
  return (request) => {
    if (!request.tools) return request;
    const fit = kept.get(request.tools) ?? keep(request.tools);
    const isSame = fit.length === request.tools.length &&
      fit.every((tool, at) => tool === request.tools?.[at]);
    const tools = isSame ? request.tools : fit;
    kept.set(request.tools, tools);
    if (tools === request.tools) return request;
    return tools.length === 0 ? withoutTools(request) : { ...request, tools };
  };
}

const plain = new WeakMap<ToolDefinition, ToolDefinition>();

/** The tool with the keywords alone that all servers know. */
function plainTool(tool: ToolDefinition): ToolDefinition {
  const { parameters } = tool;
  const fit = { ...tool, parameters: { properties: {}, ...plainSchema(parameters, parameters) } };
  const known = plain.get(tool) ?? (keyOfTool(fit) === keyOfTool(tool) ? tool : fit);
  plain.set(tool, known);
  plain.set(known, known);
  keys.set(known, keyOfTool(tool)); // it is the same tool
  return known;
}

const TYPES = new Set(["object", "array", "string", "number", "integer", "boolean"]);
/** Levels of objects in a schema; a reference may be to the schema around it. */
const DEPTH_MAX = 6;

function plainSchema(schema: unknown, root: unknown, depth = DEPTH_MAX): Record<string, unknown> {
  if (!isRecord(schema)) return { type: "string" };
  const { $ref: ref, description, properties, required, items, ...others } = schema;
  const options = [others["anyOf"], others["oneOf"], others["allOf"]].flat().filter(isRecord);
  const other = typeof ref === "string"
    ? ref.split("/").slice(1).reduce<unknown>((at, key) => Object(at)[key], root)
    : options.find(({ type }) => type !== "null");
  const about = typeof description === "string" ? { description } : {};
  if (other !== undefined && depth > 0 && !isRecord(properties)) {
    return { ...plainSchema(other, root, depth - 1), ...about };
  }
  const named = [others["type"]].flat().find((one) => typeof one === "string" && TYPES.has(one));
  const type = depth === DEPTH_MAX || isRecord(properties)
    ? "object"
    : typeof named === "string"
    ? named
    : items instanceof Object
    ? "array"
    : "string";
  const choices = [others["enum"]].flat().filter((one) => typeof one === "string" && one !== "");
  if (type === "string") return { type, ...about, ...(choices.length > 0 && { enum: choices }) };
  if (type === "array") return { type, ...about, items: plainSchema(items, root, depth - 1) };
  if (type !== "object") return { type, ...about };
  const fields = depth > 0 && isRecord(properties) ? Object.entries(properties) : [];
  const fit = fields.map(([name, one]) => [name, plainSchema(one, root, depth - 1)] as const);
  const names = new Set(fields.map(([name]) => name));
  const needed = [required].flat().filter((one) => typeof one === "string" && names.has(one));
  return {
    type,
    ...about,
    properties: Object.fromEntries(fit),
    ...(needed.length > 0 && { required: needed }),
  };
}

/** The request with other messages; the same object if none differs. */
function withMessages(
  request: ModelRequest,
  change: (message: ModelMessage) => readonly ModelMessage[],
): ModelRequest {
  const messages = request.messages.flatMap(change);
  const isSame = messages.every((one, at) => one === request.messages[at]);
  return isSame && messages.length === request.messages.length ? request : { ...request, messages };
}

const MISSES = /\bmissing\b|\brequire[sd]?\b|\bmust (?:be|have|contain|include)\b|\bpassed back\b/i;
const THOUGHTS = /thinking|reasoning|thought|signature/i;
const TOOLS = /\btools?\b|\bfunction[_ -]?(?:call|declaration)|\bgrammar\b|\bschema\b|\bjinja\b/i;
const LACKS = /\b(?:un)?support(?:s|ed)?\b|\benabled?\b|\brequires? --/i;
const OF_SCHEMAS = /schema|grammar|keyword|propert/i;
const IMAGES = /\bimages?\b|\bimage_url\b|\bvision\b|\bmultimodal\b|\bmmproj\b/i;
const LIMIT_WORDS = /\b(?:maximum|at most|limit|exceed\w*|too (?:long|many))\b/i;

/** The form that the words of a refusal suggest; `undefined`: they name nothing. */
function firstStep({ kind, words = "" }: ModelError, request: ModelRequest): Form | undefined {
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
  const isLack = LACKS.test(words) && !OF_SCHEMAS.test(words);
  const [pictures] = pictureForms(request);
  if (pictures && IMAGES.test(words)) return isLack ? abilityForm("images") : pictures;
  if (tools.length === 0 || !TOOLS.test(words)) return undefined;
  const named = namedTools(words, tools);
  if (named.length > 0) return toolForm(named);
  const limits = LIMIT_WORDS.test(words) ? (words.match(/\b\d+\b/g) ?? []).map(Number) : [];
  const most = Math.max(0, ...limits.filter((one) => one < tools.length));
  if (most > 0) return countForm(most);
  return isLack ? abilityForm("tools") : SCHEMAS;
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

/** Bad tools or pictures with none taken ever, after which the server takes none. */
const LACKS_MIN = 2;
/** Maximum number of requests in place of one, itself included. */
const TRIES_MAX = 9;
/** Those of them that come later, with a delay each, after an error that may pass. */
const LATER = 2;
/** Milliseconds after which a request tries again with a part. The time doubles each time. */
const AGAIN_MS = { first: 600_000, max: 86_400_000 };
/** Maximum number of lessons: pictures may be many. */
const LESSONS_MAX = 200;

interface Lesson {
  readonly form: Form;
  readonly reason: string;
  readonly at: number;
  readonly forMs: number;
}

const hashes = new WeakMap<ModelImage, string>();

function hashOf(image: ModelImage): string {
  const hash = hashes.get(image) ?? createHash("sha256").update(image.data).digest("base64");
  hashes.set(image, hash);
  return hash;
}

/** Certain pictures. They concern one person, so the operator needs no step. */
function pictureForm(images: readonly ModelImage[]): Form {
  const keys = new Set(images.map(hashOf));
  return {
    part: keys.size === 1 ? "a picture" : "some pictures",
    keys,
    of: "images",
    apply: (request) =>
      imagesOf(request.messages).some((image) => keys.has(hashOf(image)))
        ? withoutImages(request, (image) => keys.has(hashOf(image)))
        : request,
  };
}

/** All but the newest picture, and all. */
function pictureForms({ messages }: ModelRequest): readonly Form[] {
  const all = imagesOf(messages);
  return [all.slice(0, -1), all].filter(({ length }) => length > 0).map(pictureForm);
}

const reduced = (request: ModelRequest, forms: readonly Form[]): ModelRequest =>
  forms.reduce((fit, { apply }) => apply(fit), request);

export type Walks = ReturnType<typeof createWalks>;

/** @param before A request that was answered; absent: none was. */
export function createWalks(
  modelId: string,
  now: () => number,
  onRefused: (form: Form, reason: string) => void,
  before?: ModelRequest,
) {
  const lessons: Lesson[] = [];
  const walks = new WeakMap<ModelRequest, ReturnType<typeof createWalk>>();
  /** Forms whose parts answered requests had, and keys of their tools. */
  const clear = new Set<string>();
  /** Whether an answered request had any. */
  const taken = new Set<Form["of"]>();
  /** Refused sets of those that none was taken of. */
  const sets = new Map<Form["of"], Set<string>>();
  /** Parts that are left out until a message puts each back by itself. */
  let suspects: readonly Form[] = [];

  const isClear = (form: Form) => [...form.keys ?? [idOf(form)]].every((key) => clear.has(key));
  const isCurrent = ({ at, forMs }: Lesson) => now() - at < forMs;

  function noteTaken(request: ModelRequest): void {
    for (const form of [...LADDER, ...LAST]) {
      if (form.apply(request) !== request) clear.add(idOf(form));
    }
    for (const tool of request.tools ?? []) clear.add(keyOfTool(tool));
    if (request.tools) taken.add("tools");
    if (imagesOf(request.messages).length > 0) taken.add("images");
  }

  function learn(bad: Form, reason: string): void {
    const { of } = bad;
    const refused = sets.get(of) ?? new Set();
    sets.set(of, refused.add(idOf(bad)));
    const isLack = of && !taken.has(of) && refused.size >= LACKS_MIN;
    const form = isLack ? abilityForm(of) : bad;
    const same = lessons.findIndex((lesson) => idOf(lesson.form) === idOf(form));
    const [before] = same >= 0 ? lessons.splice(same, 1) : [];
    if (lessons.length === LESSONS_MAX) lessons.shift();
    const forMs = before ? Math.min(AGAIN_MS.max, before.forMs * 2) : AGAIN_MS.first;
    lessons.push({ form, reason, at: now(), forMs });
    onRefused(form, reason);
  }

  /** The forms of a request in the order in which they are tried. */
  function formsFor(request: ModelRequest): readonly Form[] {
    const { tools = [] } = request;
    const fresh = tools.filter((tool) => !clear.has(keyOfTool(tool)));
    const half = Math.ceil(fresh.length / 2);
    const sets = [fresh.slice(half), fresh, tools];
    const known = lessons.filter((one) => !isCurrent(one)).map(({ form }) => form);
    return [
      ...known.filter(({ of, keys }) => of !== "tools" || keys?.size === 1),
      ...LADDER,
      ...sets.filter(({ length }) => length > 0).map(toolForm),
      ...pictureForms(request),
      ...LAST,
    ].filter(({ apply }) => apply(request) !== request);
  }

  if (before) noteTaken(before);

  function createWalk(asked: ModelRequest) {
    const base = reduced(asked, lessons.filter(isCurrent).map(({ form }) => form));
    /** The suspect that this message puts back: the last one that no other hides. */
    const back = suspects.findLast((form) => {
      const others = reduced(base, suspects.filter((one) => one !== form));
      return form.apply(others) !== others;
    });
    /** What is left out, the newest at the end; some parts go out together. */
    let out: (readonly Form[])[] = [];
    let request = base;
    /** A form that words have named, until an answer or other words prove it; and those that were wrong. */
    let hinted: Form | undefined;
    const wrong = new Set<string>();
    let words: string | undefined;
    let max = TRIES_MAX;
    let count = 1;
    let first: ModelError | undefined;

    function leaveOut(groups: readonly (readonly Form[])[]): void {
      out = [...groups];
      request = reduced(base, out.flat());
    }

    /** The parts to leave out next: one, two, four; then all, and each of the last ones by itself. */
    function nextGroup(tries: number): readonly Form[] {
      const forms = formsFor(request);
      const rest = forms.filter((form) => !LAST.includes(form));
      if (rest.length === 0) return forms.slice(0, 1);
      if (tries >= max - LAST.length) return rest;
      const open = rest.filter((form) => !isClear(form));
      const group = (open.length > 0 ? open : rest).slice(0, count);
      count *= 2;
      return group;
    }

    leaveOut([suspects.filter((one) => one !== back)]);
    return {
      request: () => request,
      /** Takes a refusal, the last of so many. @returns Whether a further request may help. */
      next(refusal: ModelError, fails: number): boolean {
        const isBack = !first && back !== undefined;
        first ??= refusal;
        const tries = fails + 1;
        if (refusal.kind === "server_error") max = TRIES_MAX - LATER;
        if (hinted && (refusal.words === words || refusal.kind === "not_found")) {
          wrong.add(idOf(hinted));
          leaveOut(out.slice(0, -1));
        }
        ({ words } = refusal);
        const step = tries < max - LAST.length && !isBack ? firstStep(refusal, request) : undefined;
        const isNew = step && !wrong.has(idOf(step)) && step.apply(request) !== request;
        hinted = isNew ? step : undefined;
        const named = isBack ? back : hinted;
        const group = tries > max ? [] : named ? [named] : nextGroup(tries);
        leaveOut(group.length > 0 ? [...out, group] : []); // only an answer proves anything
        return group.length > 0;
      },
      answered(): void {
        noteTaken(request);
        const left = out.flat();
        const last = first && out.at(-1);
        const bad = last?.length === 1 ? last[0] : undefined;
        const known = new Map([...suspects, ...left].map((form) => [idOf(form), form]));
        suspects = [...known.values()].filter((form) =>
          !isClear(form) && form !== bad && (form !== back || left.includes(form))
        ).slice(-LESSONS_MAX);
        if (!bad) return;
        for (const key of bad.keys ?? [idOf(bad)]) clear.delete(key);
        learn(bad, first?.message ?? "");
      },
    };
  }

  return {
    /** The walk of a request; a repeated one goes on. */
    of(asked: ModelRequest) {
      const walk = walks.get(asked) ?? createWalk(asked);
      walks.set(asked, walk);
      return walk;
    },
    refused: (): readonly RefusedPart[] =>
      lessons.filter(isCurrent).flatMap(({ form: { part, fix }, reason, at }) =>
        fix === undefined ? [] : [{ modelId, part, fix, reason, at }]
      ),
    lacks: (ability: Form["ability"]): boolean =>
      lessons.some((one) => one.form.ability === ability && isCurrent(one)),
  };
}
