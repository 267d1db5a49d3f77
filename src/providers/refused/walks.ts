/**
 * Walks over plainer requests in place of one that a server refuses, and remembers the parts that it
 * refuses (L3). No form knows a server.
 *
 * Within a walk, each request leaves out more, until one is answered. The first plainer form is chosen
 * by the server's words; wrong words cost one request. Later requests put the parts back, half by half:
 * an answer clears them, and a refusal has a bad part among them.
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
import { isRecord } from "../../lib/text/json.ts";
import { carriedIn, withoutCarried } from "../answer_parts.ts";
import { withoutThinking } from "../thinking.ts";

export interface Form {
  /** The part that it leaves out, as the end of a sentence: "the field `store`". */
  readonly part: string;
  /** Tells it from others with the same part. */
  readonly id?: string;
  /** The operator's next step, in the imperative; absent if there is none. */
  readonly fix?: string;
  /** The whole ability that it takes away; absent for less. */
  readonly ability?: "tools" | "images" | ThinkLevel;
  /** Writes the request in this form. Returns the same object if it is in it. */
  readonly apply: (request: ModelRequest) => ModelRequest;
}

type Tools = readonly ToolDefinition[];

const idOf = ({ part, id = "" }: Form): string => `${part} ${id}`;

/** A field of the body. `name` replaces it if it is there. */
function fieldForm(field: string, name?: string): Form {
  return {
    part: `the field \`${field}\``,
    fix: "add it to `omit` of the provider, so that no request has it",
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

const WHERE = "`omit` of the provider";

/** Streams of answers, which OpenAI has for verified organizations alone. */
const STREAM: Form = {
  part: "streams of answers",
  fix: `add \`stream\` and \`stream_options\` to ${WHERE}`,
  apply: (request) => omitting(request, ["stream", "stream_options"]),
};

const LIMITS = OPTIONAL_FIELDS.filter((field) => /^max_|^maxO/.test(field));

/** Some servers want it. */
const LIMIT: Form = {
  part: "a maximum of an answer's tokens",
  fix: `add \`max_tokens\` to ${WHERE}`,
  apply: (request) => omitting(request, LIMITS),
};

/** Without `store: false`, OpenAI keeps a request, so only words that name the field leave it out. */
const UNNAMED_FIELDS = OPTIONAL_FIELDS.filter((field) =>
  field !== "store" && !LIMITS.includes(field)
);

const FIELDS: Form = {
  part: "optional fields",
  fix: `add those that the server does not know to ${WHERE}`,
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
  fix: "update the server, or choose another model",
  apply: (request) =>
    request.messages.some(({ role }) => role === "tool")
      ? { ...request, messages: plainMessages(request.messages) }
      : request,
};

/** All forms that need no words, in the order in which they are tried. */
const LADDER: readonly Form[] = [FIELDS, SCHEMAS, SEPARATED, ...CARRIED, SYSTEM, CALLS];
/** Those that concern tools. */
const OF_TOOLS: readonly Form[] = [FIELDS, SCHEMAS, SEPARATED, CALLS];

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

/** Certain tools, until their definitions change. */
function toolForm(refused: Tools): Form {
  const names = refused.map(({ name }) => `\`${name}\``);
  const known = new Set(refused.map(keyOfTool));
  return {
    part: `the ${names.length === 1 ? "tool" : "tools"} ${names.join(", ")}`,
    fix: refused.some(({ name }) => name.startsWith("mcp__"))
      ? "correct the schema at the MCP server, or add the name to `tools.deny`"
      : "add the name to `tools.deny`",
    apply: keeping((tools) => tools.filter((tool) => !known.has(keyOfTool(tool)))),
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
    ? ref.split("/").slice(1).reduce<unknown>((at, key) => isRecord(at) ? at[key] : undefined, root)
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
    : isRecord(items)
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

/**
 * A form, tools, or the kind of the parts among which the walk looks at once. `no_tools`: the words
 * speak of all of them, so one tool alone shows whether they are right.
 */
type FirstStep =
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
const LIMIT_WORDS = /\b(?:maximum|at most|limit|exceed\w*|too (?:long|many))\b/i;

function firstStep({ kind, words = "" }: ModelError, request: ModelRequest): FirstStep {
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
  const limits = LIMIT_WORDS.test(words) ? (words.match(/\b\d+\b/g) ?? []).map(Number) : [];
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

interface Part {
  readonly key: string;
  readonly kind: "form" | "tools" | "images";
  /** The form that leaves it out. */
  readonly form: () => Form;
}

/** Bad parts in a row after which the others of their kind count as bad, because of their number. */
const ROW_MAX = 6;
/** Bad parts of a kind, with none taken ever, after which the server takes none; or all, if several. */
const LACKS_MIN = 3;
/** Maximum number of requests in place of one, itself included. */
const TRIES_MAX = 9;
/** Those of them that come later, with a delay each, after an error that may pass. */
const LATER = 2;
/** Milliseconds after which a request tries again with a part. The time doubles each time. */
const AGAIN_MS = { first: 600_000, max: 86_400_000 };
/** Maximum number of lessons: pictures may be many. */
const LESSONS_MAX = 200;

interface Lesson {
  readonly part: Part;
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

/** A picture concerns one person, so the operator needs no step. */
function pictureForm(key: string): Form {
  return {
    part: "a picture",
    id: key,
    apply: (request) => withoutImages(request, (image) => hashOf(image) === key),
  };
}

const formPart = (form: Form): Part => ({ key: idOf(form), kind: "form", form: () => form });
const FORMS = LADDER.map(formPart);
/** Some servers want these, so they are left out at last. */
const LAST = [LIMIT, STREAM].map(formPart);
const isLast = ({ key }: Part) => LAST.some((last) => last.key === key);

/** The parts of a request, in the order in which they are left out: the last tools are newest. */
function partsOf(request: ModelRequest, named: readonly Part[]): readonly Part[] {
  const { tools = [], messages } = request;
  const own = new Set([...FORMS, ...LAST].map(({ key }) => key));
  return [
    ...named.filter(({ key }) => !own.has(key)),
    ...FORMS,
    ...tools.toReversed().map((tool): Part => ({
      ...{ key: keyOfTool(tool), kind: "tools", form: () => toolForm([tool]) },
    })),
    ...imagesOf(messages).map((image): Part => {
      const key = hashOf(image);
      return { key, kind: "images", form: () => pictureForm(key) };
    }),
    ...LAST,
  ];
}

function within(request: ModelRequest, parts: readonly Part[]): readonly Part[] {
  const counted = new Set([
    ...(request.tools ?? []).map(keyOfTool),
    ...imagesOf(request.messages).map(hashOf),
  ]);
  return parts.filter(({ key, kind, form }) =>
    kind === "form" ? form().apply(request) !== request : counted.has(key)
  );
}

function without(
  request: ModelRequest,
  parts: readonly Part[],
  out: ReadonlySet<string>,
): ModelRequest {
  if (out.size === 0) return request;
  const forms = parts.filter(({ key, kind }) => kind === "form" && out.has(key));
  const fit = forms.reduce((fit, { form }) => form().apply(fit), request);
  const keep = keeping((tools) => tools.filter((tool) => !out.has(keyOfTool(tool))));
  return withoutImages(keep(fit), (image) => out.has(hashOf(image)));
}

const less = (parts: readonly Part[], others: readonly Part[]): readonly Part[] =>
  parts.filter(({ key }) => !others.some((one) => one.key === key));
const keysOf = (parts: readonly Part[]): Set<string> => new Set(parts.map(({ key }) => key));
const ofKind = (kind: Part["kind"]) => (one: Part) => one.kind === kind;

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
  /**
   * Keys of parts that answered requests had. Pictures are never clear: their number may be the cause,
   * and the newest matter most.
   */
  const clear = new Set<string>();
  /** Kinds of these parts, pictures included. */
  const taken = new Set<Part["kind"]>();
  /** The parts that are left out until the search ends. */
  let suspects: readonly Part[] = [];
  /** Some of them, of which one is bad for certain. */
  let group: readonly Part[] = [];
  /** The kind of the bad part that was found last, until one more is put back. */
  let foundKind: Part["kind"] | undefined;
  /** Number of bad parts of each kind: in a row, and since none was ever taken. */
  const rows = new Map<Part["kind"], number>();
  const singles = new Map<Part["kind"], number>();
  /** Maximum number of parts of a kind in a request. */
  const most = new Map<Part["kind"], number>();
  /** The refusal that began the running search, and when it came. */
  let searched = { reason: "", at: 0 };

  const isCurrent = ({ at, forMs }: Lesson) => now() - at < forMs;
  const isClear = ({ key }: Part) => clear.has(key);

  function noteTaken(parts: readonly Part[]): void {
    for (const part of parts) {
      if (!isClear(part)) rows.delete(part.kind);
      if (part.kind !== "images") clear.add(part.key);
      taken.add(part.kind);
      singles.delete(part.kind);
    }
    suspects = less(suspects, parts);
    group = less(group, parts);
  }

  function forget(): void {
    suspects = group = [];
    foundKind = undefined;
    rows.clear();
    singles.clear();
  }

  function learn(part: Part, reason: string): void {
    const same = lessons.findIndex((lesson) => lesson.part.key === part.key);
    const [before] = same >= 0 ? lessons.splice(same, 1) : [];
    if (lessons.length === LESSONS_MAX) lessons.shift();
    const isNew = !before || !isCurrent(before);
    const forMs = before ? Math.min(AGAIN_MS.max, before.forMs * (isNew ? 2 : 1)) : AGAIN_MS.first;
    const form = part.form();
    lessons.push({ part, form, reason, at: now(), forMs });
    if (isNew) onRefused(form, reason);
  }

  /** Learns a bad part, and what it says of the others of its kind. */
  function learnBad(part: Part, reason: string): void {
    const { kind } = part;
    suspects = less(suspects, [part]);
    group = [];
    foundKind = kind;
    rows.set(kind, (rows.get(kind) ?? 0) + 1);
    if (!taken.has(kind)) singles.set(kind, (singles.get(kind) ?? 0) + 1);
    const needed = Math.min(LACKS_MIN, Math.max(2, most.get(kind) ?? 0));
    if (kind !== "form" && (singles.get(kind) ?? 0) >= needed) {
      suspects = suspects.filter((one) => one.kind !== kind);
      return learn(formPart(abilityForm(kind)), reason);
    }
    learn(part, reason);
    if (kind === "form" || (rows.get(kind) ?? 0) < ROW_MAX) return;
    for (const one of suspects.filter(ofKind(kind))) learn(one, reason);
    suspects = suspects.filter((one) => one.kind !== kind);
  }

  /**
   * The suspects to put back into a request: half of a group with a bad part. After a bad part was
   * found, one alone, and then all.
   *
   * @param isSeen Whether the request has one of them then: a form may leave out others, too.
   */
  function probeOf(
    present: readonly Part[],
    isSeen: (probe: readonly Part[]) => boolean,
  ): readonly Part[] {
    const some = group.length > 0 ? less(present, less(present, group)) : present;
    const half = Math.floor(some.length / 2);
    const one = some.findLast(ofKind(foundKind ?? "form")) ?? some.at(-1);
    const probes = group.length > 0
      ? [some.slice(half), some.slice(0, half)]
      : foundKind && one
      ? [[one]]
      : [];
    return probes.find(isSeen) ?? some;
  }

  if (before) noteTaken(within(before, partsOf(before, [])));

  function createWalk(asked: ModelRequest, startedAt: number) {
    const [known, expired] = [lessons.filter(isCurrent), lessons.filter((one) => !isCurrent(one))];
    const base = known.reduce((fit, { form }) => form.apply(fit), asked);
    const named = expired.map(({ part }) => part).filter(ofKind("form"));
    let parts = within(base, partsOf(base, named));
    for (const kind of ["tools", "images"] as const) {
      most.set(kind, Math.max(parts.filter(ofKind(kind)).length, most.get(kind) ?? 0));
    }
    const present = parts.filter(({ key }) => suspects.some((one) => one.key === key));
    const isSearching = present.length > 0;
    /** Suspects that the request has; empty once it was refused. */
    let probe = probeOf(
      present,
      (some) =>
        less(some, within(without(base, parts, keysOf(less(present, some))), parts)).length <
          some.length,
    );
    const out = keysOf(less(present, probe));
    /** The parts that were left out last, after a refusal without all suspects. */
    let added: readonly Part[] | undefined;
    /** A part that was bad alone. */
    let found: Part | undefined;
    /** A form that words have named, until an answer or other words prove it. */
    let hinted: Part | undefined;
    let words: string | undefined;
    let tries = 1;
    let max = TRIES_MAX;
    let first: ModelError | undefined;
    let request = without(base, parts, out);

    /** Adds the parts that a refusal names to those that are left out. @returns Whether there are any. */
    function follow(step: ReturnType<typeof firstStep>): boolean {
      if (step === undefined) return false;
      if (typeof step === "object" && "part" in step) {
        const part = formPart(step);
        clear.delete(part.key);
        if (within(request, [part]).length === 0) return false;
        if (!parts.some(({ key }) => key === part.key)) parts = [hinted = part, ...parts];
        return leaveOut([part]);
      }
      if (typeof step === "object") {
        const tools = new Set(step.map(keyOfTool));
        for (const key of tools) clear.delete(key);
        return leaveOut(parts.filter(({ key }) => tools.has(key)));
      }
      if (isSearching) return false; // the search knows more than words
      const open = within(request, parts).filter((part) => !isClear(part));
      const kind = step === "images" ? "images" : "tools";
      const forms = kind === "images"
        ? []
        : open.filter(({ key }) => OF_TOOLS.some((form) => idOf(form) === key));
      const counted = open.filter(ofKind(kind));
      const others = step === "no_tools" ? counted.slice(0, -1) : [];
      if (leaveOut([...forms, ...others])) return true;
      // The server says the same of one tool.
      if (step === "no_tools" && counted.length === 1) singles.set(kind, LACKS_MIN - 1);
      return leaveOut(counted);
    }

    function leaveOut(some: readonly Part[]): boolean {
      const more = some.filter(({ key }) => !out.has(key));
      for (const { key } of more) out.add(key);
      if (more.length > 0) added = more;
      return more.length > 0;
    }

    /** Leaves out some more of the parts: at most as many as before, and half of them. */
    function grow(): boolean {
      const open = within(request, parts).filter((part) => !isClear(part));
      const count = Math.min(Math.max(1, out.size), Math.ceil(open.length / 2));
      return leaveOut(open.filter((part) => !isLast(part)).slice(0, count));
    }

    /** Leaves out all suspects again. */
    function endProbe(): void {
      const [one, ...others] = probe;
      for (const { key } of probe) out.add(key);
      foundKind = undefined;
      if (others.length === 0) found = one;
      else group = probe;
      probe = [];
    }

    function plan(refusal: ModelError): boolean {
      const step = firstStep(refusal, request);
      const isSame = refusal.words === words || refusal.kind === "not_found";
      words = refusal.words;
      if (hinted && isSame) { // its words were wrong
        out.delete(hinted.key);
        parts = less(parts, [hinted]);
      }
      hinted = undefined;
      if (probe.length > 0) {
        endProbe();
        return true;
      }
      const isFree = tries <= max - (LAST.every(isClear) ? 2 : 3);
      if (isFree && (follow(step) || grow())) return true;
      const rest = parts.filter((part) => !isLast(part));
      const ends = [rest.filter((part) => !isClear(part)), rest, ...LAST.map((one) => [one])];
      return ends.some(leaveOut);
    }

    return {
      request: () => request,
      /** Takes a refusal, the last of so many. @returns Whether a further request may help. */
      next(refusal: ModelError, fails: number): boolean {
        if (!first && suspects.length === 0) searched = { reason: refusal.message, at: startedAt };
        first ??= refusal;
        tries = fails + 1;
        if (refusal.kind === "server_error") max = TRIES_MAX - LATER;
        if (within(request, parts).every(isClear)) { // the server has changed
          clear.clear();
          taken.clear();
        }
        const isPlanned = tries <= max && plan(refusal);
        if (!isPlanned) {
          forget(); // only an answer proves anything
          out.clear();
        }
        request = without(base, parts, out);
        return isPlanned;
      },
      answered(): void {
        const sent = within(request, parts);
        if (probe.length > 0 && group.length === 0) foundKind = undefined;
        noteTaken(sent);
        if (added) {
          const absent = less(suspects, parts);
          suspects = [...absent, ...parts.filter(({ key }) => out.has(key))];
          group = less(added, sent);
        }
        const reason = first?.message ?? searched.reason;
        const [one, ...others] = group;
        if (found) learnBad(found, reason);
        else if (one && others.length === 0) learnBad(one, reason);
      },
    };
  }

  return {
    /** The walk of a request; a repeated one goes on. */
    of(asked: ModelRequest, startedAt: number) {
      const walk = walks.get(asked) ?? createWalk(asked, startedAt);
      walks.set(asked, walk);
      return walk;
    },
    refused(): readonly RefusedPart[] {
      const known = lessons.filter(isCurrent).flatMap(({ form: { part, fix }, reason, at }) =>
        fix === undefined ? [] : [{ modelId, part, fix, reason, at }]
      );
      const [kind, ...others] = new Set(group.map((one) => one.kind));
      if (kind === undefined) return known;
      const part = kind === "form" || others.length > 0 ? "a part of requests" : `some ${kind}`;
      const fix = "the next messages tell which";
      return [...known, { modelId, part, fix, ...searched }];
    },
    lacks: (ability: Form["ability"]): boolean =>
      lessons.some((one) => one.form.ability === ability && isCurrent(one)),
  };
}
